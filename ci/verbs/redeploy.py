"""dollop redeploy"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from ci.verbs import options

if TYPE_CHECKING:
    from ci.workspace import Workspace


@click.command()
@options.stage
@options.functions
@click.option("--what", default="ref", show_default=True, help="ref (this checkout), previous, a version, a commit.")
@options.output
@options.variables
@options.built
@options.aws
@options.workspace
def redeploy(
    workspace: Workspace, stage: str, functions: tuple[str, ...], what: str, output: options.Output
) -> None:
    """Bring STAGE to this checkout, a version or a commit."""
    from ci import gather

    chosen = workspace.stage(stage)
    if what != "ref":
        proposed = gather.to_roll_back(workspace, chosen, functions, what)
    elif chosen.source:
        proposed = gather.to_promote(workspace, chosen, functions)
    else:
        if not output.dry_run:
            workspace.run_deploy_hooks(workspace.select(functions))
        proposed = gather.to_deploy(workspace, chosen, functions)
    output.finish(workspace, proposed)
