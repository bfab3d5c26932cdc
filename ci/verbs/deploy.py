"""dollop deploy"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from ci.errors import UsageError
from ci.verbs import options

if TYPE_CHECKING:
    from ci.workspace import Workspace


@click.command()
@options.stage
@options.functions
@options.output
@options.variables
@options.built
@options.aws
@options.workspace
def deploy(workspace: Workspace, stage: str, functions: tuple[str, ...], output: options.Output) -> None:
    """Build what changed and deploy it to STAGE.

    Not over what was built from a later commit than this checkout: that takes dollop redeploy."""
    from ci import gather

    chosen = workspace.stage(stage)
    if chosen.source:
        raise UsageError(f"the stage {stage} is promoted from {chosen.source}", f"dollop promote {stage}")
    if not output.dry_run:
        workspace.run_deploy_hooks(workspace.select(functions))
    output.finish(workspace, gather.to_deploy(workspace, chosen, functions, allow_older=False))
