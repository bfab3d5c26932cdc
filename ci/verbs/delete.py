"""dollop delete"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from ci.verbs import options

if TYPE_CHECKING:
    from ci.workspace import Workspace


@click.command()
@click.argument("functions", nargs=-1, required=True)
@click.option("--force", is_flag=True, help="Do not ask.")
@options.output
@options.aws
@options.workspace
def delete(workspace: Workspace, functions: tuple[str, ...], force: bool, output: options.Output) -> None:
    """Delete FUNCTIONS, with their versions and aliases."""
    from ci import gather

    proposed = gather.to_delete(workspace, functions)
    if not (output.dry_run or force or proposed.empty):
        options.show(proposed, as_json=False)
        click.confirm("Delete them?", abort=True, err=True)
    output.finish(workspace, proposed)
