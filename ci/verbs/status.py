"""dollop status"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from ci.verbs import options

if TYPE_CHECKING:
    from ci.workspace import Workspace


@click.command()
@options.functions
@options.as_json
@options.aws
@options.workspace
def status(workspace: Workspace, functions: tuple[str, ...], as_json: bool) -> None:
    """Show what each stage runs."""
    from datetime import UTC, datetime

    from ci import live
    from ci.render import data, text

    chosen = workspace.select(functions)
    lives = {name: live.read(workspace.aws, stage, chosen) for name, stage in workspace.pipeline.stages.items()}
    click.echo(data.to_json(data.status(lives)) if as_json else text.status(lives, datetime.now(UTC)), nl=False)
