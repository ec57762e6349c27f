"""What programs do that write, in a directory, whoever serves it; and how long it takes."""

import itertools
import os
import pathlib
import shutil
import sqlite3
import subprocess
import sysconfig
import time

import measure

MIB = 1 << 20
FILES, FILES_A_DIRECTORY, FILE_BYTES = 5000, 100, 4096
# The rate of single calls is that of as many as this, or of as many as fit into this time.
CALLS, CALL_SECONDS = 5000, 5
ROWS = 500
SOURCE_FILES = 2000


def make_sources(scratch):
    """What the programs copy: many small files, a tree of sources as an archive and in git."""
    for i in range(FILES):
        file = scratch / "files" / f"d{i // FILES_A_DIRECTORY:02}" / f"f{i % FILES_A_DIRECTORY:02}"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(os.urandom(FILE_BYTES))
    library = pathlib.Path(sysconfig.get_paths()["stdlib"])
    for file in itertools.islice(sorted(library.rglob("*.py")), SOURCE_FILES):
        to = scratch / "source" / file.relative_to(library)
        to.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, to)
    in_source = dict(cwd=scratch / "source", check=True)
    subprocess.run(["tar", "-cf", scratch / "source.tar", "."], **in_source)
    subprocess.run(["git", "init", "-q", "."], **in_source)
    subprocess.run(["git", "add", "."], **in_source)
    name = ["-c", "user.name=bench", "-c", "user.email=bench@localhost"]
    subprocess.run(["git", *name, "commit", "-q", "-m", "all"], **in_source)


def write_whole(path, count_mib, *more):
    """Seconds until a file of zeros is written and closed."""
    return measure.run(
        ["dd", "if=/dev/zero", f"of={path}", "bs=1M", f"count={count_mib}", "status=none", *more]
    )


def copy_files(scratch, directory):
    return measure.run(["cp", "-r", scratch / "files", directory])


def rate(call, items):
    """Calls a second, for each item or until the time is up; and how many there were."""
    start = time.monotonic()
    end = start + CALL_SECONDS
    done = 0
    for item in items:
        call(item)
        done += 1
        if time.monotonic() > end:
            break
    return done / (time.monotonic() - start), done


def create(directory):
    """Files made a second, and how many."""
    return rate(make_empty, [directory / f"a{i:04}" for i in range(CALLS)])


def make_empty(path):
    os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644))


def rename(directory):
    _, count = create(directory)
    names = range(count)
    return rate(lambda i: os.rename(directory / f"a{i:04}", directory / f"b{i:04}"), names)[0]


def unlink(directory):
    _, count = create(directory)
    return rate(lambda i: os.unlink(directory / f"a{i:04}"), range(count))[0]


def insert_rows(directory):
    """Transactions of one row a second, each of which is on the disk before the next."""
    database = sqlite3.connect(directory / "database", isolation_level=None)
    database.execute("PRAGMA synchronous = FULL")
    database.execute("CREATE TABLE t (number INTEGER PRIMARY KEY, text TEXT)")
    found, count = rate(
        lambda i: database.execute("INSERT INTO t VALUES (?, ?)", (i, "x" * 100)), range(ROWS)
    )
    if database.execute("SELECT count(*) FROM t").fetchone()[0] != count:
        raise RuntimeError("rows are missing")
    database.close()
    return found


def clone(scratch, directory):
    return measure.run(["git", "clone", "-q", f"file://{scratch}/source", directory / "clone"])


def extract(scratch, directory):
    return measure.run(["tar", "-xf", scratch / "source.tar", "-C", directory])
