"""dollop local"""

from __future__ import annotations

from pathlib import Path

import click

from ci import console


@click.group()
def local() -> None:
    """Start and stop the embedded AWS of --local."""


def _state(context: click.Context) -> Path:
    from ci.local import STATE

    return Path(context.obj) / STATE


@local.command()
@click.pass_context
def start(context: click.Context) -> None:
    """Start it and print its address."""
    from ci import local

    click.echo(local.start(_state(context)).url)


@local.command()
@click.pass_context
def stop(context: click.Context) -> None:
    """Stop it. What it holds is kept for the next start."""
    from ci import local

    console.note("stopped" if local.stop(_state(context)) else "it was not running")


@local.command()
@click.pass_context
def status(context: click.Context) -> int:
    """Print its address; exits with 1 when it does not run."""
    from ci import local

    found = local.status(_state(context))
    click.echo(found.url if found else "not running")
    return 0 if found else 1
