"""How long the command takes to say what it is, beside Python itself.

``make bench ARGS='tests/benchmarks/test_startup.py -s'`` prints it.
Whole processes in turn, the median of fifteen after one that compiles. Aim: help below 150 ms where Python takes 20.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

RUNS = 15


def test_startup() -> None:
    """The verbs import lazily: help and version stay within a few times Python's own start."""
    dollop = str(Path(sys.prefix, "bin/dollop"))
    commands = {
        "python": [sys.executable, "-c", "pass"],
        "click": [sys.executable, "-c", "import click"],
        "dollop --version": [dollop, "--version"],
        "dollop --help": [dollop, "--help"],
    }
    environ = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    seconds: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(RUNS + 1):
        for name, command in commands.items():
            start = time.perf_counter()
            subprocess.run(command, env=environ, check=True, stdout=subprocess.DEVNULL)
            seconds[name].append(time.perf_counter() - start)
    medians = {name: statistics.median(times[1:]) for name, times in seconds.items()}
    for name, median in medians.items():
        print(f"{name:<18} {median * 1000:6.0f} ms  {median / medians['python']:5.1f} times Python")
