"""dollop prune"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from ci.verbs import options

if TYPE_CHECKING:
    from ci.workspace import Workspace


@click.command()
@options.functions
@click.option("--retain", type=click.IntRange(min=1), help="Versions to keep, instead of retain: in pipeline.yaml.")
@options.output
@options.aws
@options.workspace
def prune(
    workspace: Workspace, functions: tuple[str, ...], retain: int | None, output: options.Output
) -> None:
    """Delete old versions that nothing needs.

    What an alias points to, or would roll back to, stays; so do the newest."""
    from ci import gather

    output.finish(workspace, gather.to_prune(workspace, functions, retain))
