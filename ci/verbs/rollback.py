"""dollop rollback"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from ci.verbs import options

if TYPE_CHECKING:
    from ci.workspace import Workspace


@click.command()
@options.stage
@options.functions
@click.option("--to", default="previous", show_default=True, help="previous, a version or a commit.")
@options.output
@options.aws
@options.workspace
def rollback(
    workspace: Workspace, stage: str, functions: tuple[str, ...], to: str, output: options.Output
) -> None:
    """Let STAGE run again what it ran before.

    Without FUNCTIONS the stage's last release goes back as a whole. Rolling back twice returns to where it was.
    """
    from ci import gather

    output.finish(workspace, gather.to_roll_back(workspace, workspace.stage(stage), functions, to))
