"""What is read and listed through a mount, and what a plain client and the disk give at best.

A session is what is done on one mount that begins with an empty cache. It tells one row after the
other, as `(title, value)`, or `(title, value, LIMIT)` for what the same session measures of the limit.
"""

import concurrent.futures
import os
import random
import subprocess
import tempfile
import threading
import time
from statistics import mean, median

import measure
import mounts
import s3
import stuck

BUCKET = "bench"
GIB, MIB = 1 << 30, 1 << 20
CHUNK = 128 << 10
SMALL_FILES, SMALL_BYTES = 1000, 16 << 10
MANY = 100_000
TREE_DIRECTORIES, TREE_FILES = 400, 50
WRITTEN = 3000
RECORDED = {
    "x-amz-meta-mode": str(0o100640),
    "x-amz-meta-uid": "0",
    "x-amz-meta-gid": "0",
    "x-amz-meta-mtime": "1000000007",
}
RANDOM_READS = 256
CURLS = (1, 2, 4, 8, 16)
LIMIT = "limit"

ALL = [mounts.GoSync, mounts.Rclone, mounts.S3FS]
WITH_PLAIN = [mounts.GoSync, mounts.Plain, mounts.Rclone, mounts.S3FS]

# Title: unit, whether more is better.
ROWS = {
    "cold, 1 stream of 1 GiB, MiB/s": ("", True),
    "cold, 1 stream; the limit keeps what it reads, MiB/s": ("", True),
    "cold, 4 streams of 256 MiB, MiB/s": ("", True),
    "first byte of 1 GiB, ms": ("ms", False),
    "cold random 4 KiB, 1 thread, median ms": ("ms", False),
    "cold random 4 KiB, 1 thread, mean ms": ("ms", False),
    "cold random 4 KiB, 16 threads, mean ms": ("ms", False),
    "warm, 1 GiB, MiB/s": ("", True),
    "warm random 4 KiB O_DIRECT, 1/s": ("", True),
    "small files of 16 KiB cold, 1/s": ("", True),
    "ls of 100,000 cold, s": ("s", False),
    "ls of 100,000 warm, s": ("s", False),
    "ls -l of 100,000 cold, s": ("s", False),
    "ls -l of 100,000 warm, s": ("s", False),
    "ls -l of 3,000 with attributes recorded, s": ("s", False),
    "find, 20,000 in 400 directories, s": ("s", False),
    "requests for stat, open and 1 byte": ("", False),
    "bytes fetched per byte, random 4 KiB": ("", False),
    "bytes fetched per byte, 8 readers of 256 MiB": ("", False),
    "requests for ls -l of 100,000": ("", False),
    "HEADs among these": ("", False),
    "requests for find": ("", False),
    **stuck.ROWS,
}


def fill(port):
    """Objects of every size and number that the sessions read."""
    client = s3.Client(port)
    client.send("PUT", f"/{BUCKET}")
    part = os.urandom(32 * MIB)
    client.put_in_parts(BUCKET, "big/1g", part, 32)
    for i in range(4):
        client.put_in_parts(BUCKET, f"big/256m-{i}", part, 8)
    jobs = [(f"small/f{i:04}", SMALL_BYTES) for i in range(SMALL_FILES)]
    jobs += [(f"many/object-{i:06}", 10) for i in range(MANY)]
    jobs += [
        (f"tree/d{i:03}/f{j:02}", 10) for i in range(TREE_DIRECTORIES) for j in range(TREE_FILES)
    ]
    s3.put_many(port, BUCKET, jobs)
    written = [(f"written/f{i:04}", 10) for i in range(WRITTEN)]
    s3.put_many(port, BUCKET, written, headers=RECORDED)


class Session:
    """One mount's work: on which kinds of mounts, and what the limit of its rows is."""

    def __init__(
        self, name, body, limit=None, kinds=ALL, is_counted=False, is_large=False, prepare=None
    ):
        self.name, self.body, self.limit, self.kinds = name, body, limit, kinds
        # Reads so much that it matters whether memory was used before.
        self.is_large = is_large
        # Goes through the proxy, also on bare loopback; once is enough.
        self.is_counted = is_counted
        # Gets each mount before it is started.
        self.prepare = prepare or (lambda mount: None)


def sessions(port, proxy, is_first, small_files):
    """Those of one latency; what is warm, or counted, does not depend on it and comes with the first."""

    def one_stream(mount):
        speed = GIB / MIB / read_whole(mount.path / "big/1g")
        yield "cold, 1 stream of 1 GiB, MiB/s", speed
        yield "cold, 1 stream; the limit keeps what it reads, MiB/s", speed

    def one_stream_and_warm(mount):
        yield from one_stream(mount)
        path = mount.path / "big/1g"
        own = mount.cache_file(GIB) if type(mount) is mounts.GoSync else None
        # The disk is still busy with what was written to it.
        measure.drop_page_cache()
        read_whole(path)
        # Side by side, so that both meet the same weather.
        for title, body in [
            ("warm, 1 GiB, MiB/s", lambda file: GIB / MIB / read_whole(file)),
            ("warm random 4 KiB O_DIRECT, 1/s", lambda file: measure.direct_reads(file, 2)),
        ]:
            measure.drop_page_cache()
            yield title, body(path)
            if own:
                measure.drop_page_cache()
                yield title, body(own), LIMIT

    def four_streams(mount):
        reads = [measure.read_whole(mount.path / f"big/256m-{i}") for i in range(4)]
        yield "cold, 4 streams of 256 MiB, MiB/s", GIB / MIB / measure.run_all(reads)

    def small_reads(mount):
        os.listdir(mount.path / "big")
        # A peer would use the time to read ahead, and slow the plain client down.
        client = s3.Client(port) if type(mount) is mounts.GoSync else None
        if client:
            client.get(BUCKET, "big/1g", 0, 10)
            begin = time.monotonic()
            client.get(BUCKET, "big/1g", 0, CHUNK - 1)
            yield "first byte of 1 GiB, ms", time.monotonic() - begin, LIMIT
        begin = time.monotonic()
        with open(mount.path / "big/1g", "rb", buffering=0) as file:
            file.read(1)
        yield "first byte of 1 GiB, ms", time.monotonic() - begin
        reads, gets = in_turn(mount.path / "big/1g", client)
        for name, average in [("median", median), ("mean", mean)]:
            title = f"cold random 4 KiB, 1 thread, {name} ms"
            yield title, average(reads)
            if gets:
                yield title, average(gets), LIMIT
        title = "cold random 4 KiB, 16 threads, mean ms"
        yield title, mean(measure.random_reads(mount.path / "big/256m-0", GIB // 4, 16, 15))
        if client:
            yield title, mean(sixteen_gets()), LIMIT

    def in_turn(path, client):
        """Seconds that reads take, and in turn with them GETs of the same places."""
        places = list(range(1, GIB // MIB))
        random.Random(1).shuffle(places)
        reads, gets = [], []
        with open(path, "rb", buffering=0) as file:
            for place in places[:RANDOM_READS]:
                start = time.monotonic()
                os.pread(file.fileno(), 4096, place * MIB + 512 * 1024)
                reads.append(time.monotonic() - start)
                if sum(reads) > measure.LIMIT_SECONDS:
                    raise measure.TooSlow
                if client:
                    start = time.monotonic()
                    client.get(BUCKET, "big/1g", place * MIB, place * MIB + CHUNK - 1)
                    gets.append(time.monotonic() - start)
        return reads, gets

    def sixteen_gets():
        def gets(first):
            client = s3.Client(port)
            client.get(BUCKET, "big/1g", 0, 10)
            barrier.wait()
            for i in range(15):
                start = time.monotonic()
                client.get(BUCKET, "big/1g", (first + i) * MIB, (first + i) * MIB + CHUNK - 1)
                yield time.monotonic() - start

        barrier = threading.Barrier(16)
        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            each = pool.map(lambda i: list(gets(16 * i)), range(16))
            return [seconds for times in each for seconds in times]

    def small(mount):
        files = [mount.path / f"small/f{i:04}" for i in range(small_files)]
        os.listdir(mount.path / "small")
        yield "small files of 16 KiB cold, 1/s", small_files / measure.run(["cat", *files])

    def listings(*command):
        def body(mount):
            for state in ("cold", "warm"):
                title = f"{' '.join(command)} of 100,000 {state}, s"
                yield title, measure.run([*command, mount.path / "many"])

        return body

    def written(mount):
        """What a file system has written: modes, owners and times are with the objects."""
        command = ["ls", "-l", "--time-style=+%s", mount.path / "written"]
        yield "ls -l of 3,000 with attributes recorded, s", measure.run(command)
        shown = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        if shown.count(RECORDED["x-amz-meta-mtime"]) != WRITTEN:
            raise RuntimeError(f"{mount.name} shows other times than are recorded")

    def find(mount):
        yield "find, 20,000 in 400 directories, s", measure.run(find_files(mount))

    def counted_reads(mount):
        os.listdir(mount.path / "big")
        proxy.reset()
        os.stat(mount.path / "big/256m-0")
        with open(mount.path / "big/256m-0", "rb", buffering=0) as file:
            file.read(1)
            # What is read ahead beyond the first byte is not counted, for it is on top.
            yield "requests for stat, open and 1 byte", proxy.requests
        proxy.reset()
        measure.random_reads(mount.path / "big/1g", GIB, 1, 128)
        yield "bytes fetched per byte, random 4 KiB", proxy.bytes_down / (128 * 4096)
        proxy.reset()
        measure.run_all([measure.read_whole(mount.path / "big/256m-1")] * 8)
        yield "bytes fetched per byte, 8 readers of 256 MiB", proxy.bytes_down / (256 * MIB)

    def counted_walk(mount):
        proxy.reset()
        measure.run(find_files(mount))
        yield "requests for find", proxy.requests

    def counted_list(mount):
        proxy.reset()
        measure.run(["ls", "-l", mount.path / "many"])
        yield "requests for ls -l of 100,000", proxy.requests
        yield "HEADs among these", proxy.heads

    # The limits of a listing are what a plain client takes for it.
    def listed(prefix, *titles):
        def body():
            seconds = list_all(prefix)
            for title in titles:
                yield title, seconds

        return body

    def list_all(prefix):
        start = time.monotonic()
        s3.Client(port).list(BUCKET, prefix)
        return time.monotonic() - start

    def curls():
        best = max(curl(port, count) for count in CURLS)
        yield "cold, 1 stream of 1 GiB, MiB/s", best
        yield "cold, 4 streams of 256 MiB, MiB/s", best
        with tempfile.TemporaryDirectory(prefix="gosync-bench-") as directory:
            best = max(curl(port, count, directory) for count in CURLS)
        yield "cold, 1 stream; the limit keeps what it reads, MiB/s", best

    def one_backend_stuck(mount):
        yield from stuck.measure_stuck(mount, proxy)

    def add_stuck(mount):
        mount.backends[stuck.NAME] = proxy.port

    timed = [
        Session("one stream and warm", one_stream_and_warm, curls, kinds=WITH_PLAIN, is_large=True)
        if is_first
        else Session("one stream", one_stream, curls, is_large=True),
        Session("four streams", four_streams, is_large=True),
        Session("small reads", small_reads),
        Session("small files", small),
        Session("ls", listings("ls"), listed("many/", "ls of 100,000 cold, s")),
        Session("ls -l", listings("ls", "-l"), listed("many/", "ls -l of 100,000 cold, s")),
        Session("ls -l with attributes", written),
        Session("find", find, listed("tree/", "find, 20,000 in 400 directories, s")),
    ]
    counted = [
        Session("counted reads", counted_reads, is_counted=True),
        Session("counted ls -l", counted_list, is_counted=True),
        Session("counted find", counted_walk, is_counted=True),
        Session("stuck", one_backend_stuck, kinds=[mounts.GoSync], prepare=add_stuck),
    ]
    return timed + counted if is_first else timed


def read_whole(path):
    return measure.run(measure.read_whole(path))


def find_files(mount):
    return ["find", mount.path / "tree", "-type", "f"]


def curl(port, count, directory=None):
    """MiB/s of a number of ranged GETs side by side; what they bring is kept in a directory, if any."""
    size = GIB // count
    url = f"http://127.0.0.1:{port}/{BUCKET}/big/1g"
    sign = ["--aws-sigv4", "aws:amz:us-east-1:s3", "--user", f"{s3.ACCESS}:{s3.SECRET}"]
    # Naming the hash keeps curl from leaving it out, which a strict server refuses.
    sign += ["-H", "x-amz-content-sha256: UNSIGNED-PAYLOAD"]
    ranges = [f"{i * size}-{(i + 1) * size - 1}" for i in range(count)]
    files = [f"{directory}/{each}" if directory else "/dev/null" for each in ranges]
    return GIB / MIB / measure.run_all(
        [
            ["curl", "-sSf", "-o", file, "-r", each, *sign, url]
            for file, each in zip(files, ranges)
        ]
    )
