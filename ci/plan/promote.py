"""Promote: a stage gets exactly the versions of a release record, or nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from ci import diff
from ci.errors import Refused
from ci.model import Function, Stage
from ci.model.live import Live, LiveVersion
from ci.plan import attachments, point
from ci.plan.plan import FunctionPlan, Origin, Plan
from ci.release import Release


def promote(
    stage: Stage,
    region: str,
    functions: Iterable[Function],
    release: Release,
    versions: Mapping[str, LiveVersion | None],
    live: Live,
    origin: Origin,
    allow_older: bool = False,
) -> Plan:
    """``versions`` is what AWS has under the numbers of ``release`` now.

    Raises Refused when a version is gone or is other code than was released, and, without
    ``allow_older``, when the stage runs something newer; every reason at once.
    """
    plans: list[FunctionPlan] = []
    reasons: list[str] = []
    for function in sorted(functions, key=lambda function: function.name):
        found = live.functions[function.name]
        target = versions.get(function.name)
        reason = refusal(function.name, release, target, found.running if found else None, allow_older)
        if reason or found is None or target is None:
            reasons.append(reason)
        else:
            moved = point.existing(function, stage, found, target, release.id, origin)
            plans.append(replace(moved, attach=attachments.actions(function, stage, found)))
    if reasons:
        raise refused(reasons)
    notes = (*point.notes(stage, plans, live), *point.inactive(plans, versions))
    notes = (*notes, *of_this_checkout(plans, versions, origin))
    return Plan("promote", stage.name, region, release.id, origin, tuple(plans), notes, point.rollout(stage, plans))


def of_this_checkout(
    plans: Iterable[FunctionPlan], versions: Mapping[str, LiveVersion | None], origin: Origin
) -> Iterator[str]:
    """A version carries its configuration, but not what is around it: that is as pipeline.yaml has it now."""
    for plan in plans:
        target = versions.get(plan.function)
        commit = (target.commit if target else None) or ""
        if any(action.alias for action in plan.attach) and commit != origin.commit:
            built = f"version {target.version if target else ''} is of commit {commit[:7] or 'unknown'}"
            yield f"{plan.function}: {built}; what is around it is that of this checkout"


def refused(reasons: Sequence[str]) -> Refused:
    """The error of a promotion that cannot be."""
    hint = "deploy again and promote that release"
    if any("older" in reason for reason in reasons):
        hint = "dollop status shows what each stage runs; --allow-older promotes it all the same"
    return Refused("\n".join(reasons), hint)


def refusal(
    name: str,
    release: Release,
    target: LiveVersion | None,
    running: LiveVersion | None = None,
    allow_older: bool = False,
) -> str:
    """Why ``target`` cannot be promoted as ``release``, over ``running``; empty where it can."""
    released = release.functions.get(name)
    if released is None:
        return f"{name}: not in release {release.id}: it has never been deployed to the stage {release.stage}"
    if target is None:
        return f"{name}: version {released.version} of release {release.id} is gone"
    if target.version == diff.WORKBENCH:
        return f"{name}: the stage {release.stage} runs {target.version}, which is no version: deploy to it first"
    if target.code_sha256 != released.code_sha256 or (target.digest or released.digest) != released.digest:
        return f"{name}: version {released.version} is not the code of release {release.id}: its digest differs"
    if target.failed:
        return f"{name}: version {target.version} of release {release.id} cannot be called: {target.failed}"
    if running is not None and _number(target) < _number(running) and not allow_older:
        return f"{name}: version {target.version} of release {release.id} is older than {running.version}, which runs"
    return ""


def _number(version: LiveVersion) -> int:
    """Versions are numbered as they are published; ``$LATEST`` comes before all of them."""
    return 0 if version.version == diff.WORKBENCH else int(version.version)
