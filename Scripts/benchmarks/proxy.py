"""A TCP proxy on loopback that adds a delay to each HTTP request, and counts requests and bytes.

It may also be as slow as a line: all connections together, downwards. Or be a black hole for a while.
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
# What one connection sends before others have a turn on the line.
LINE_PIECE_BYTES = 64 << 10
F_SETPIPE_SZ = 1031
METHODS = (b"GET ", b"HEAD ", b"PUT ", b"POST ", b"DELETE ")


class Proxy:
    """Forwards a port of its own, `port`, to `target`; runs in a process of its own.

    Requests take `seconds` longer; answers come with `bytes_per_second` at most, if that is not 0.
    """

    def __init__(self, target, seconds=0.0, bytes_per_second=0):
        self.counts = multiprocessing.Array("q", 3)
        # Looked at for every piece, and so without a lock.
        self.is_open = multiprocessing.RawValue("b", 1)
        listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.port = listener.getsockname()[1]
        self.process = multiprocessing.Process(
            target=self._serve, args=(listener, target, seconds, bytes_per_second), daemon=True
        )
        self.process.start()
        listener.close()

    def stop(self):
        self.process.terminate()
        self.process.join()

    def swallow(self):
        """From now on nothing passes in either direction, and no connection is answered or ended."""
        self.is_open.value = 0

    def recover(self):
        self.is_open.value = 1

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

    def _serve(self, listener, target, seconds, bytes_per_second):
        line = Line(bytes_per_second) if bytes_per_second else None
        while True:
            client, _ = listener.accept()
            Exchange(client, target, seconds, line, self.counts, self.is_open).start()


class Line:
    """What all connections share, and is busy with what it was given before."""

    def __init__(self, bytes_per_second):
        self.bytes_per_second = bytes_per_second
        self.lock = threading.Lock()
        self.free_at = 0.0

    def carry(self, count):
        """Returns when the bytes are at the other end."""
        with self.lock:
            self.free_at = max(self.free_at, time.monotonic()) + count / self.bytes_per_second
            wait = self.free_at - time.monotonic()
        if wait > 0:
            time.sleep(wait)


class Exchange:
    """One connection of a client, and its counterpart to the server."""

    def __init__(self, client, target, seconds, line, counts, is_open):
        self.client = client
        self.server = socket.create_connection(("127.0.0.1", target))
        for end in (self.client, self.server):
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.seconds = seconds
        self.line = line
        self.counts = counts
        self.is_open = is_open
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

    def _wait_until_open(self):
        while not self.is_open.value:
            time.sleep(0.01)

    def _up(self):
        pipe = Pipe()
        while True:
            # Only when something comes it shows whether it is a new request.
            select.select([self.client], [], [])
            self._wait_until_open()
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
        most = LINE_PIECE_BYTES if self.line else PIPE_BYTES
        while True:
            count = pipe.take(self.server, most)
            if count == 0:
                return
            self.is_answered = True
            if self.line:
                self.line.carry(count)
            self._wait_until_open()
            pipe.give(self.client, count)
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
        count = self.take(source, PIPE_BYTES)
        self.give(target, count)
        return count

    def take(self, source, most):
        return os.splice(source.fileno(), self.into, most)

    def give(self, target, count):
        while count:
            count -= os.splice(self.out, target.fileno(), count)
