"""dollop logs"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from ci import console
from ci.verbs import options

if TYPE_CHECKING:
    from ci.observe.logs import Line
    from ci.workspace import Workspace

_COLOURS = ("cyan", "yellow", "green", "magenta", "blue", "bright_red", "bright_cyan", "bright_yellow")


@click.command()
@options.functions
@options.stage_option
@options.since("5m")
@click.option("-F", "--filter", "pattern", default="", help="Only what matches this CloudWatch pattern: ERROR.")
@click.option("-f", "--follow", is_flag=True, help="Go on with what comes, until Ctrl-C.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, a line each.")
@options.aws
@options.workspace
def logs(
    workspace: Workspace,
    functions: tuple[str, ...],
    stage: str | None,
    since: str,
    pattern: str,
    follow: bool,
    as_json: bool,
) -> None:
    """Show the logs of a stage.

    Those of all FUNCTIONS in the order of time (UTC), as far as the versions wrote them that the stage runs now.
    """
    from datetime import UTC, datetime

    from ci.model import label
    from ci.observe import logs
    from ci.since import since as moment

    chosen = workspace.select(functions)
    of = workspace.stage(stage)
    start = moment(since, datetime.now(UTC))
    found = logs.sources(workspace, of, chosen)
    named = [label(function.name, site) for site in workspace.sites(of) for function in chosen]
    for name in sorted(set(named) - {source.function for source in found}):
        console.note(f"{name}: the stage {of.name} does not have it")
    for source in found:
        if source.shared:
            console.note(f"{source.function}: {', '.join(source.shared)} runs the same version: its lines are here too")
    width = max((len(source.function) + 4 for source in found), default=0)
    show = _Screen(named, width, as_json)
    if not follow:
        for line in logs.read(found, start, pattern):
            show(line)
        if not show.any:
            console.note(f"nothing since {start:%Y-%m-%d %H:%M:%S} UTC")
        return
    try:
        for line in logs.follow(workspace.aws, lambda: logs.sources(workspace, of, chosen), start, pattern):
            show(line)
    except KeyboardInterrupt:
        pass  # the way to end it


class _Screen:
    """Prints lines, each function in a colour of its own on a terminal."""

    def __init__(self, functions: Sequence[str], width: int, as_json: bool) -> None:
        self._colours = {name: _COLOURS[index % len(_COLOURS)] for index, name in enumerate(functions)}
        self._width = width
        self._as_json = as_json
        self.any = False

    def __call__(self, line: Line) -> None:
        from ci.render import logs as render

        self.any = True
        if self._as_json:
            click.echo(json.dumps(render.data(line)))
            return
        for head, words in render.text(line, self._width):
            console.coloured(f"{click.style(head, fg=self._colours[line.function])} {words}".rstrip())
