"""Promote to another region or account: the versions of a release are not there, their code and configuration go there.

What is published there is the released version once more: the same bytes, the same variables, the settings that it was
released with, but for those that a site needs of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from ci.errors import Refused
from ci.model import Function, Package, Site, Stage
from ci.model.live import Live, LiveFunction, LiveVersion, VersionRecord
from ci.plan import point
from ci.plan.plan import FunctionPlan, Origin, Plan
from ci.plan.deploy import Deployment
from ci.plan.promote import of_this_checkout, refusal, refused
from ci.release import Release

NOBODY = "unknown"
"""Commit of a version that another tool published."""


def wanted(function: Function, released: LiveVersion, site: Site) -> Function:
    """``function`` as it is to be in ``site``: as it was ``released``."""
    return replace(function, settings=released.settings, environment=released.environment).at(site)


def unread(function: Function, released: LiveVersion) -> Package:
    """The package of a released version, whose bytes were not looked at: enough to see whether it is there."""
    return Package(function.name, Path(), released.digest or "", released.code_sha256, released.size, 0, ())


def checked(
    functions: Iterable[Function], release: Release, versions: Mapping[str, LiveVersion | None]
) -> dict[str, LiveVersion]:
    """``versions``, what the source has under the numbers of ``release``, when all of it can be promoted.

    Raises Refused as a promotion does.
    """
    reasons = [refusal(function.name, release, versions.get(function.name)) for function in functions]
    if found := [reason for reason in reasons if reason]:
        raise refused(found)
    return {name: version for name, version in versions.items() if version is not None}


def proven(package: Package, version: LiveVersion, release: Release) -> Package:
    """``package``, when it is that of the released ``version``. Raises Refused."""
    released = release.functions[package.function]
    if package.code_sha256 != version.code_sha256 and package.digest != (released.digest or None):
        what = f"{package.function}: the package is not the code of release {release.id}: its digest differs"
        raise Refused(what, "promote without --packages, or with those of that release")
    return package


def carry(
    stage: Stage,
    region: str,
    functions: Iterable[Function],
    release: Release,
    versions: Mapping[str, LiveVersion],
    packages: Mapping[str, Package],
    before: Live,
    live: Live,
    origin: Origin,
    allow_older: bool = False,
) -> Plan:
    """``functions`` are as ``wanted``, ``versions`` as ``checked``. ``live`` is the other site, read with ``packages``;
    ``before`` the source with its versions, of what changes there.

    Raises Refused, where it would put something older over something newer.
    """
    plans: list[FunctionPlan] = []
    reasons: list[str] = []
    for function in sorted(functions, key=lambda function: function.name):
        name, found, target = function.name, live.functions[function.name], versions[function.name]
        source = before.functions.get(name)
        if function.packaging.layer:
            layer = function.packaging.layer
            reasons.append(f"{name}: the layer {layer} does not come along: leave out packaging: layer")
        newer = _newer(target, found, source)
        if newer and not allow_older:
            what = f"version {target.version} of release {release.id} is older than {newer}, which runs"
            reasons.append(f"{name}: {what}")
        if source and found and source.arn == found.arn:
            reasons.append(f"{name}: {release.stage} and {stage.name} are one place: {found.arn}")
        made_of = replace(origin, commit=target.commit or NOBODY)
        plans.append(Deployment(stage, region, function, packages[name], release.id, made_of).plan(found))
    if reasons:
        raise refused(reasons)
    notes = (*point.notes(stage, plans, live), *of_this_checkout(plans, versions, origin))
    rollout = point.rollout(stage, plans)
    return Plan("promote", stage.name, region, release.id, origin, tuple(plans), notes, rollout)


def _newer(target: LiveVersion, there: LiveFunction | None, source: LiveFunction | None) -> str | None:
    """The version of ``source`` that runs ``there``, in a copy, where that is newer than ``target``."""
    running = there.running.record if there and there.running else None
    if running is None or source is None or not target.version.isdecimal():
        return None
    known = ((version.version, version.record) for version in source.versions or ())
    same = [int(number) for number, record in known if record and _made_of(record) == _made_of(running)]
    newest = max(same, default=0)
    return str(newest) if newest > int(target.version) else None


def _made_of(record: VersionRecord) -> tuple[str, str]:
    return record.commit, record.digest
