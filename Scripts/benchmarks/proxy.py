"""A TCP proxy on loopback that adds a delay to each HTTP request, and counts requests and bytes.

Bodies pass from socket to socket by splice(2), so that the proxy costs little of the machine's time.
"""

import fcntl
import multiprocessing
import os
import select
import socket
import threading
import time

PIPE_BYTES = 1 << 20
F_SETPIPE_SZ = 1031
METHODS = (b"GET ", b"HEAD ", b"PUT ", b"POST ", b"DELETE ")


class Proxy:
    """Forwards a port of its own, `port`, to `target`; runs in a process of its own."""

    def __init__(self, target, seconds=0.0):
        self.counts = multiprocessing.Array("q", 3)
        listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.port = listener.getsockname()[1]
        self.process = multiprocessing.Process(
            target=self._serve, args=(listener, target, seconds), daemon=True
        )
        self.process.start()
        listener.close()

    def stop(self):
        self.process.terminate()
        self.process.join()

    @property
    def requests(self):
        return self.counts[0]

    @property
    def heads(self):
        return self.counts[1]

    @property
    def bytes_down(self):
        return self.counts[2]

    def reset(self):
        for i in range(3):
            self.counts[i] = 0

    def _serve(self, listener, target, seconds):
        while True:
            client, _ = listener.accept()
            Exchange(client, target, seconds, self.counts).start()


class Exchange:
    """One connection of a client, and its counterpart to the server."""

    def __init__(self, client, target, seconds, counts):
        self.client = client
        self.server = socket.create_connection(("127.0.0.1", target))
        for end in (self.client, self.server):
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.seconds = seconds
        self.counts = counts
        self.is_answered = True

    def start(self):
        for work in (self._up, self._down):
            threading.Thread(target=self._guarded, args=(work,), daemon=True).start()

    def _guarded(self, work):
        try:
            work()
        except OSError:
            pass
        for end in (self.client, self.server):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def _up(self):
        pipe = Pipe()
        while True:
            # Only when something comes it shows whether it is a new request.
            select.select([self.client], [], [])
            if not self.is_answered:
                if pipe.move(self.client, self.server) == 0:
                    return
                continue
            head = self.client.recv(1 << 16)
            if not head:
                return
            if head.startswith(METHODS):
                with self.counts.get_lock():
                    self.counts[0] += 1
                    self.counts[1] += head.startswith(b"HEAD ")
                time.sleep(self.seconds)
            self.is_answered = False
            self.server.sendall(head)

    def _down(self):
        pipe = Pipe()
        while True:
            count = pipe.move(self.server, self.client)
            if count == 0:
                return
            self.is_answered = True
            with self.counts.get_lock():
                self.counts[2] += count


class Pipe:
    """What bytes pass through between two sockets."""

    def __init__(self):
        self.out, self.into = os.pipe()
        fcntl.fcntl(self.into, F_SETPIPE_SZ, PIPE_BYTES)

    def __del__(self):
        os.close(self.out)
        os.close(self.into)

    def move(self, source, target):
        count = os.splice(source.fileno(), self.into, PIPE_BYTES)
        left = count
        while left:
            left -= os.splice(self.out, target.fileno(), left)
        return count
