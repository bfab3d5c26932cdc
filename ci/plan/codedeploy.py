"""An alias that CodeDeploy moves: who gets it, what has to be there for that, what ends it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from ci import record
from ci.errors import Refused
from ci.model import CodeDeploy, Stage
from ci.model.live import Handed, Live, LiveAlias, LiveFunction, LiveGroup
from ci.plan.actions import CreateApplication, CreateDeployment, Deployer, PointAlias, PutGroup, Shift, StopDeployment
from ci.plan.plan import FunctionPlan, Origin, Plan


def hand(
    by: CodeDeploy, stage: Stage, live: LiveFunction, move: PointAlias, release: str, origin: Origin
) -> tuple[Shift, ...]:
    """``move`` by CodeDeploy: the alias's description first, so that it tells from then on what is under way."""
    assert move.before is not None
    left = Handed(move.before, move.expected, release, origin.run, origin.at)
    note = replace(move, description=record.handed_description(move.restore, left), handed=True)
    deployer = _deployer(by, stage, live)
    return (
        note,
        CreateDeployment(deployer, by.config, by.alarms, move.alias, move.before, move.version, move.expected),
    )


def guarded(stage: Stage, live: LiveFunction, move: PointAlias) -> PointAlias:
    """``move``, which CodeDeploy must not cross."""
    now = live.alias(stage.alias)
    if now is None or now.handed is None or not isinstance(stage.rollout, CodeDeploy):
        return move
    return replace(move, guard=_deployer(stage.rollout, stage, live))


def stopping(stage: Stage, plan: FunctionPlan, live: LiveFunction) -> FunctionPlan:
    """``plan``, of a rollback: what CodeDeploy has under way ends first."""
    now = live.alias(stage.alias)
    if now is None or now.handed is None or not plan.shift or not isinstance(stage.rollout, CodeDeploy):
        return plan
    shift = tuple(guarded(stage, live, each) if isinstance(each, PointAlias) else each for each in plan.shift)
    stop = (StopDeployment(_deployer(stage.rollout, stage, live), now.handed),) if now.weights else ()
    return replace(plan, shift=(*stop, *shift))


def _deployer(by: CodeDeploy, stage: Stage, live: LiveFunction) -> Deployer:
    return Deployer(by.application, by.group(stage.name, live.arn.rpartition(":")[2]))


def check(stage: Stage, live: Live) -> None:
    """Raises Refused where CodeDeploy has aliases of ``stage``, and pipeline.yaml does not say so any more."""
    lost = [name for name, alias in _handed(stage, live) if alias.weights]
    if lost and not isinstance(stage.rollout, CodeDeploy):
        what = f"CodeDeploy is moving the alias {stage.alias}"
        raise Refused(
            "\n".join(f"{name}: {what}" for name in lost),
            f"let stages.{stage.name}.rollout.codedeploy stay in pipeline.yaml until that has ended",
        )


def notes(stage: Stage, plans: Iterable[FunctionPlan], live: Live) -> Iterator[str]:
    """What has to end before this plan can be carried out."""
    moving = {plan.function for plan in plans if plan.shift and not any(map(_ends, plan.shift))}
    for name, alias in _handed(stage, live):
        if name in moving and alias.weights and (left := alias.handed):
            moved = f"the alias {stage.alias} from version {left.before} to {left.version} since {left.at}"
            yield f"{name}: CodeDeploy moves {moved}: this is refused while that lasts"


def _ends(action: Shift) -> bool:
    return isinstance(action, StopDeployment)


def _handed(stage: Stage, live: Live) -> Iterator[tuple[str, LiveAlias]]:
    for name, found in sorted(live.functions.items()):
        alias = found.alias(stage.alias) if found else None
        if alias and alias.handed:
            yield name, alias


def deployers(plan: Plan) -> dict[str, Deployer]:
    """Function -> the group through which CodeDeploy gets its alias."""
    return {
        each.function: action.deployer
        for each in plan.functions
        for action in each.shift
        if isinstance(action, CreateDeployment)
    }


def with_groups(plan: Plan, groups: Mapping[str, LiveGroup]) -> Plan:
    """``plan`` for one site, with what of CodeDeploy is not there as it should be. ``groups`` by ``deployers``."""
    by, functions, there = plan.rollout, [], all(group.application for group in groups.values())
    for each in plan.functions:
        before: tuple[Shift, ...] = ()
        group = groups.get(each.function)
        if group and isinstance(by, CodeDeploy):
            if not there:
                before, there = (CreateApplication(by.application),), True
            if group.role != by.role:
                before = (*before, PutGroup(deployers(plan)[each.function], group.role, by.role))
        functions.append(replace(each, shift=(*before, *each.shift)))
    return replace(plan, functions=tuple(functions))
