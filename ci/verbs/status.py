"""dollop status"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from ci.errors import UsageError
from ci.verbs import options

if TYPE_CHECKING:
    from ci.workspace import Workspace


@click.command()
@options.functions
@click.option("--versions", is_flag=True, help="Every version, with its commit and the aliases on it.")
@click.option("--tfvars", is_flag=True, help="Print the ARNs as Terraform variables.")
@options.as_json
@options.aws
@options.workspace
def status(
    workspace: Workspace, functions: tuple[str, ...], versions: bool, tfvars: bool, as_json: bool
) -> None:
    """Show what each stage runs.

    A commit with + had changes that were not committed; ? was not published by this program.
    """
    from datetime import UTC, datetime

    from ci.observe import status
    from ci.render import data, status as render

    if tfvars and (versions or as_json):
        raise UsageError("--tfvars goes with neither --versions nor --json")
    chosen, now = workspace.select(functions), datetime.now(UTC)
    if versions:
        listed = status.versions(workspace, chosen)
        shown = data.to_json(render.versions_data(listed)) if as_json else render.versions(listed, now)
    else:
        found = status.everywhere(workspace, chosen)
        if tfvars:
            shown = render.tfvars(found)
        else:
            shown = data.to_json(render.data(found)) if as_json else render.text(found, now)
            _summarize(render.text(found, now))
    click.echo(shown, nl=False)


def _summarize(text: str) -> None:
    """In a workflow, what the stages run goes into the run's summary too."""
    import os

    from ci.github.run import current
    from ci.render import blocks

    if run := current(os.environ):
        run.summarize(blocks.block(text.splitlines()))
