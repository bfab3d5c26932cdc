"""What people see: plans in colour on a terminal, Apex's log lines, errors with their way out."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import click

from ci.errors import DollopError
from ci.render.escape import plain

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

_COLOURS = {"+": "green", "~": "yellow", "-": "red", "!": "magenta"}


def _colours() -> bool | None:
    """False where none are wanted (https://no-color.org) or possible; None leaves it to whether it is a terminal."""
    return False if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb" else None


def show(text: str) -> None:
    """Data, to stdout. Lines that begin with ``+ ~ -`` are coloured on a terminal (click strips it elsewhere)."""
    for line in text.splitlines():
        colour = _COLOURS.get(line.lstrip()[:2].rstrip())
        coloured(click.style(line, fg=colour) if colour else line)


def coloured(line: str) -> None:
    """Data in colours, to stdout."""
    click.echo(line, color=_colours())


def log(message: str, **fields: str) -> None:
    """One step, to stderr, as Apex wrote it: ``   • config unchanged          env=test function=echo``."""
    bullet = click.style("•", fg="blue")
    pairs = (f"{click.style(key, fg='blue')}={plain(value)}" for key, value in sorted(fields.items()))
    _say(f"   {bullet} {plain(message):<25} {' '.join(pairs)}".rstrip())


def progress(message: str) -> None:
    """What takes its time just now, to stderr."""
    log(message)


def note(message: str) -> None:
    """Something to know that is not an error, to stderr."""
    _say(click.style(f"   ! {plain(message)}", fg="magenta"))


def error(problem: DollopError) -> None:
    """What is wrong and what next, to stderr."""
    first, *rest = problem.message.splitlines() or [""]
    _tell(f"   {click.style('⨯', fg='red')} {plain(first)}")
    for line in rest:
        _tell(f"     {plain(line)}")
    if problem.hint:
        _tell(f"     {click.style(plain(problem.hint), fg='cyan')}")


_shown: Progress | None = None
"""The bar that is on the terminal just now: lines are written above it."""


def _tell(line: str) -> None:
    """To stderr. No release is broken off because nobody listens any more, or the disk of the log is full."""
    with suppress(OSError):
        click.echo(line, err=True, color=_colours())


def _say(line: str) -> None:
    if _shown is None:
        _tell(line)
    else:
        from rich.text import Text

        _shown.console.print(Text.from_ansi(line), soft_wrap=True)


_SHORT = 1.0
"""Seconds of work that need no telling."""
_EVERY = 5.0
"""Seconds between two lines, where there is no terminal."""


@contextmanager
def track(what: str, total: int) -> Iterator[Callable[[], None]]:
    """How far long work is, to stderr: a bar on a terminal, elsewhere a line now and then. Short work is not shown.

    Gives what is to be called after each of the ``total`` items.
    """
    done, next_time = 0, time.monotonic() + (_SHORT if sys.stderr.isatty() else _EVERY)
    shown: TaskID | None = None

    def step() -> None:
        nonlocal done, next_time, shown
        done += 1
        if _shown is not None and shown is not None:
            _shown.update(shown, completed=done)
        elif time.monotonic() > next_time and done < total:
            if sys.stderr.isatty():
                shown = _bar().add_task(what, total=total, completed=done)
            else:
                log(what, done=f"{done}/{total}")
                next_time = time.monotonic() + _EVERY

    try:
        yield step
    finally:
        if _shown is not None and shown is not None:
            _shown.remove_task(shown)
            if not _shown.task_ids:
                _hide()


def _hide() -> None:
    global _shown
    if _shown is not None:
        _shown.stop()
        _shown = None


def _bar() -> Progress:
    """What shows long work, a line for each; one is within another while a large package is uploaded."""
    global _shown
    if _shown is not None:
        return _shown
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

    columns = ("   [blue]•[/] {task.description:<25}", BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    _shown = Progress(*columns, console=Console(stderr=True), transient=True)
    _shown.start()
    return _shown
