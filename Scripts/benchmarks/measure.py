"""How long things take, and tables of it."""

import os
import pathlib
import random
import statistics
import subprocess
import threading
import time

REPEATS = 5
# One run of a case; a peer that takes longer is cut off, and not asked again.
LIMIT_SECONDS = 100


class TooSlow(Exception):
    pass


def drop_page_cache():
    os.sync()
    with open("/proc/sys/vm/drop_caches", "w") as file:
        file.write("3")


def touch_memory(scratch):
    """Has as much memory used once as a large row takes.

    A virtual machine's host gives a page when it is first used, which takes several times as long
    as any later use, and would be at the cost of whoever comes first.
    """
    file = f"{scratch}/touched"
    subprocess.run(
        ["dd", "if=/dev/zero", f"of={file}", "bs=1M", "count=3072", "status=none"], check=True
    )
    os.unlink(file)


def apart(scratch, name):
    """A name for a directory in `scratch`, far from all others on the disk.

    An ext4 without a journal looks at every file that was removed nearby in the last five minutes before
    it makes a new one, so that creating comes to a fifth. Whoever is measured is not to meet what another
    one, or another run, has removed. The attribute spreads directories by their names.
    """
    subprocess.run(["chattr", "+T", scratch], capture_output=True)
    return pathlib.Path(scratch, f"{name} {os.urandom(4).hex()}")


def run(command, **more):
    """Seconds that a command takes."""
    start = time.monotonic()
    try:
        subprocess.run(
            command, check=True, stdout=subprocess.DEVNULL, timeout=LIMIT_SECONDS, **more
        )
    except subprocess.TimeoutExpired:
        raise TooSlow from None
    return time.monotonic() - start


def run_all(commands):
    """Seconds that commands take side by side."""
    start = time.monotonic()
    running = [subprocess.Popen(command, stdout=subprocess.DEVNULL) for command in commands]
    for process in running:
        if process.wait() != 0:
            raise RuntimeError(f"{process.args} failed")
    return time.monotonic() - start


def read_whole(path):
    return ["dd", f"if={path}", "of=/dev/null", "bs=1M", "status=none"]


def random_reads(path, size, threads, count, seed=1):
    """Seconds that each read of 4 KiB at a place nobody has read takes, on a number of threads."""
    places = list(range(size // (1 << 20)))
    random.Random(seed).shuffle(places)
    places = places[: threads * count]
    times = []
    file = os.open(path, os.O_RDONLY)

    def work(mine):
        for place in mine:
            start = time.monotonic()
            if len(os.pread(file, 4096, (place << 20) + 512 * 1024)) != 4096:
                raise RuntimeError("a short read")
            times.append(time.monotonic() - start)

    workers = [
        threading.Thread(target=work, args=(places[i * count : (i + 1) * count],))
        for i in range(threads)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    os.close(file)
    if len(times) != threads * count:
        raise RuntimeError("a read failed")
    return times


def direct_reads(path, seconds=3, jobs=4):
    """Random 4 KiB reads a second, past the page cache."""
    answer = subprocess.run(
        [
            "fio", "--name=r", f"--filename={path}", "--rw=randread", "--bs=4k", "--direct=1",
            "--ioengine=psync", f"--numjobs={jobs}", "--time_based", f"--runtime={seconds}",
            "--group_reporting", "--minimal", "--readonly",
        ],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    return float(answer.stdout.splitlines()[-1].split(";")[7])


def median(values):
    return statistics.median(values) if values else None


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    lines += ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def write_section(path, name, text):
    """Puts a section into a document, between its markers."""
    begin, end = f"<!-- {name} -->\n", f"<!-- /{name} -->"
    document = path.read_text()
    before, _, rest = document.partition(begin)
    _, _, after = rest.partition(end)
    if not rest or not after:
        raise RuntimeError(f"{path} has no section {name}")
    path.write_text(before + begin + text + end + after)
