"""The time of a canary: CloudWatch's alarms are watched, and whether the aliases are still as this release left them.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DescribeAlarms.html
"""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from ci.apply.job import Job
from ci.apply.restore import Move, alias
from ci.errors import MovedError, Refused, ReleaseError
from ci.model import Canary, CodeDeploy
from ci.plan.actions import PointAlias, PutConcurrency
from ci.render.text import duration

_LOOKED_AT = 5
"""Aliases at each look, one after the other: calls of the control plane are few. The others are told at their move."""

_RINGING = "ALARM"
_TYPES = ["MetricAlarm", "CompositeAlarm"]
"""Without them, DescribeAlarms tells of metric alarms only."""


def check(job: Job) -> None:
    """Before anything is done: every alarm exists, and none rings. Raises Refused.

    One that rings during a canary which an earlier run left is no reason to refuse: that canary is taken back.
    """
    canary = job.plan.rollout
    if canary is None:
        return
    left = any(isinstance(action, PointAlias) and action.begun for f in job.plan.functions for action in f.shift)
    ends = f"; dollop rollback {job.plan.stage} ends the canary that is under way" if left else ""
    states = _states(job, canary)
    if missing := sorted(_wanted(job, canary) - states.keys()):
        what = f"stages.{job.plan.stage}.rollout.alarms: there is no alarm {', '.join(missing)}"
        what += "" if len(job.sites) > 1 else f" in {job.plan.region}"
        raise Refused(f"{what}: nothing was changed", f"create it, or name another in pipeline.yaml{ends}")
    ringing = {name: reason for name, (state, reason) in states.items() if state == _RINGING}
    if ringing and not left:
        raise Refused(
            f"{_told(ringing)} before the rollout of {job.plan.stage} begins: nothing was changed",
            "find out why; once it is over, run this again",
        )


def look(job: Job, canary: Canary) -> None:
    """Raises ReleaseError where an alarm rings, or is gone. One without data does not ring."""
    states = _states(job, canary)
    if missing := sorted(_wanted(job, canary) - states.keys()):
        raise ReleaseError(f"canary: the alarm {', '.join(missing)} has disappeared: it cannot be watched")
    ringing = {name: reason for name, (state, reason) in states.items() if state == _RINGING}
    if ringing:
        hint = f"dollop logs --stage {job.plan.stage} shows what happened; mend it and run it again"
        raise ReleaseError(f"canary: {_told(ringing)}", hint)


def watch(job: Job, canary: Canary, moves: Sequence[Move], since: datetime) -> None:
    """Until ``canary`` has lasted its time, counted from ``since``; at least one look.

    Raises ReleaseError, MovedError where somebody else moved an alias, and KeyboardInterrupt.
    """
    pause = next(iter(job.sites.values())).limits.watch
    # A clock that is ahead of ours makes it no longer.
    left = min(max(0.0, canary.seconds - (datetime.now(UTC) - since).total_seconds()), canary.seconds)
    ends = time.monotonic() + left
    turns = itertools.cycle(moves)
    job.say("watching the canary", left=duration(math.ceil(left)), alarms=", ".join(canary.alarms) or "none")
    with job.track("watching", math.ceil(left / pause)) as done:
        while True:
            look(job, canary)
            for move in itertools.islice(turns, min(_LOOKED_AT, len(moves))):
                _same(job, move)
            rest = ends - time.monotonic()
            if rest <= 0:
                break
            if job.interrupted.wait(min(pause, rest)):
                raise KeyboardInterrupt
            done()
    job.say("the canary has passed", lasted=duration(canary.seconds))


def _states(job: Job, canary: Canary | CodeDeploy) -> dict[str, tuple[str, str]]:
    """Alarm, in each site -> its state, and CloudWatch's reason for it."""
    names = {"AlarmNames": list(canary.alarms), "AlarmTypes": _TYPES}
    sites = job.sites.items() if canary.alarms else ()
    return {
        _label(alarm["AlarmName"], site): (alarm["StateValue"], alarm.get("StateReason", ""))
        for site, aws in sites
        for page in aws.read("cloudwatch", "describe_alarms", **names)
        for kind in ("MetricAlarms", "CompositeAlarms")
        for alarm in page.get(kind) or ()
    }


def _wanted(job: Job, canary: Canary | CodeDeploy) -> set[str]:
    return {_label(name, site) for name in canary.alarms for site in job.sites}


def _label(alarm: str, site: str) -> str:
    return f"{alarm} in {site}" if site else alarm


def _told(ringing: Mapping[str, str]) -> str:
    return "; ".join(
        f"the alarm {name} is in the state {_RINGING}{f' ({reason})' if reason else ''}"
        for name, reason in sorted(ringing.items())
    )


def _same(job: Job, move: Move) -> None:
    """Raises MovedError where the alias is not as this release left it."""
    assert not isinstance(move.action, PutConcurrency)
    now = alias(job, move.function, move.action.alias)
    if now is None or now["RevisionId"] != move.known:
        what = f"{move.function.label}: alias {move.action.alias}: live moved under the plan, during its canary"
        raise MovedError(what, "plan again, look, and run it again")
