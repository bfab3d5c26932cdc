"""Pointing a stage's alias at a version: the one step that deploy, promote and rollback share."""

from __future__ import annotations

from ci import diff, record
from ci.model import AliasRecord, LiveFunction, LiveVersion, Stage
from ci.plan.actions import FunctionPlan, Origin, PointAlias


def alias(
    stage: Stage, live: LiveFunction, version: str | None, expected: str, release: str, origin: Origin
) -> PointAlias:
    """``version`` None: the one that the plan publishes, which should be ``expected``."""
    assert live.aliases is not None
    now = live.aliases.get(stage.alias)
    left = AliasRecord(release, origin.run, origin.at, now.version if now else None)
    return PointAlias(
        alias=stage.alias,
        before=now.version if now else None,
        version=version,
        expected=expected,
        description=record.alias_description(left),
        revision=now.revision if now else None,
        restore=now.description if now else "",
    )


def existing(
    function: str,
    aws_name: str,
    stage: Stage,
    live: LiveFunction,
    target: LiveVersion,
    release: str,
    origin: Origin,
) -> FunctionPlan:
    """The plan of one function whose stage is to run ``target``, a version that is there already."""
    running = live.running
    digest = target.record.digest if target.record else ""
    if running is not None and running.version == target.version:
        return FunctionPlan(
            function,
            aws_name,
            arn=live.arn,
            version=running.version,
            digest=digest,
            code_sha256=target.code_sha256,
        )
    moved = running is not None and running.code_sha256 != target.code_sha256
    return FunctionPlan(
        function,
        aws_name,
        changes=diff.configuration(target, running) if running else (),
        code=diff.code(target, running) if running and moved else None,
        shift=(alias(stage, live, target.version, target.version, release, origin),),
        arn=live.arn,
        version=running.version if running else None,
        digest=digest,
        code_sha256=target.code_sha256,
    )
