"""dollop invoke"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from ci import console
from ci.errors import DollopError
from ci.verbs import options

if TYPE_CHECKING:
    from ci.workspace import Workspace


@click.command()
@options.function
@options.stage_option
@click.option("--event", help="The event, as JSON [default: those on stdin when it is redirected, else {}].")
@click.option("--logs", is_flag=True, help="Also show the end of the function's log, on stderr.")
@options.aws
@options.workspace
def invoke(workspace: Workspace, function: str, stage: str | None, event: str | None, logs: bool) -> int:
    """Invoke FUNCTION through the stage's alias.

    Each JSON value on stdin is an event, sent one after the other; each answer is a line on stdout. Exits with 1
    when the function failed for any of them.
    """
    from ci.observe import invoke
    from ci.render.escape import plain

    chosen = workspace.one(function)
    of = workspace.stage(stage)
    name, site = next(iter(workspace.sites(of).items()))
    if name:
        console.note(f"in {name}; --region chooses another")
    lines = [event] if event is not None else [] if sys.stdin.isatty() else sys.stdin
    sent = failed = 0
    try:
        for each in _or_an_empty_one(invoke.events(lines)):
            sent += 1
            answer = invoke.invoke(workspace.at(site, writing=True), chosen, of, each, logs)
            failed += answer.failed
            for line in answer.log.splitlines():
                click.echo(plain(line.expandtabs(2)), err=True)
            click.echo(answer.text)
    except KeyboardInterrupt as pressed:
        raise DollopError(f"interrupted: events that were sent: {sent}; the last may still be at work") from pressed
    if failed and sent > 1:
        console.note(f"{failed} of {sent} failed")
    return 1 if failed else 0


def _or_an_empty_one(events: Iterator[str]) -> Iterator[str]:
    yield next(events, "{}")
    yield from events
