"""What people see: plans in colour on a terminal, Apex's log lines, errors with their way out."""

from __future__ import annotations

import click

from ci.errors import DollopError
from ci.render.escape import plain

_COLOURS = {"+": "green", "~": "yellow", "-": "red", "!": "magenta"}


def show(text: str) -> None:
    """Data, to stdout. Lines that begin with ``+ ~ -`` are coloured on a terminal (click strips it elsewhere)."""
    for line in text.splitlines():
        words = line.split(maxsplit=1)
        click.secho(line, fg=_COLOURS.get(words[0]) if words else None)


def log(message: str, **fields: str) -> None:
    """One step, to stderr, as Apex wrote it: ``   • config unchanged          env=test function=echo``."""
    bullet = click.style("•", fg="blue")
    pairs = (f"{click.style(key, fg='blue')}={plain(value)}" for key, value in sorted(fields.items()))
    click.echo(f"   {bullet} {plain(message):<25} {' '.join(pairs)}".rstrip(), err=True)


def progress(message: str) -> None:
    """What takes its time just now, to stderr."""
    log(message)


def note(message: str) -> None:
    """Something to know that is not an error, to stderr."""
    click.secho(f"   ! {plain(message)}", fg="magenta", err=True)


def error(problem: DollopError) -> None:
    """What is wrong and what next, to stderr."""
    first, *rest = problem.message.splitlines() or [""]
    click.echo(f"   {click.style('⨯', fg='red')} {plain(first)}", err=True)
    for line in rest:
        click.echo(f"     {plain(line)}", err=True)
    if problem.hint:
        click.echo(f"     {click.style(plain(problem.hint), fg='cyan')}", err=True)
