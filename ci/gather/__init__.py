"""The one path to a plan: config -> packages -> live -> plan. A dry run stops behind it, a release goes on."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ci import foreign, live
from ci.errors import UsageError
from ci.gather import order
from ci.gather.promotion import Promotion
from ci.live import attachments, codedeploy, layers as live_layers
from ci.model import Site, Stage
from ci.plan import deploy, layers as plan_layers, removal, rollback, room, sites
from ci.plan.plan import Plan
from ci.release import from_json
from ci.workspace import Workspace


def to_deploy(workspace: Workspace, stage: Stage, globs: Sequence[str], allow_older: bool = True) -> Plan:
    """Build, compare with what the stage runs, and say what is to be done.

    Raises Refused, without ``allow_older``, where it would put an older commit over a newer one.
    """
    functions = workspace.expanded(workspace.select(globs))
    packages = workspace.packages(functions)

    release = deploy.name(functions, packages, workspace.origin)

    def one(site: Site) -> Plan:
        aws, there = workspace.at(site), [function.at(site) for function in functions]
        wanted = plan_layers.wanted(packages.values())
        layers = {name: live_layers.newest(aws, each) for name, each in wanted.items()}
        there, publish = plan_layers.arranged(aws.region, there, packages, layers)
        new = {each.arn: each.layer.unzipped for each in publish}
        found = live.read(aws, stage, there, packages, aliases=stage.rollout is not None)
        found = attachments.around(aws, found, functions)
        plan = deploy.deploy(stage, aws.region, there, packages, found, workspace.origin, release)
        if not allow_older:
            order.check(workspace, plan, found)
        plan = codedeploy.with_groups(aws, plan)
        sizes = live_layers.sizes(aws, [arn for arn in room.layers(plan, there) if arn not in new])
        plan = room.checked(plan, there, packages, sizes | new)
        return plan_layers.published(plan, publish)

    return sites.joined(workspace.in_each([stage], one))


def to_promote(
    workspace: Workspace, stage: Stage, globs: Sequence[str], file: Path | None = None, allow_older: bool = False
) -> Plan:
    """Compare the stage with a release: that of ``file``, or what the stage that it is promoted from runs."""
    if stage.source is None:
        raise UsageError(f"the stage {stage.name} is built, not promoted", f"dollop deploy {stage.name}")
    if workspace.variables:
        what = f"the stage {stage.name} is promoted: a version keeps the variables that it was published with"
        raise UsageError(what, f"set them where it is built: dollop deploy {stage.source}")
    release = from_json(foreign.text(file), str(file)) if file else None
    if release and release.stage != stage.source:
        what = f"a release of the stage {release.stage}; {stage.name} takes those of {stage.source}"
        raise UsageError(f"{file}: {what}")
    functions = workspace.select(globs or sorted(release.functions if release else ()))
    promotion = Promotion(workspace, stage, functions, release, allow_older)
    return sites.joined(workspace.in_each([stage], promotion.plan))


_VERSION = re.compile("[1-9][0-9]{0,5}")
_COMMIT = re.compile("[0-9a-f]{7,64}[+]?")


def to_roll_back(workspace: Workspace, stage: Stage, globs: Sequence[str], to: str = "previous") -> Plan:
    """``to`` is ``previous``, a version number, or a commit (7 characters of it or more)."""
    number, commit = _VERSION.fullmatch(to), _COMMIT.fullmatch(to)
    if not (number or commit or to == "previous"):
        what = f"neither previous, nor a version, nor a commit: {to!r}"
        raise UsageError(what, "dollop status --versions lists both; of a commit it takes 7 characters or more")
    if number and len(workspace.sites(stage)) > 1:
        what = f"{to} is another version in each region of {stage.name}"
        raise UsageError(what, "name a commit, or choose a region: --region")
    functions = workspace.select(globs)

    def one(site: Site) -> Plan:
        aws = workspace.at(site)
        found = live.read(aws, stage, functions, aliases=True, versions=bool(commit))
        release = ""
        if to == "previous":
            numbers = rollback.targets(stage, functions, found, whole=not globs)
        elif commit:
            numbers, release = rollback.by_commit(functions, found, to), f"to-{to[:7]}"
        else:
            numbers, release = {function.name: to for function in functions}, f"to-{to}"
        going = [function for function in functions if function.name in numbers]
        compared, versions = live.compare(aws, stage, going, numbers, found)
        found = replace(found, functions={**found.functions, **compared.functions})
        return rollback.rollback(stage, aws.region, functions, numbers, versions, found, workspace.origin, release)

    return sites.joined(workspace.in_each([stage], one))


def to_prune(workspace: Workspace, globs: Sequence[str], retain: int | None = None) -> Plan:
    """Old versions that nothing points to, in every site of every stage; of layers too, when no function is chosen."""
    functions, stage = workspace.select(globs), workspace.stage(None)

    def one(site: Site) -> Plan:
        aws = workspace.at(site)
        found = live.read(aws, stage, functions, aliases=True, versions=True)
        plan = removal.prune(aws.region, functions, found, workspace.origin, retain)
        names = set() if globs else {function.packaging.layer for function in functions} - {""}
        layers = {name: live_layers.own(aws, name) for name in names}
        return removal.prune_layers(plan, functions, found, layers, retain)

    return sites.joined(workspace.in_each([], one))


def to_delete(workspace: Workspace, globs: Sequence[str]) -> Plan:
    """Whole functions, with their versions and aliases, in every site of every stage."""
    functions, stage = workspace.select(globs), workspace.stage(None)

    def one(site: Site) -> Plan:
        aws = workspace.at(site)
        found = live.read(aws, stage, functions, aliases=True)
        found = attachments.all_around(aws, found, functions)
        return removal.delete(aws.region, functions, found, workspace.origin)

    return sites.joined(workspace.in_each([], one))
