"""What was changed by hand, of all stages: what no plan of a stage that is built would show."""

from __future__ import annotations

from collections.abc import Sequence

from ci import live
from ci.live import attachments
from ci.model import Function, Site
from ci.observe import strays
from ci.workspace import Workspace


def everywhere(workspace: Workspace, functions: Sequence[Function]) -> list[str]:
    """A line for each thing, in each site. Raises AwsError."""

    def one(site: Site) -> list[str]:
        aws, stages = workspace.at(site), workspace.stages_at(site).values()
        lines: list[str] = []
        for stage in stages:
            found = live.read(aws, stage, functions, aliases=True)
            around = functions if stage.source else ()  # of the others the plan tells
            lines += strays.of(attachments.around(aws, found, around), around)
        if all(stage.source for stage in stages):
            lines += strays.unversioned(found, functions)
        return lines

    found = workspace.in_each([], one)
    return [f"{name}: {line}" if name else line for name, lines in found.items() for line in lines]
