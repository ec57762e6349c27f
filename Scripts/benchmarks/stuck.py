"""What one store that answers nothing any more does to everything else on the same mount."""

import os
import subprocess
import sys
import time
from statistics import median

import measure

MIB = 1 << 20
READERS = 200
ROUNDS = 50
# Between two rounds: so that all of them last beyond every deadline of a read.
PAUSE_SECONDS = 0.2
NAME = "dead"

STAT = "200 readers stuck: stat, median ms"
LS = "200 readers stuck: ls of 1,000, median ms"
CACHED = "200 readers stuck: read of a cached file, median ms"
OTHER = "200 readers stuck: read from another backend, median ms"
DF = "200 readers stuck: df, longest ms"
KILL = "200 readers stuck: until they are killed, ms"
RECOVERY = "200 readers stuck: until the backend is read again, s"

ROWS = {
    STAT: ("ms", False),
    LS: ("ms", False),
    CACHED: ("ms", False),
    OTHER: ("ms", False),
    DF: ("ms", False),
    KILL: ("ms", False),
    RECOVERY: ("s", False),
}

# Each reads places that nobody has read, and tries again if that fails.
PROGRAM = """
import os, sys, threading, time
file = os.open(sys.argv[1], os.O_RDONLY)
def read(number):
    while True:
        try:
            os.pread(file, 4096, number << 20)
            return
        except OSError:
            time.sleep(0.2)
for number in range(int(sys.argv[2])):
    threading.Thread(target=read, args=(number,)).start()
"""


def measure_stuck(mount, proxy):
    """`mount` has a second backend, `dead`, that is reached through the proxy."""
    ours, dead = mount.path, mount.point / "backends" / NAME
    files = [place / f"small/f{i:04}" for i in range(ROUNDS) for place in (ours, dead)]
    for place in (ours, dead):
        os.listdir(place / "small")
    os.listdir(dead / "big")
    os.stat(dead / "big/256m-0")
    for file in files:
        file.read_bytes()
    # Whoever asks now asks the daemon.
    measure.drop_page_cache()
    times = {title: [] for title in (STAT, LS, CACHED, OTHER, DF)}

    def timed(title, body):
        start = time.monotonic()
        body()
        times[title].append(time.monotonic() - start)

    proxy.swallow()
    try:
        readers = start_readers(dead)
        start = time.monotonic()
        readers.kill()
        readers.wait()
        yield KILL, time.monotonic() - start
        readers = start_readers(dead)
        for file in files:
            timed(STAT, lambda: os.stat(file))
        for i in range(ROUNDS):
            time.sleep(PAUSE_SECONDS)
            for file in files[2 * i : 2 * i + 2]:
                timed(CACHED, file.read_bytes)
                timed(LS, lambda: os.listdir(file.parent))
            timed(OTHER, (ours / f"small/f{ROUNDS + i:04}").read_bytes)
            timed(DF, lambda: os.statvfs(mount.point))
    finally:
        proxy.recover()
    start = time.monotonic()
    read_again(dead / "big/256m-0")
    yield RECOVERY, time.monotonic() - start
    readers.kill()
    readers.wait()
    for title in (STAT, LS, CACHED, OTHER):
        yield title, median(times[title])
    yield DF, max(times[DF])


def start_readers(dead):
    path = dead / "big/256m-0"
    readers = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, path, str(READERS)], stderr=subprocess.DEVNULL
    )
    time.sleep(2)
    if readers.poll() is not None:
        raise RuntimeError("the readers were not stuck")
    return readers


def read_again(path):
    end = time.monotonic() + measure.LIMIT_SECONDS
    while time.monotonic() < end:
        try:
            with open(path, "rb", buffering=0) as file:
                os.pread(file.fileno(), 4096, (READERS + 20) * MIB)
            return
        except OSError:
            time.sleep(0.02)
    raise measure.TooSlow
