"""The second phase: aliases move, then the functions that moved are asked. Users see this.

With a canary it has three steps: the new versions get their share of the calls, they are watched, the aliases move.
With CodeDeploy, the aliases that it gets come last, so that nothing is left to be moved should this process end.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, TypeVar

from ci import record
from ci.apply import codedeploy, smoke
from ci.apply.attachments import Attaching
from ci.apply.job import Job
from ci.apply.parameters import NO_CANARY
from ci.apply.restore import Move, alias, is_ours, restore
from ci.apply.watch import look, watch
from ci.errors import AbsentError, MovedError, OutdatedError, Unwatched
from ci.model import Canary, CodeDeploy
from ci.model.live import CanaryRecord
from ci.plan.actions import CreateDeployment, PointAlias, PutConcurrency, SplitAlias, StopDeployment
from ci.plan.plan import FunctionPlan


def shift(job: Job, versions: Mapping[str, str]) -> None:
    """Move every alias, then ask the functions that moved; on any failure or signal move all of them back.

    Raises ReleaseError.
    """
    moving = [function for function in job.plan.functions if function.shift]
    shifting, attaching = _Shift(job, versions), Attaching(job)
    try:
        if isinstance(job.plan.rollout, Canary):
            shifting.rehearse(job.plan.rollout, moving)
        elif job.plan.rollout:
            shifting.ready(moving)
        job.each("moving", shifting.move, moving[:1])
        job.each("moving", shifting.move, moving[1:])
        if isinstance(job.plan.rollout, CodeDeploy):
            shifting.hand_over(moving)
        job.each("asking", lambda each: _ask(job, each, versions[each.label]), (f for f in moving if f.smoke))
        attaching.run()
    except Unwatched:
        raise
    except BaseException as error:
        raise restore(job, shifting.moves, attaching, error) from error
    for function in moving:
        done = "function created" if function.new else "function updated"
        job.log(done, function, name=function.aws_name, version=versions[function.label])


Kind = TypeVar("Kind", SplitAlias, PointAlias, CreateDeployment, StopDeployment)


class _Shift:
    """What has begun to move. Each alias has one ``Move``, whatever it goes through."""

    def __init__(self, job: Job, versions: Mapping[str, str]) -> None:
        self.job = job
        self.versions = versions
        self.moves: list[Move] = []
        self.begun: dict[str, Move] = {}

    def rehearse(self, canary: Canary, moving: list[FunctionPlan]) -> None:
        """Give the new versions their share, and watch. Aliases that are new are made, so that those can call them.

        The smoke tests ask the versions themselves: through its alias a function would mostly answer as before.
        """
        job, points = self.job, {function.label: _of(function, PointAlias) for function in moving}
        shared = [function for function in moving if _of(function, SplitAlias)]
        new = [function for function in moving if (point := points[function.label]) and point.revision is None]
        since = []
        for function in moving:
            if (point := points[function.label]) and point.begun:
                self._began(function, point)
                since.append(datetime.fromisoformat(point.begun))
        look(job, canary)
        asked = (function for function in shared if function.smoke)
        job.each("asking", lambda function: _ask(job, function, self.versions[function.label], True), asked)
        job.each("splitting", self._split, shared[:1])
        job.each("splitting", self._split, [*shared[1:], *new])
        watch(job, canary, list(self.begun.values()), datetime.now(UTC) if shared else max(since))

    def ready(self, moving: list[FunctionPlan]) -> None:
        """What can go wrong before CodeDeploy has anything: the versions are asked themselves, as before a canary."""
        job = self.job
        handed = (function for function in moving if _of(function, CreateDeployment) and function.smoke)
        job.each("asking", lambda function: _ask(job, function, self.versions[function.label], True), handed)
        codedeploy.make_groups(job, moving)

    def hand_over(self, moving: list[FunctionPlan]) -> None:
        """CodeDeploy gets the aliases, whose descriptions tell so by now, and is watched until it has moved them."""
        job, versions = self.job, self.versions
        handed = [function for function in moving if _of(function, CreateDeployment)]
        begun = job.each("handing over", lambda each: codedeploy.begin(job, each, versions[each.label]), handed)
        codedeploy.follow(job, {each.label: (each, id) for each, id in zip(handed, begun, strict=True)})
        job.each("looking", self._arrived, handed)

    def _arrived(self, function: FunctionPlan) -> None:
        """Raises MovedError where somebody has moved the alias meanwhile."""
        move = self.begun[function.label]
        assert not isinstance(move.action, PutConcurrency)
        there = alias(self.job, function, move.action.alias)
        if not is_ours(there, move) or there["FunctionVersion"] != move.version:
            what = f"{function.label}: alias {move.action.alias}: live moved under the plan, while CodeDeploy had it"
            raise MovedError(what, "plan again, look, and run it again")

    def _split(self, function: FunctionPlan) -> None:
        action = _of(function, SplitAlias) or _of(function, PointAlias)
        assert action is not None
        _write(self.job, self._began(function, action))

    def _began(self, function: FunctionPlan, action: SplitAlias | PointAlias) -> Move:
        move = Move(function, action, self.versions[function.label])
        self.moves.append(move)
        self.begun[function.label] = move
        return move

    def move(self, function: FunctionPlan) -> None:
        """All the rest that reaches users."""
        for action in function.shift:
            if isinstance(action, PutConcurrency):
                self.moves.append(Move(function, action, self.versions[function.label]))
                limit = {"ReservedConcurrentExecutions": action.after}
                self.job.aws(function).call("put_function_concurrency", FunctionName=function.aws_name, **limit)
            elif isinstance(action, PointAlias):
                move = self.begun.get(function.label)
                if move and action.revision is None:
                    continue
                if stop := _of(function, StopDeployment):
                    action = self._stopped(function, action, stop)
                move = move or self._began(function, action)
                move.action = action
                _write(self.job, move)

    def _stopped(self, function: FunctionPlan, action: PointAlias, stop: StopDeployment) -> PointAlias:
        """``action`` after CodeDeploy has ended where it was: it may have gone on since this was planned."""
        codedeploy.halt(self.job, function, stop.deployer, stop.handed.release)
        there = alias(self.job, function, action.alias)
        if there is None or record.read_handed(there.get("Description", ""))[1] != stop.handed:
            return action
        return replace(action, revision=there["RevisionId"])


def _of(function: FunctionPlan, kind: type[Kind]) -> Kind | None:
    return next((action for action in function.shift if isinstance(action, kind)), None)


def _write(job: Job, move: Move) -> None:
    """Write the alias as ``move`` has it."""
    function, action, version, aws = move.function, move.action, move.version, job.aws(move.function)
    assert not isinstance(action, PutConcurrency)
    parameters: dict[str, Any] = {"FunctionName": function.aws_name, "Name": action.alias}
    if isinstance(action, SplitAlias):
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        left = CanaryRecord(action.before, version, record.token(action.release), now)
        parameters["FunctionVersion"] = action.before
        parameters["Description"] = record.canary_description(action.restore, left)
        parameters["RoutingConfig"] = {"AdditionalVersionWeights": {version: action.share / 100}}
    else:
        to = action.before if action.handed else version
        told = action.description if action.version else record.renumbered(action.description, version)
        parameters |= {"FunctionVersion": to, "Description": told}
    move.sent = parameters

    def send() -> dict[str, Any]:
        if action.revision is None:
            return aws.call("create_alias", **parameters)
        return aws.call("update_alias", **({"RoutingConfig": NO_CANARY} | parameters), RevisionId=move.known)

    try:
        answer = aws.appeared(send) if function.prepare else send()
    except AbsentError as error:
        raise MovedError(f"{error.message}: live moved under the plan", "plan again, look, and deploy again") from error
    except MovedError:
        # Our own call may have been sent again after its answer was lost.
        there = alias(job, function, action.alias)
        if not is_ours(there, move):
            raise
        answer = dict(there)
    move.revision = answer["RevisionId"]
    _tell(job, move, "created" if action.revision is None else "updated")


def _tell(job: Job, move: Move, verb: str) -> None:
    action = move.action
    if isinstance(action, SplitAlias):
        job.log(f"began canary {action.alias}", move.function, version=move.version, share=f"{action.share}%")
    elif isinstance(action, PointAlias) and not action.handed:
        job.log(f"{verb} alias {action.alias}", move.function, version=move.version)


def _ask(job: Job, function: FunctionPlan, version: str, by_number: bool = False) -> None:
    """The smoke test of ``version``, through the alias that moved there or, before that, by its number."""
    assert function.smoke is not None
    alias, event, aws = _of(function, PointAlias), json.dumps(function.smoke.event).encode(), job.aws(function)
    if alias is None:
        return
    qualifier = version if by_number else alias.alias

    def ask() -> dict[str, Any]:
        answer = aws.invoke(function.aws_name, qualifier, event)
        if (by := answer.get("ExecutedVersion", version)) != version:
            what = f"{function.label}: smoke test: the alias {qualifier} still answers with version {by}, not {version}"
            raise OutdatedError(what, "run it again")
        return answer

    smoke.check(function.function, function.smoke, aws.appeared(ask))
    job.log("smoke test passed", function)
