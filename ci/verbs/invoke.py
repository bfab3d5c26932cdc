"""dollop invoke"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from ci.verbs import options

if TYPE_CHECKING:
    from ci.workspace import Workspace


@click.command()
@click.argument("function")
@click.option("--stage", help="[default: the first that is deployed to]")
@click.option("--event", help="The event, as JSON [default: stdin when it is redirected, else {}].")
@click.option("--logs", is_flag=True, help="Also show the end of the function's log, on stderr.")
@options.aws
@options.workspace
def invoke(workspace: Workspace, function: str, stage: str | None, event: str | None, logs: bool) -> int:
    """Invoke FUNCTION through the stage's alias and print its answer. Exits with 1 when the function failed."""
    from ci import invoke

    chosen = workspace.one(function)
    text = event if event is not None else "" if sys.stdin.isatty() else sys.stdin.read()
    answer = invoke.invoke(workspace.aws, chosen, workspace.stage(stage), text, logs)
    click.echo(answer.log, nl=False, err=True)
    click.echo(answer.text)
    return 1 if answer.failed else 0
