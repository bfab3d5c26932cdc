"""The one path to a plan: config -> packages -> live -> plan. A dry run stops behind it, a release goes on."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ci import live, record
from ci.errors import UsageError
from ci.model import Function, LiveVersion, Stage
from ci.plan import deploy, promote, removal, rollback
from ci.plan.actions import Plan
from ci.record import Release, Released
from ci.workspace import Workspace


def to_deploy(workspace: Workspace, stage: Stage, globs: Sequence[str]) -> Plan:
    """Build, compare with what the stage runs, and say what is to be done."""
    aws = workspace.aws
    functions = workspace.expanded(workspace.select(globs))
    packages = workspace.packages(functions)
    found = live.read(aws, stage, functions, packages)
    return deploy.deploy(stage, aws.region, functions, packages, found, workspace.origin)


def to_promote(
    workspace: Workspace, stage: Stage, globs: Sequence[str], file: Path | None = None, allow_older: bool = False
) -> Plan:
    """Compare the stage with a release: that of ``file``, or what the stage that it is promoted from runs."""
    if stage.source is None:
        raise UsageError(f"the stage {stage.name} is built, not promoted", f"dollop deploy {stage.name}")
    functions = workspace.select(globs)
    release = _recorded(file) if file else _running(workspace, workspace.stage(stage.source), functions)
    if release.stage != stage.source:
        raise UsageError(f"{file}: a release of the stage {release.stage}; {stage.name} takes those of {stage.source}")
    numbers = {name: released.version for name, released in release.functions.items()}
    found = live.read(workspace.aws, stage, functions, detail=True)
    versions = live.versions(workspace.aws, functions, numbers, files=True)
    return promote.promote(
        stage, workspace.aws.region, functions, release, versions, found, workspace.origin, allow_older
    )


def _recorded(file: Path) -> Release:
    try:
        return record.from_json(file.read_text(), str(file))
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{file}: cannot be read: {error}") from None


def _running(workspace: Workspace, stage: Stage, functions: Sequence[Function]) -> Release:
    """What ``stage`` runs now, as the release that it amounts to."""
    aliases = {function.name: stage.alias for function in functions}
    versions = live.versions(workspace.aws, functions, aliases)
    released = {name: _released(version) for name, version in versions.items() if version is not None}
    return record.amounting_to(stage.name, released, workspace.origin.run, workspace.origin.at)


def _released(version: LiveVersion) -> Released:
    return Released(version.version, version.record.digest if version.record else "", version.code_sha256)


def to_roll_back(workspace: Workspace, stage: Stage, globs: Sequence[str], to: str = "previous") -> Plan:
    """``to`` is ``previous``, a version number, or a commit (7 characters of it or more)."""
    functions = workspace.select(globs)
    found = live.read(workspace.aws, stage, functions, detail=True)
    release = ""
    if to == "previous":
        numbers = rollback.targets(stage, functions, found, whole=not globs)
    elif to.isdecimal() and len(to) < 7:
        numbers, release = {function.name: to for function in functions}, f"to-{to}"
    else:
        numbers, release = rollback.by_commit(functions, found, to), f"to-{to[:7]}"
    versions = live.versions(workspace.aws, functions, numbers, files=True)
    return rollback.rollback(
        stage, workspace.aws.region, functions, numbers, versions, found, workspace.origin, release
    )


def to_prune(workspace: Workspace, globs: Sequence[str], retain: int | None = None) -> Plan:
    """Old versions that nothing points to."""
    functions = workspace.select(globs)
    found = live.read(workspace.aws, workspace.stage(None), functions, detail=True)
    return removal.prune(workspace.aws.region, functions, found, workspace.origin, retain)


def to_delete(workspace: Workspace, globs: Sequence[str]) -> Plan:
    """Whole functions, with their versions and aliases."""
    functions = workspace.select(globs)
    found = live.read(workspace.aws, workspace.stage(None), functions, detail=True)
    return removal.delete(workspace.aws.region, functions, found, workspace.origin)
