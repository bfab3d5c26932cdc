"""Pointing a stage's alias at a version: the one step that deploy, promote and rollback share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ci import diff, record
from ci.model import AliasRecord, Function, Live, LiveAlias, LiveFunction, LiveVersion, Stage
from ci.plan.actions import FunctionPlan, Origin, PointAlias


def alias(
    stage: Stage,
    live: LiveFunction,
    version: str | None,
    expected: str,
    release: str,
    origin: Origin,
    since: str | None = None,
) -> PointAlias:
    """``version`` None: the one that the plan publishes, which should be ``expected``.

    ``since``: when what is undone began, where this undoes a release; else it is when the alias last moved.
    """
    assert live.aliases is not None
    now = live.aliases.get(stage.alias)
    previous = now.version if now and now.version != diff.WORKBENCH else None
    left = AliasRecord(release, origin.run, origin.at, previous, expected, since or _since(now, release, origin))
    return PointAlias(
        alias=stage.alias,
        before=now.version if now else None,
        version=version,
        expected=expected,
        description=record.alias_description(left),
        revision=now.revision if now else None,
        restore=now.description if now else "",
        weights=now.weights if now else {},
    )


def _since(now: LiveAlias | None, release: str, origin: Origin) -> str | None:
    if now is None or now.record is None:
        return None
    # What this release has moved before and somebody else after it, it moves as another release of that name.
    return origin.at if now.record.release == release else now.record.at


def existing(
    function: Function,
    stage: Stage,
    live: LiveFunction,
    target: LiveVersion,
    release: str,
    origin: Origin,
    since: str | None = None,
) -> FunctionPlan:
    """The plan of one function whose stage is to run ``target``, a version that is there already."""
    running = live.running
    digest = target.record.digest if target.record else ""
    if running is not None and running.version == target.version and not weights(stage, live):
        return FunctionPlan(
            function.name,
            function.aws_name,
            arn=live.arn,
            version=running.version,
            digest=digest,
            code_sha256=target.code_sha256,
        )
    moved = running is not None and running.code_sha256 != target.code_sha256
    return FunctionPlan(
        function.name,
        function.aws_name,
        changes=diff.configuration(target, running, function.settings) if running else (),
        code=diff.code(target, running) if running and moved else None,
        shift=(alias(stage, live, target.version, target.version, release, origin, since),),
        arn=live.arn,
        version=running.version if running else None,
        digest=digest,
        code_sha256=target.code_sha256,
    )


def canaries(stage: Stage, plans: Iterable[FunctionPlan], live: Live) -> tuple[str, ...]:
    """A note for each alias that moves and sends a share of its calls to another version, by hand: that ends."""
    return tuple(
        f"{plan.function}: the alias {stage.alias} sends {share * 100:g} % of its calls to version {version}: that ends"
        for plan in plans
        if any(isinstance(action, PointAlias) for action in plan.shift)
        for version, share in sorted(weights(stage, live.functions[plan.function]).items())
    )


def weights(stage: Stage, live: LiveFunction | None) -> Mapping[str, float]:
    """Version -> the share of the stage's calls that it gets beside the version that the alias points to."""
    now = (live.aliases or {}).get(stage.alias) if live else None
    return now.weights if now else {}
