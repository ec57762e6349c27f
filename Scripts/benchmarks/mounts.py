"""The mounts that are compared: each shows the same bucket at `path`, with a cache of its own."""

import itertools
import os
import pathlib
import resource
import shutil
import signal
import subprocess
import time

import measure
import s3

ROOT = pathlib.Path(__file__).resolve().parents[2]
CACHE_GIB = 20


class Mount:
    """A peer, started with an empty cache by `with`; ended, and weighed, at the end of it."""

    name = ""
    # Where many files were removed, some file systems make new ones slowly for minutes: whoever
    # measures that leaves small files where they are, until the end.
    leaves_small_files = False
    starts = itertools.count(1)

    def __init__(self, scratch, port, bucket):
        self.scratch = measure.apart(scratch, f"{self.name} {next(self.starts)}")
        self.port = port
        self.bucket = bucket
        self.point = self.scratch / "mnt"
        self.process = None
        self.peak_bytes = 0
        self.cpu_seconds = 0.0

    @property
    def path(self):
        """The directory that shows the bucket."""
        return self.point

    def __enter__(self):
        self.point.mkdir(parents=True)
        log = open(self.scratch / "log", "w")
        self.process = subprocess.Popen(
            self.command(), env=dict(os.environ, **self.environment()), stdout=log, stderr=log
        )
        for _ in range(600):
            if os.path.ismount(self.point) and self.path.exists():
                return self
            if self.process.poll() is not None:
                break
            time.sleep(0.05)
        raise RuntimeError(f"{self.name} does not mount: {(self.scratch / 'log').read_text()}")

    def __exit__(self, failure, *_):
        self.weigh()
        if failure is measure.TooSlow:
            # It is not to be waited for any longer.
            self.process.kill()
        for attempt in range(50):
            if subprocess.run(["umount", self.point], capture_output=True).returncode == 0:
                break
            time.sleep(0.2)
        else:
            subprocess.run(["umount", "-l", self.point])
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
        self.clean()

    def clean(self):
        if not self.leaves_small_files:
            shutil.rmtree(self.scratch, ignore_errors=True)
            return
        for file in self.scratch.rglob("*"):
            if file.is_file() and file.stat().st_size > 1 << 20:
                file.unlink()

    def flush(self):
        """Asks for what is pending to be sent now, where one can ask."""

    def weigh(self):
        """Adds up what the process has used, over all the times it was started."""
        process = pathlib.Path("/proc", str(self.process.pid))
        for line in (process / "status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                self.peak_bytes = max(self.peak_bytes, int(line.split()[1]) << 10)
        times = (process / "stat").read_text().rpartition(")")[2].split()
        self.cpu_seconds += (int(times[11]) + int(times[12])) / os.sysconf("SC_CLK_TCK")

    def environment(self):
        return {}


class GoSync(Mount):
    name = "GoSync"
    more = ""

    def __init__(self, scratch, port, bucket):
        super().__init__(scratch, port, bucket)
        # By name, the ports at which they find the same bucket.
        self.backends = {"store": port}

    @property
    def path(self):
        return self.point / "backends" / "store"

    def command(self):
        configuration = self.scratch / "mount.conf"
        configuration.write_text(
            f"""[mount]
data_dir = {self.scratch}/data
directory_ttl = 1h
{self.more}
[cache]
size = {CACHE_GIB}GiB
"""
            + "".join(self.section(name, port) for name, port in self.backends.items())
        )
        configuration.chmod(0o600)
        program = ROOT / ".build/release/gosync-mount"
        return [program, self.point, "-c", configuration, "-f"]

    def section(self, name, port):
        return f"""[backend {name}]
type = s3
endpoint = http://127.0.0.1:{port}
bucket = {self.bucket}
access_key = {s3.ACCESS}
secret_key = {s3.SECRET}
"""

    def flush(self):
        program = ROOT / ".build/release/gosync"
        subprocess.run(
            [program, "--socket", self.scratch / "data/gosync.sock", "flush"],
            check=True, stdout=subprocess.DEVNULL, timeout=600,
        )  # fmt: skip

    def cache_file(self, bytes_count):
        """Where a file of this size lies in the cache."""
        files = (self.scratch / "data/cache").rglob("*")
        return next(file for file in files if file.is_file() and file.stat().st_size == bytes_count)


class Plain(GoSync):
    """GoSync without passthrough: as an ordinary user gets it."""

    name = "GoSync without passthrough"
    more = "passthrough = no"


class Writing(GoSync):
    """GoSync where `close` does not wait, and an unmount leaves what the bench needs no more."""

    more = "close = async\nunmount = leave\nio_uring = no"


class Remote(Writing):
    """GoSync where `fsync` returns when the store has the object."""

    more = Writing.more + "\ndurability = remote"


class Ringing(Writing):
    """GoSync whose calls come by io_uring."""

    name = "GoSync, io_uring"
    more = Writing.more.replace("io_uring = no", "io_uring = yes")
    switch = pathlib.Path("/sys/module/fuse/parameters/enable_uring")

    def __enter__(self):
        before = self.switch.read_text() if self.switch.exists() else None
        try:
            return super().__enter__()
        finally:
            if before:
                self.switch.write_text(before)


class RingingRemote(Ringing):
    """The same where `fsync` returns when the store has the object."""

    more = Ringing.more + "\ndurability = remote"


class Rclone(Mount):
    name = "rclone mount"
    more = ()

    def environment(self):
        return {
            "RCLONE_CONFIG_STORE_TYPE": "s3",
            "RCLONE_CONFIG_STORE_PROVIDER": "Ceph",
            "RCLONE_CONFIG_STORE_ENDPOINT": f"http://127.0.0.1:{self.port}",
            "RCLONE_CONFIG_STORE_ACCESS_KEY_ID": s3.ACCESS,
            "RCLONE_CONFIG_STORE_SECRET_ACCESS_KEY": s3.SECRET,
            "RCLONE_CONFIG": "/dev/null",
        }

    def command(self):
        return [
            ROOT / ".build/venv/bin/rclone", "mount", f"store:{self.bucket}", self.point,
            "--vfs-cache-mode", "full", "--cache-dir", self.scratch / "cache",
            "--vfs-cache-max-size", f"{CACHE_GIB}G", "--dir-cache-time", "1h",
            "--transfers", "16", *self.more,
        ]  # fmt: skip


class EagerRclone(Rclone):
    """rclone where an upload begins with `close`, instead of 5 s after it."""

    more = ("--vfs-write-back", "0s")


class S3FS(Mount):
    name = "s3fs"

    def environment(self):
        return {"AWSACCESSKEYID": s3.ACCESS, "AWSSECRETACCESSKEY": s3.SECRET}

    def command(self):
        options = [
            f"url=http://127.0.0.1:{self.port}", "use_path_request_style",
            f"use_cache={self.scratch}/cache", "stat_cache_expire=3600", "max_stat_cache_size=200000",
            "parallel_count=16", "multireq_max=32",
        ]  # fmt: skip
        return ["s3fs", self.bucket, self.point, "-f", "-o", ",".join(options)]


class Example(Mount):
    """A directory of the disk, shown by the example that comes with libfuse: what FUSE leaves at most.

    It has no cache, no database and no store, and hands every request on to the disk.
    """

    name = "libfuse's example"
    source = pathlib.Path("/usr/share/doc/libfuse3-dev/examples/passthrough_ll.c")

    def command(self):
        program, shown = self.scratch.parent / "example", self.scratch / "shown"
        shown.mkdir()
        if not program.exists():
            flags = subprocess.run(
                ["pkg-config", "--cflags", "--libs", "fuse3"],
                check=True, capture_output=True, text=True,
            )  # fmt: skip
            options = [*flags.stdout.split(), "-o", program]
            subprocess.run(["cc", "-O2", self.source, *options], check=True)
        # It keeps a descriptor for each file that the kernel knows.
        most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        return ["prlimit", f"--nofile={most}", program, "-f", "-o", f"source={shown}", self.point]
