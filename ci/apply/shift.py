"""The second phase: aliases move, then the functions that moved are asked. Users see this."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ci import smoke
from ci.apply.job import Job
from ci.apply.parameters import NO_CANARY
from ci.apply.restore import Move, alias, restore
from ci.errors import AbsentError, MovedError
from ci.plan.actions import FunctionPlan, PointAlias, PutConcurrency


def shift(job: Job, versions: Mapping[str, str]) -> None:
    """Move every alias, then ask the functions that moved; on any failure or signal move all of them back.

    Raises ReleaseError.
    """
    moving = [function for function in job.plan.functions if function.shift]
    moves: list[Move] = []

    def one(function: FunctionPlan) -> None:
        for action in function.shift:
            move = Move(function, action, versions[function.function])
            moves.append(move)
            _move(job, move)

    try:
        job.each("moving", one, moving[:1])
        job.each("moving", one, moving[1:])
        job.each("asking", lambda function: _ask(job, function), (f for f in moving if f.smoke))
    except BaseException as error:
        raise restore(job, moves, error) from error
    for function in moving:
        done = "function created" if function.new else "function updated"
        job.log(done, function, name=function.aws_name, version=versions[function.function])


def _move(job: Job, move: Move) -> None:
    function, action, version = move.function, move.action, move.version
    if isinstance(action, PutConcurrency):
        limit = {"ReservedConcurrentExecutions": action.after}
        job.aws.call("put_function_concurrency", FunctionName=function.aws_name, **limit)
        return
    parameters: dict[str, Any] = {
        "FunctionName": function.aws_name,
        "Name": action.alias,
        "FunctionVersion": version,
        "Description": action.description,
    }
    try:
        if action.revision is None:
            answer = job.aws.call("create_alias", **parameters)
        else:
            parameters |= {"RevisionId": action.revision, "RoutingConfig": NO_CANARY}
            answer = job.aws.call("update_alias", **parameters)
    except AbsentError as error:
        raise MovedError(f"{error.message}: live moved under the plan", "plan again, look, and deploy again") from error
    except MovedError:
        # Our own call may have been sent again after its answer was lost.
        there = alias(job, function, action)
        if there is None or (there["Description"], there["FunctionVersion"]) != (action.description, version):
            raise
        answer = there
    move.revision = answer["RevisionId"]
    verb = "created" if action.revision is None else "updated"
    job.log(f"{verb} alias {action.alias}", function, version=version)


def _ask(job: Job, function: FunctionPlan) -> None:
    """The smoke test."""
    assert function.smoke is not None
    alias = next((action.alias for action in function.shift if isinstance(action, PointAlias)), None)
    if alias is not None:
        answer = job.aws.invoke(function.aws_name, alias, json.dumps(function.smoke.event).encode())
        smoke.check(function.function, function.smoke, answer)
        job.log("smoke test passed", function)
