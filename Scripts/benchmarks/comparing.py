"""Rows of a table that compares mounts: how each is measured, and how it is said."""

import os
import platform
import subprocess
import time

import measure
import mounts


class Case:
    """One row of the table: how to measure it, and how to say it."""

    def __init__(self, title, unit, body, limit=None, more_is_better=False, repeats=None):
        self.title, self.unit, self.body, self.limit = title, unit, body, limit
        self.more_is_better = more_is_better
        self.repeats = repeats

    def measure(self, make):
        values = []
        for _ in range(self.repeats or measure.REPEATS):
            try:
                values.append(self.body(make))
            except measure.TooSlow:
                return None
            if self.unit == "s" and values[-1] > measure.LIMIT_SECONDS / 5:
                break
        return measure.median(values)

    def text(self, value):
        if value is None:
            return f"> {measure.LIMIT_SECONDS} s"
        if self.unit == "ms":
            value *= 1000
        digits = 0 if value >= 100 else 1 if value >= 10 else 2
        return f"{value:,.{digits}f}"

    def ratio(self, value, other):
        """How many times better than another: above 1 is ahead."""
        if value is None or other is None or not value or not other:
            return "–"
        return f"{value / other if self.more_is_better else other / value:.2f}"

    def ratio_to_best(self, value, peers):
        peers = [each for each in peers if each is not None]
        best = (max if self.more_is_better else min)(peers) if peers else None
        return self.ratio(value, best)


class Weights:
    """What each kind of mount has needed of memory and processor, over all cases."""

    def __init__(self, kinds):
        self.kinds = kinds
        self.of_kind = {kind: (0, 0.0) for kind in kinds}

    def measure(self, case, kind, make):
        """Measures a case on mounts of that kind, and weighs them."""
        used = []

        def made():
            used.append(make())
            return used[-1]

        value = case.measure(made)
        self.add(kind, used)
        return value

    def add(self, kind, used, runs=1):
        """Takes note of mounts that have ended; of the time of several runs, what one of them took."""
        peak, cpu = self.of_kind[kind]
        peak = max([peak] + [mount.peak_bytes for mount in used])
        self.of_kind[kind] = (peak, cpu + sum(mount.cpu_seconds for mount in used) / runs)

    def rows(self, left_out=()):
        """Two rows of the table, without limits and ratios."""
        values = [None if kind in left_out else self.of_kind[kind] for kind in self.kinds]
        memory = ["–" if value is None else f"{value[0] / (1 << 20):,.0f}" for value in values]
        seconds = ["–" if value is None else f"{value[1]:,.0f}" for value in values]
        return [
            ["peak memory, MiB", "–"] + memory,
            ["CPU seconds of all cases", "–"] + seconds,
        ]


def about():
    rclone = subprocess.run(
        [mounts.ROOT / ".build/venv/bin/rclone", "version"], capture_output=True, text=True
    ).stdout.split("\n")[0]
    s3fs = subprocess.run(["s3fs", "--version"], capture_output=True, text=True).stdout.split("\n")[0]
    return (
        f"{time.strftime('%Y-%m-%d')}, {os.cpu_count()} cores, Linux {platform.release()}; {rclone}, "
        f"{s3fs}. Medians of {measure.REPEATS}.\n"
    )
