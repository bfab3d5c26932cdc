"""Pointing a stage's alias at a version: the one step that deploy, promote and rollback share."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from ci import diff, record
from ci.attachments import marks
from ci.model import Canary, CodeDeploy, Function, Settings, Stage
from ci.model.live import AliasRecord, Live, LiveAlias, LiveFunction, LiveVersion
from ci.plan import codedeploy
from ci.plan.actions import CreateDeployment, PointAlias, PutConcurrency, Shift, SplitAlias, TagFunction, UntagFunction
from ci.plan.plan import FunctionPlan, Origin


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
    now = live.alias(stage.alias)
    previous = now.version if now and now.version != diff.WORKBENCH else None
    left = AliasRecord(release, origin.run, origin.at, previous, expected, since or _since(now, release, origin))
    # Where our own canary ends and nothing else happens, the alias is as it was before that.
    taken_back = now is not None and now.under_way is not None and now.version == expected
    move = PointAlias(
        alias=stage.alias,
        before=now.version if now else None,
        version=version,
        expected=expected,
        description=now.description if now and taken_back else record.alias_description(left),
        revision=now.revision if now else None,
        restore=now.description if now else "",
        weights=now.weights if now and now.under_way is None else {},
    )
    return codedeploy.guarded(stage, live, move)


def steps(
    stage: Stage, live: LiveFunction, move: PointAlias, target: Settings, release: str, origin: Origin
) -> tuple[Shift, ...]:
    """``move``, and before it the beginning of a canary where the stage has one and AWS can do it; or by CodeDeploy.

    ``target`` are the settings of the version that the alias is to point to. A canary of it that an earlier run
    began is gone on with.
    """
    wanted, now = stage.rollout, live.alias(stage.alias)
    if wanted is None or move.before == move.expected:
        return (move,)
    if isinstance(wanted, Canary) and now is not None and now.canary is not None:
        if now.weights == {move.expected: wanted.share / 100}:
            return (replace(move, begun=now.canary.at),)
    if now is None or live.running is None:
        return (replace(move, at_once="the alias is new"),)
    if reason := _inseparable(live.running, target):
        return (replace(move, at_once=reason),)
    if isinstance(wanted, CodeDeploy):
        return codedeploy.hand(wanted, stage, live, move, release, origin)
    split = SplitAlias(
        move.alias, now.version, move.version, move.expected, wanted.share, release, now.revision, move.restore,
        move.weights,
    )
    return (split, move)


def _inseparable(running: LiveVersion, target: Settings) -> str:
    """Why AWS does not split calls between the two; empty where it does.

    https://docs.aws.amazon.com/lambda/latest/dg/configuring-alias-routing.html
    """
    if running.version == diff.WORKBENCH:
        return f"it runs {diff.WORKBENCH}, which is no version"
    what = {"Role": "roles", "DeadLetterConfig": "dead-letter targets"}
    found = [word for member, word in what.items() if running.settings.get(member) != target.get(member)]
    return f"AWS splits no calls between versions with different {' and '.join(found)}" if found else ""


def rollout(stage: Stage, plans: Iterable[FunctionPlan]) -> Canary | CodeDeploy | None:
    """The stage's rollout, where any alias has one under this plan."""
    shifts = [action for plan in plans for action in plan.shift]
    begins = any(isinstance(action, (SplitAlias, CreateDeployment)) or _goes_on(action) for action in shifts)
    return stage.rollout if begins else None


def _goes_on(action: Shift) -> bool:
    return isinstance(action, PointAlias) and action.begun is not None


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
    digest = target.digest or ""
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
        shift=steps(
            stage, live, alias(stage, live, target.version, target.version, release, origin, since), target.settings,
            release, origin,
        ),
        arn=live.arn,
        version=running.version if running else None,
        digest=digest,
        code_sha256=target.code_sha256,
    )


def canaries(stage: Stage, plans: Iterable[FunctionPlan], live: Live) -> tuple[str, ...]:
    """A note for each alias that moves and sends a share of its calls to another version: that ends.

    Not where this plan goes on with it.
    """
    return tuple(
        f"{plan.function}: the alias {stage.alias} sends {share * 100:g} % of its calls to version {version}: that ends"
        for plan in plans
        if any(isinstance(action, PointAlias) and not action.begun for action in plan.shift)
        for version, share in sorted(weights(stage, live.functions[plan.function]).items())
    )


def notes(stage: Stage, plans: Iterable[FunctionPlan], live: Live) -> tuple[str, ...]:
    """What the reader must know of the aliases that move, and of what a rollback leaves."""
    listed = list(plans)
    codedeploy.check(stage, live)
    under_way = codedeploy.notes(stage, listed, live)
    return (*under_way, *_strays(stage, listed, live), *canaries(stage, listed, live), *_unversioned(listed))


def _strays(stage: Stage, plans: Iterable[FunctionPlan], live: Live) -> Iterator[str]:
    """Aliases that somebody else has moved: whoever does that leaves our description as it was."""
    for plan in plans:
        found = live.functions[plan.function]
        now = found.alias(stage.alias) if found else None
        was = now.record.version if now and now.record else None
        if now and was and was != now.version and any(isinstance(action, PointAlias) for action in plan.shift):
            moved = f"the alias {stage.alias} was moved from version {was} to {now.version} by hand"
            yield f"{plan.function}: {moved}: that ends"


def _unversioned(plans: Iterable[FunctionPlan]) -> Iterator[str]:
    """AWS keeps neither with a version: https://docs.aws.amazon.com/lambda/latest/dg/configuration-versions.html"""
    for plan in plans:
        actions = [] if plan.new else plan.actions
        tagged = (action.keys for action in actions if isinstance(action, (TagFunction, UntagFunction)))
        tags = any(not marks.is_kept(key) for keys in tagged for key in keys)
        limit = any(isinstance(action, PutConcurrency) for action in actions)
        if what := [*["tags"] * tags, *["concurrency"] * limit]:
            yield f"{plan.function}: {' and '.join(what)} are not part of a version: a rollback leaves them"


def inactive(plans: Iterable[FunctionPlan], versions: Mapping[str, LiveVersion | None]) -> Iterator[str]:
    """What AWS does with a version that nobody called for weeks.

    https://docs.aws.amazon.com/lambda/latest/dg/functions-states.html
    """
    for plan in plans:
        target = versions.get(plan.function)
        if target and target.inactive and plan.shift:
            why = "nobody has called it for weeks: the first call begins to make it ready, and calls fail until then"
            yield f"{plan.function}: version {target.version} is inactive: {why}"


def weights(stage: Stage, live: LiveFunction | None) -> Mapping[str, float]:
    """Version -> the share of the stage's calls that it gets beside the version that the alias points to."""
    now = live.alias(stage.alias) if live else None
    return now.weights if now else {}
