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
    from ci import gather, live
    from ci.github.run import current
    from ci.live import attachments
    from ci.observe import drift
    from ci.render import text

    functions = workspace.select(())
    stages = workspace.pipeline.stages.values()
    plans = [gather.to_deploy(workspace, stage, ()) for stage in stages if stage.source is None]
    strays = []
    for name, site in workspace.sites().items():
        lines: list[str] = []
        here = workspace.stages_at(site).values()
        for stage in here:
            found = live.read(workspace.at(site), stage, functions, aliases=True)
            around = functions if stage.source else ()  # of the others the plan tells
            lines += drift.strays(attachments.around(workspace.at(site), found, around), around)
        if all(stage.source for stage in here):
            lines += drift.unversioned(found, functions)
        strays += [f"{name}: {line}" if name else line for line in lines]
    for plan in plans:
        console.show(text.plan(plan))
    for stray in strays:
        console.note(stray)
    if run := current(os.environ):
        from ci.github.drift import tell
        from ci.render import markdown

        console.note(f"issue about drift {tell(run, markdown.drift(plans, strays, run.links))}")
    return 1 if strays or not all(plan.empty for plan in plans) else 0
