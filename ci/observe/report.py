"""All that a report shows: what the stages run, and every version that there is. Read-only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from ci.model import Function
from ci.model.live import Live
from ci.observe import status
from ci.observe.status import Status
from ci.workspace import Workspace


@dataclass(frozen=True)
class Report:
    """``listed`` has versions and aliases. ``repository`` is its address on GitHub, empty where it is not known."""

    project: str
    region: str
    repository: str
    at: datetime
    status: Status
    listed: Live


def read(workspace: Workspace, functions: Sequence[Function], repository: str, at: datetime) -> Report:
    """What ``status`` and ``status --versions`` read. Raises AwsError."""
    pipeline, found = workspace.pipeline, status.everywhere(workspace, functions)
    return Report(pipeline.project, workspace.aws.region, repository, at, found, status.versions(workspace, functions))
