"""Benchmarks start the same emulators as the tests do, and end with one table."""

from __future__ import annotations

import os

import pytest

from ci import local
from tests.benchmarks.measuring import ABSENT, ROWS, Row
from tests.emulated.conftest import *  # noqa: F401, F403


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What was measured, whether or not the aims were met."""
    if not ROWS and not ABSENT:
        return
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    terminalreporter.section("packages", "-")
    terminalreporter.line(f"{local.runtime()}, {os.cpu_count()} processors, load {load}")
    terminalreporter.line(Row.HEAD)
    works = list(dict.fromkeys(row.work for row in ROWS))
    for row in sorted(ROWS, key=lambda row: works.index(row.work)):
        terminalreporter.line(str(row))
    for why in ABSENT:
        terminalreporter.line(f"not measured: {why}")
