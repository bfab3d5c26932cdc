"""dollop plan"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ci.verbs import options

if TYPE_CHECKING:
    from ci.workspace import Workspace

SOMETHING_TO_DO = 10
"""Exit code of ``--exit-code`` when there is."""


@click.command()
@options.a_stage
@options.functions
@options.as_json
@click.option("--exit-code", is_flag=True, help=f"Exit with {SOMETHING_TO_DO} when there is something to do.")
@click.option("--out", type=options.TO_WRITE, help="Write the plan, for --plan of the verb that carries it out.")
@click.option("--markdown", type=options.TO_WRITE, help="In a workflow: write the comment for the pull request.")
@options.variables
@options.built
@options.aws
@options.workspace
def plan(
    workspace: Workspace,
    stage: str | None,
    functions: tuple[str, ...],
    as_json: bool,
    exit_code: bool,
    out: Path | None,
    markdown: Path | None,
) -> int:
    """Show what deploying or promoting to STAGE would do.

    Without STAGE, the first that is deployed to.
    """
    from ci import gather
    from ci.render import data

    chosen = workspace.stage(stage)
    if chosen.source:
        proposed = gather.to_promote(workspace, chosen, functions)
    else:
        proposed = gather.to_deploy(workspace, chosen, functions, allow_older=False)
    options.show(proposed, as_json)
    options.publish(workspace, proposed, markdown)
    if out:
        out.write_text(data.to_json(data.plan(proposed)))
    return SOMETHING_TO_DO if exit_code and not proposed.empty else 0
