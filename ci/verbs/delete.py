"""dollop delete"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from ci import console
from ci.errors import UsageError
from ci.verbs import options

if TYPE_CHECKING:
    from ci.workspace import Workspace


@click.command()
@click.argument("functions", nargs=-1, required=True)
@click.option("--force", is_flag=True, help="Do not ask.")
@options.output
@options.aws
@options.workspace
def delete(workspace: Workspace, functions: tuple[str, ...], force: bool, output: options.Output) -> int:
    """Delete FUNCTIONS, with their versions and aliases."""
    from ci import gather

    workspace.select(functions)  # a name that is unknown is told whether or not anybody is there
    asking = not (force or output.dry_run)
    if asking and not sys.stdin.isatty():
        raise UsageError("nobody is there to be asked", "--force deletes without asking")
    proposed = gather.to_delete(workspace, functions)
    if asking and not proposed.empty:
        options.show(proposed, as_json=False)
        if not click.confirm("Delete them?", err=True):
            console.note("nothing was deleted")
            return 1
    output.finish(workspace, proposed)
    return 0
