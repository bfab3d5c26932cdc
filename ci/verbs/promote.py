"""dollop promote"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ci.verbs import options

if TYPE_CHECKING:
    from ci.workspace import Workspace


@click.command()
@options.stage
@options.functions
@click.option("--release", type=options.FILE, help="Promote this release record.")
@click.option("--allow-older", is_flag=True, help="Even when STAGE runs something newer.")
@options.output
@options.built
@options.aws
@options.workspace
def promote(
    workspace: Workspace,
    stage: str,
    functions: tuple[str, ...],
    release: Path | None,
    allow_older: bool,
    output: options.Output,
) -> None:
    """Give STAGE exactly the versions that its source runs.

    Nothing is rebuilt. The source is the stage that pipeline.yaml names with from:, or, with --release, a record
    that deploying to it wrote."""
    from ci import gather

    output.finish(workspace, gather.to_promote(workspace, workspace.stage(stage), functions, release, allow_older))
