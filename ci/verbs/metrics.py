"""dollop metrics"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from ci.verbs import options

if TYPE_CHECKING:
    from ci.workspace import Workspace


@click.command()
@options.functions
@click.option("--stage", help="Only this stage.", shell_complete=options.stages)
@options.since("24h")
@options.as_json
@options.aws
@options.workspace
def metrics(
    workspace: Workspace, functions: tuple[str, ...], stage: str | None, since: str, as_json: bool
) -> None:
    """Show invocations, errors, throttles, durations.

    One row a stage, and one, (all), that counts every invocation. CloudWatch has the numbers after a minute.
    """
    from datetime import UTC, datetime

    from ci.observe import metrics
    from ci.render import data, metrics as render
    from ci.since import since as moment

    now = datetime.now(UTC)
    start = moment(since, now)
    found = metrics.everywhere(workspace, stage, workspace.select(functions), start, now)
    click.echo(data.to_json(render.data(found, start, now)) if as_json else render.text(found), nl=False)
