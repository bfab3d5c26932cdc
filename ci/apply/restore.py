"""The way back: every alias of a release that did not land goes to where it was, whatever became of its own move."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeGuard

from ci.apply import codedeploy, interrupt
from ci.apply.attachments import Attaching
from ci.apply.job import Job
from ci.apply.parameters import NO_CANARY
from ci.errors import AbsentError, DollopError, MovedError, ReleaseError
from ci.plan.actions import CreateDeployment, PointAlias, PutConcurrency, SplitAlias
from ci.plan.plan import FunctionPlan


@dataclass
class Move:
    """A step that reaches users, begun."""

    function: FunctionPlan
    action: PutConcurrency | SplitAlias | PointAlias
    version: str
    """That an alias is to point to."""
    revision: str | None = None
    """Of the alias after its last move. None: it is not known whether it moved."""
    sent: Mapping[str, Any] = field(default_factory=dict)
    """What was last written to the alias: that it is as this release left it shows in this."""

    @property
    def handed(self) -> CreateDeployment | None:
        """What gives the move to CodeDeploy."""
        return next((each for each in self.function.shift if isinstance(each, CreateDeployment)), None)

    @property
    def known(self) -> str | None:
        """The revision that the next write carries."""
        return self.revision or (None if isinstance(self.action, PutConcurrency) else self.action.revision)

    def __str__(self) -> str:
        what = "concurrency" if isinstance(self.action, PutConcurrency) else f"alias {self.action.alias}"
        return f"{self.function.label}: {what}"


def restore(job: Job, moves: Sequence[Move], attaching: Attaching, cause: BaseException) -> ReleaseError:
    """Take back what was attached, then ``moves``. The error to raise: ``cause``, and what became of each alias.

    No signal stops it. Should SIGKILL, its first line of log has said what it is about.
    """
    left: dict[str, str] = {}

    def one(move: Move) -> None:
        try:
            (_limit if isinstance(move.action, PutConcurrency) else _point)(job, move)
        except DollopError as error:
            left[str(move)] = error.message

    with interrupt.noted(threading.Event()):
        # What still hangs in a call sees the old event when that ends, and sends nothing more.
        job.go_on()
        if moves or attaching.begun:
            job.say("putting back", moved=", ".join(map(str, [*moves, *attaching.begun])))
        left |= attaching.take_back()
        job.each("putting back", one, reversed(moves))
    return _outcome(job, left, cause)


def _outcome(job: Job, left: dict[str, str], cause: BaseException) -> ReleaseError:
    reason = cause.message if isinstance(cause, DollopError) else "interrupted"
    if isinstance(cause, Exception) and not isinstance(cause, DollopError):
        reason = f"{type(cause).__name__}: {cause}"
    if left:
        failed = "\n".join(f"{move}: {message}" for move, message in sorted(left.items()))
        return ReleaseError(
            f"{reason}\nand not everything could be put back; these may be moved:\n{failed}",
            f"run it again to finish the release, or dollop rollback {job.plan.stage}; dollop status shows what runs",
            restored=False,
        )
    hint = getattr(cause, "hint", "") or "mend it and run it again"
    return ReleaseError(f"{reason}\nevery alias of the release is back where it was", hint)


def alias(job: Job, function: FunctionPlan, name: str) -> dict[str, Any] | None:
    """The alias as it is now. None where there is none."""
    try:
        return job.aws(function).call("get_alias", FunctionName=function.aws_name, Name=name)
    except AbsentError:
        return None


def _limit(job: Job, move: Move) -> None:
    action, aws, name = move.action, job.aws(move.function), move.function.aws_name
    assert isinstance(action, PutConcurrency)
    if action.before is None:
        aws.call("delete_function_concurrency", FunctionName=name)
    else:
        aws.call("put_function_concurrency", FunctionName=name, ReservedConcurrentExecutions=action.before)


def _point(job: Job, move: Move) -> None:
    action = move.action
    assert not isinstance(action, PutConcurrency)
    if move.handed:
        codedeploy.halt(job, move.function, move.handed.deployer, job.plan.release)
    if action.revision is None:
        _remove(job, move, action)
        return
    # Written even where the move may not have happened: a move that is still on its way then comes too late,
    # because the revision that it was planned against is gone.
    try:
        _write(job, move.function, action, move.revision or action.revision)
    except MovedError:
        now = alias(job, move.function, action.alias)
        if not is_ours(now, move):
            return  # back already, by a call whose answer was lost, or moved by somebody else: theirs
        _write(job, move.function, action, now["RevisionId"])
    except AbsentError:
        return
    job.log(f"restored alias {action.alias}", move.function, version=str(action.before))


def _write(job: Job, function: FunctionPlan, action: SplitAlias | PointAlias, revision: str) -> None:
    weights = {"AdditionalVersionWeights": dict(action.weights)} if action.weights else NO_CANARY
    job.aws(function).call(
        "update_alias",
        FunctionName=function.aws_name,
        Name=action.alias,
        FunctionVersion=action.before,
        Description=action.restore,
        RevisionId=revision,
        RoutingConfig=weights,
    )


def _remove(job: Job, move: Move, action: SplitAlias | PointAlias) -> None:
    if is_ours(alias(job, move.function, action.alias), move):
        job.aws(move.function).call("delete_alias", FunctionName=move.function.aws_name, Name=action.alias)
        job.log(f"removed alias {action.alias}", move.function)


def is_ours(now: Mapping[str, Any] | None, move: Move) -> TypeGuard[Mapping[str, Any]]:
    """Whether the alias is as this release left it, or as CodeDeploy made it of that."""
    versions = {move.sent.get("FunctionVersion")} | ({move.version} if move.handed else set())
    return now is not None and now.get("Description", "") == move.sent.get("Description") and (
        now["FunctionVersion"] in versions
    )
