"""dollop drift"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from ci import console
from ci.verbs import options

if TYPE_CHECKING:
    from ci.workspace import Workspace


@click.command()
@options.built
@options.aws
@options.workspace
def drift(workspace: Workspace) -> int:
    """Compare what every stage runs with this checkout.

    Exits with 1 where something differs. In a workflow, one issue says what, and is closed when it is gone.
    """
    from ci import gather
    from ci.github.run import current
    from ci.observe import drift
    from ci.render import text

    stages = workspace.pipeline.stages.values()
    plans = [gather.to_deploy(workspace, stage, ()) for stage in stages if stage.source is None]
    strays = drift.everywhere(workspace, workspace.select(()))
    for plan in plans:
        console.show(text.plan(plan))
    for stray in strays:
        console.note(stray)
    if run := current(os.environ):
        from ci.github.drift import tell
        from ci.render import markdown

        console.note(f"issue about drift {tell(run, markdown.drift(plans, strays, run.links))}")
    return 1 if strays or not all(plan.empty for plan in plans) else 0
