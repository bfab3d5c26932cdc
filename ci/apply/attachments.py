"""What an alias has around it: created, changed, taken away; and, should the release fail, all of that back again."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

from ci.attachments import marks, resources
from ci.apply.job import Job
from ci.errors import AbsentError, AwsError, DollopError, MovedError
from ci.live.attachments import Anchor, read
from ci.model import Attachment, Settings
from ci.plan.actions import Attach
from ci.plan.plan import FunctionPlan
from ci.plan.attachments import differing

_IN_USE = 60.0
"""Seconds until an event source mapping, which changes its state in its own time, can be changed again."""


class Attaching:
    """One release's part of it: what of it has begun, and its way back."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.begun: list[Begun] = []

    def run(self) -> None:
        """Of all functions first what comes or changes, then what goes: that is harder to bring back."""
        functions = [function for function in self.job.plan.functions if function.attach]
        self.job.each("attaching", lambda function: self._some(function, _coming(function)), functions)
        self.job.each("detaching", lambda function: self._some(function, _going(function)), functions)

    def _some(self, function: FunctionPlan, actions: Iterable[Attach]) -> None:
        for action in actions:
            self.begun.append(Begun(function, action))
            _attach(self.job, function, action)

    def take_back(self) -> dict[str, str]:
        """Undo what has begun, of each function the last first: a rule that has a target cannot be taken away.

        What could not be undone, and why.
        """
        left: dict[str, str] = {}
        functions: dict[str, list[Begun]] = {}
        for begun in reversed(self.begun):
            functions.setdefault(begun.function.label, []).append(begun)

        def one(those: list[Begun]) -> None:
            for begun in those:
                try:
                    _take_back(self.job, begun.function, begun.action)
                except DollopError as error:
                    left[str(begun)] = error.message

        self.job.each("putting back", one, functions.values())
        return left


def _coming(function: FunctionPlan) -> tuple[Attach, ...]:
    """All up to the first that takes something away; what follows that, the mark of what is left, has to wait."""
    return tuple(takewhile(lambda action: action.after is not None, function.attach))


def _going(function: FunctionPlan) -> tuple[Attach, ...]:
    return function.attach[len(_coming(function)):]


@dataclass(frozen=True)
class Begun:
    """An action that may have had its effect."""

    function: FunctionPlan
    action: Attach

    def __str__(self) -> str:
        about = self.action.about
        return f"{self.function.label}: {about.kind} {about.name or self.action.alias}".rstrip()


def _attach(job: Job, function: FunctionPlan, action: Attach) -> None:
    """One write. What is there already, by a call of ours whose answer was lost, is as good. Raises AwsError."""
    anchor = _anchor(job, function, action)
    try:
        if action.after is None:
            _write(anchor, action)
        else:
            anchor.aws.appeared(lambda: _write(anchor, action))
    except MovedError:
        if not _is_there(anchor, action):
            raise
    except AbsentError as error:
        if action.after is not None:
            what = f"{error.message}: live moved under the plan"
            raise MovedError(what, "plan again, look, and deploy again") from error
    about = action.about
    if about.kind != "mark":
        job.log(f"{_verb(action)} {about.kind}", function, entry=f"{about.key}.{about.name}".rstrip("."))


def _take_back(job: Job, function: FunctionPlan, action: Attach) -> None:
    """Undo ``action``, whether it has happened or not."""
    anchor = _anchor(job, function, action)
    back = action.reversed()
    if action.about.kind != "mark":
        key = (action.about.kind, action.about.id)
        there = next((one for one in read(anchor, resources.kinds([action.about])) if (one.kind, one.id) == key), None)
        if there is None and action.before is None:
            return
        back = Attach(action.alias, there, action.before)
    try:
        _write(anchor, back, again=("ResourceInUseException", "ResourceConflictException"))
    except AbsentError:
        if back.after is not None:
            raise


def _verb(action: Attach) -> str:
    return "removed" if action.after is None else "created" if action.before is None else "updated"


def _anchor(job: Job, function: FunctionPlan, action: Attach) -> Anchor:
    group = action.about.id if action.about.kind in ("group", "retention") else ""
    return Anchor(job.aws(function), function.aws_name, action.alias, job.arn(function), group)


def _is_there(anchor: Anchor, action: Attach) -> bool:
    wanted = action.after
    found = read(anchor, resources.kinds([action.about]))
    same = (each for each in found if wanted and (each.kind, each.id) == (wanted.kind, wanted.id))
    return any(
        wanted and (wanted.kind == "permission" or not differing(each.settings, wanted.settings)) for each in same
    )


def _write(anchor: Anchor, action: Attach, again: Sequence[str] = ("ResourceInUseException",)) -> None:
    """An event source mapping that is being changed, or, on the way back, still being deleted, is waited for."""
    deadline = time.monotonic() + _IN_USE
    while True:
        if anchor.aws.interrupted.is_set():
            raise KeyboardInterrupt
        try:
            return _WRITERS[action.about.kind](anchor, action.before, action.after)
        except AwsError as error:
            waits = action.about.kind == "event" and error.code in again
            if not waits or time.monotonic() > deadline:
                raise error.about(anchor.name)
        anchor.aws.interrupted.wait(1)


# ---------------------------------------------------------------- one writer a kind

Before = Attachment | None
After = Attachment | None


def _mark(anchor: Anchor, before: Before, after: After) -> None:
    key = marks.key(anchor.alias)
    if after:
        anchor.aws.call("tag_resource", Resource=anchor.arn, Tags={key: after.settings["Value"]})
    else:
        anchor.aws.call("untag_resource", Resource=anchor.arn, TagKeys=[key])


def _permission(anchor: Anchor, before: Before, after: After) -> None:
    at = {"FunctionName": anchor.name, "Qualifier": anchor.alias}
    if after and not before:
        source = {"SourceArn": _rule_arn(anchor, after.name)} if after.key == "schedules" else {}
        anchor.aws.call("add_permission", **at, StatementId=after.id, **{**after.settings, **source})
    elif before and not after:
        anchor.aws.call("remove_permission", **at, StatementId=before.id)


def _rule_arn(anchor: Anchor, schedule: str) -> str:
    _, partition, _, region, account, *_ = anchor.arn.split(":")
    name = f"{resources.rule_prefix(anchor.name, anchor.alias)}{schedule}"
    return f"arn:{partition}:events:{region}:{account}:rule/{name}"


def _url(anchor: Anchor, before: Before, after: After) -> None:
    at = {"FunctionName": anchor.name, "Qualifier": anchor.alias}
    if after and before:
        anchor.aws.call("update_function_url_config", **at, **after.settings)
    elif after:
        anchor.aws.call("create_function_url_config", **at, **_without_empty(after.settings))
    else:
        anchor.aws.call("delete_function_url_config", **at)


def _rule(anchor: Anchor, before: Before, after: After) -> None:
    if after:
        anchor.aws.ask("events", "put_rule", Name=after.id, **after.settings)
    elif before:
        anchor.aws.ask("events", "delete_rule", Name=before.id)


def _target(anchor: Anchor, before: Before, after: After) -> None:
    answer: Mapping[str, Any] = {}
    if after:
        target = {"Id": marks.TAG, "Arn": anchor.target, **_without_empty(after.settings)}
        answer = anchor.aws.ask("events", "put_targets", Rule=after.id, Targets=[target])
    elif before:
        answer = anchor.aws.ask("events", "remove_targets", Rule=before.id, Ids=[marks.TAG])
    for failed in answer.get("FailedEntries", ()):
        raise AwsError(f"{anchor.name}: PutTargets: {failed.get('ErrorMessage')}", code=failed.get("ErrorCode", ""))


def _event(anchor: Anchor, before: Before, after: After) -> None:
    """Not every source takes every member: what is as it was, or as AWS has it by itself, is not sent."""
    if after and before:
        said = {key: after.settings[key] for key in differing(before.settings, after.settings)}
        if said.get("DestinationConfig") == {}:
            said["DestinationConfig"] = {"OnFailure": {"Destination": ""}}
        if said:
            anchor.aws.call("update_event_source_mapping", UUID=before.reference, **said)
    elif after:
        defaults = resources.event_defaults(after.settings)
        said = {key: value for key, value in after.settings.items() if key not in defaults or value != defaults[key]}
        tags = {marks.TAG: after.id}
        anchor.aws.call("create_event_source_mapping", FunctionName=anchor.target, Tags=tags, **said)
    elif before:
        anchor.aws.call("delete_event_source_mapping", UUID=before.reference)


def _provisioned(anchor: Anchor, before: Before, after: After) -> None:
    at = {"FunctionName": anchor.name, "Qualifier": anchor.alias}
    if after:
        anchor.aws.call("put_provisioned_concurrency_config", **at, **after.settings)
    else:
        anchor.aws.call("delete_provisioned_concurrency_config", **at)


def _group(anchor: Anchor, before: Before, after: After) -> None:
    """Never taken away: logs outlive what wrote them."""
    if after and not before:
        try:
            anchor.aws.ask("logs", "create_log_group", logGroupName=after.id)
        except AwsError as error:
            if error.code != "ResourceAlreadyExistsException":
                raise


def _retention(anchor: Anchor, before: Before, after: After) -> None:
    if after:
        days = after.settings["RetentionInDays"]
        anchor.aws.ask("logs", "put_retention_policy", logGroupName=after.id, retentionInDays=days)
    elif before:
        anchor.aws.ask("logs", "delete_retention_policy", logGroupName=before.id)


def _without_empty(said: Settings) -> dict[str, Any]:
    return {key: value for key, value in said.items() if value not in ("", [], {})}


_WRITERS: Mapping[str, Callable[[Anchor, Before, After], None]] = {
    "mark": _mark,
    "permission": _permission,
    "url": _url,
    "rule": _rule,
    "target": _target,
    "event": _event,
    "provisioned": _provisioned,
    "group": _group,
    "retention": _retention,
}
