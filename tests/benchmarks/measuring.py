"""Times of whole processes, side by side, and the table of them that the end of the run prints."""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

RUNS = 5
SECONDS = float(os.environ.get("DOLLOP_BENCH_SECONDS", "20"))
"""What a peer's row may take before its further runs are left out: a tool that needs a minute is not near."""

Work = Callable[[], object]
Command = tuple[Path, list[str]]


class Failed(Exception):
    """A tool that does not do its work here."""


@dataclass(frozen=True)
class Time:
    """Seconds of one run: by the clock, and of processor time."""

    wall: float
    cpu: float


@dataclass(frozen=True)
class Row:
    """One tool at one work: medians of ``runs``, bytes of the zips, and how many times as long as ours beside it."""

    work: str
    tool: str
    time: Time
    runs: int
    size: int = 0
    ratio: float = 0.0
    aim: str = ""

    HEAD = f"{'work':<36}{'tool':<22}{'wall s':>8}{'CPU s':>8}{'runs':>5}{'zips MB':>9}{'x ours':>8}  aim"

    def __str__(self) -> str:
        size = f"{self.size / 1e6:.2f}" if self.size else "-"
        ratio = f"{self.ratio:.1f}" if self.ratio else "-"
        times = f"{self.time.wall:>8.3f}{self.time.cpu:>8.3f}{self.runs:>5}"
        return f"{self.work:<36}{self.tool:<22}{times}{size:>9}{ratio:>8}  {self.aim}"


ROWS: list[Row] = []
ABSENT: list[str] = []
"""Peers that could not be measured, and why."""


def note(row: Row) -> Row:
    """Keep the row for the table, and show it now, where pytest lets it through (-s)."""
    ROWS.append(row)
    sys.__stderr__.write(f"{row}\n")
    return row


def timed(work: Work) -> Time:
    """Whatever else the machine is doing, the processor time tells what this did."""
    used, start = _processor(), time.perf_counter()
    work()
    wall = time.perf_counter() - start
    return Time(wall, _processor() - used)


def _processor() -> float:
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def alone(work: Work, before: Work = lambda: None, runs: int = RUNS) -> list[Time]:
    """``before`` is not counted."""
    times = []
    for _ in range(runs):
        before()
        times.append(timed(work))
    return times


def in_turn(ours: Work, theirs: Work, before_ours: Work, before_theirs: Work) -> tuple[list[Time], list[Time]]:
    """Ours, theirs, ours, theirs: what the machine does meanwhile meets both."""
    mine, others = [], []
    until = time.monotonic() + SECONDS
    for number in range(RUNS):
        if number and time.monotonic() > until:
            break
        before_ours()
        mine.append(timed(ours))
        before_theirs()
        others.append(timed(theirs))
    return mine, others


def median(times: Sequence[Time]) -> Time:
    return Time(statistics.median(t.wall for t in times), statistics.median(t.cpu for t in times))


def ratio(others: Sequence[Time], mine: Sequence[Time]) -> float:
    """Pair by pair, the median."""
    return statistics.median(other.wall / own.wall for other, own in zip(others, mine))


def most_memory(process: subprocess.Popen[Any]) -> float:
    """MB that the process had at most, itself, once it has ended.

    Looked at while it runs: ``wait4`` also counts the process that it was forked from.
    """
    most = 0
    while process.poll() is None:
        with suppress(FileNotFoundError, ProcessLookupError):
            status = Path(f"/proc/{process.pid}/status").read_text()
            most = max(most, *(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM:")), 0)
        time.sleep(0.005)
    return most * 1024 / 1e6


def run(commands: Sequence[Command], environment: Mapping[str, str]) -> None:
    """Each in its folder, one after the other. Raises Failed."""
    environ = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    for folder, command in commands:
        done = subprocess.run(command, cwd=folder, env=environ | environment, capture_output=True, text=True)
        if done.returncode:
            raise Failed(f"{Path(command[0]).name} {command[1]}: {(done.stderr or done.stdout).strip()[-500:]}")
