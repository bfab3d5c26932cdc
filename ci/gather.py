"""The one path to a plan: config -> packages -> live -> plan. A dry run stops behind it, a release goes on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from ci import attached, live, record
from ci.aws import Aws
from ci.errors import DollopError, UsageError
from ci.model import LiveVersion, Stage
from ci.plan import deploy, promote, removal, rollback, sites
from ci.plan.actions import Plan
from ci.record import Release, Released
from ci.workspace import Workspace


def _everywhere(workspace: Workspace, stages: Sequence[Stage], plan: Callable[[Aws], Plan]) -> Plan:
    """One plan of those for each site of ``stages``."""
    plans = {}
    for name, site in workspace.sites(*stages).items():
        try:
            plans[name] = plan(workspace.at(site))
        except DollopError as error:
            raise error.within(name)
    return sites.joined(plans)


def to_deploy(workspace: Workspace, stage: Stage, globs: Sequence[str]) -> Plan:
    """Build, compare with what the stage runs, and say what is to be done."""
    functions = workspace.expanded(workspace.select(globs))
    packages = workspace.packages(functions)

    def one(aws: Aws) -> Plan:
        found = live.read(aws, stage, functions, packages, aliases=stage.rollout is not None, track=workspace.track)
        found = attached.around(aws, found, functions, workspace.track)
        return deploy.deploy(stage, aws.region, functions, packages, found, workspace.origin)

    return _everywhere(workspace, [stage], one)


def to_promote(
    workspace: Workspace, stage: Stage, globs: Sequence[str], file: Path | None = None, allow_older: bool = False
) -> Plan:
    """Compare the stage with a release: that of ``file``, or what the stage that it is promoted from runs."""
    if stage.source is None:
        raise UsageError(f"the stage {stage.name} is built, not promoted", f"dollop deploy {stage.name}")
    if workspace.variables:
        what = f"the stage {stage.name} is promoted: a version keeps the variables that it was published with"
        raise UsageError(what, f"set them where it is built: dollop deploy {stage.source}")
    if file:
        release = _recorded(file)
        functions = workspace.select(globs or sorted(release.functions))
        if release.stage != stage.source:
            what = f"a release of the stage {release.stage}; {stage.name} takes those of {stage.source}"
            raise UsageError(f"{file}: {what}")
        targets = {name: released.version for name, released in release.functions.items()}
        found, versions = live.compare(workspace.aws, stage, functions, targets, track=workspace.track)
    else:
        functions = workspace.select(globs)
        source = workspace.stage(stage.source)
        targets = {function.name: source.alias for function in functions}
        found, versions = live.compare(workspace.aws, stage, functions, targets, track=workspace.track)
        released = {name: _released(version) for name, version in versions.items() if version is not None}
        release = record.amounting_to(source.name, released, workspace.origin.run, workspace.origin.at)
    found = attached.around(workspace.aws, found, functions, workspace.track)
    return promote.promote(
        stage, workspace.aws.region, functions, release, versions, found, workspace.origin, allow_older
    )


def _recorded(file: Path) -> Release:
    try:
        return record.from_json(file.read_text(), str(file))
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{file}: cannot be read: {error}") from None


def _released(version: LiveVersion) -> Released:
    return Released(version.version, version.record.digest if version.record else "", version.code_sha256)


def to_roll_back(workspace: Workspace, stage: Stage, globs: Sequence[str], to: str = "previous") -> Plan:
    """``to`` is ``previous``, a version number, or a commit (7 characters of it or more)."""
    number = to.isdecimal() and len(to) < 7
    if number and len(workspace.sites(stage)) > 1:
        what = f"{to} is another version in each region of {stage.name}"
        raise UsageError(what, "name a commit, or choose a region: --region")
    functions = workspace.select(globs)

    def one(aws: Aws) -> Plan:
        commit = to != "previous" and not number
        found = live.read(aws, stage, functions, aliases=True, versions=commit, track=workspace.track)
        release = ""
        if to == "previous":
            numbers = rollback.targets(stage, functions, found, whole=not globs)
        elif commit:
            numbers, release = rollback.by_commit(functions, found, to), f"to-{to[:7]}"
        else:
            numbers, release = {function.name: to for function in functions}, f"to-{to}"
        going = [function for function in functions if function.name in numbers]
        compared, versions = live.compare(aws, stage, going, numbers, found, workspace.track)
        found = replace(found, functions={**found.functions, **compared.functions})
        return rollback.rollback(stage, aws.region, functions, numbers, versions, found, workspace.origin, release)

    return _everywhere(workspace, [stage], one)


def to_prune(workspace: Workspace, globs: Sequence[str], retain: int | None = None) -> Plan:
    """Old versions that nothing points to, in every site of every stage."""
    functions, stage = workspace.select(globs), workspace.stage(None)

    def one(aws: Aws) -> Plan:
        found = live.read(aws, stage, functions, None, True, True, workspace.track)
        return removal.prune(aws.region, functions, found, workspace.origin, retain)

    return _everywhere(workspace, [], one)


def to_delete(workspace: Workspace, globs: Sequence[str]) -> Plan:
    """Whole functions, with their versions and aliases, in every site of every stage."""
    functions, stage = workspace.select(globs), workspace.stage(None)

    def one(aws: Aws) -> Plan:
        found = live.read(aws, stage, functions, aliases=True, track=workspace.track)
        found = attached.all_around(aws, found, functions, workspace.track)
        return removal.delete(aws.region, functions, found, workspace.origin)

    return _everywhere(workspace, [], one)
