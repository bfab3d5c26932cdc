"""What an alias has around it: created, changed, taken away; and, should the release fail, all of that back again."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

from ci import attachments
from ci.apply.job import Job
from ci.errors import AbsentError, AwsError, DollopError, MovedError
from ci.live.attached import Place, read
from ci.model import Attachment, Settings
from ci.plan.actions import Attach
from ci.plan.plan import FunctionPlan
from ci.plan.attach import differing

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
    place = _place(job, function, action)
    try:
        _write(place, action)
    except MovedError:
        if not _is_there(place, action):
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
    place = _place(job, function, action)
    back = action.reversed()
    if action.about.kind != "mark":
        key = (action.about.kind, action.about.id)
        there = next((one for one in read(place, attachments.kinds([action.about])) if (one.kind, one.id) == key), None)
        if there is None and action.before is None:
            return
        back = Attach(action.alias, there, action.before)
    try:
        _write(place, back, again=("ResourceInUseException", "ResourceConflictException"))
    except AbsentError:
        if back.after is not None:
            raise


def _verb(action: Attach) -> str:
    return "removed" if action.after is None else "created" if action.before is None else "updated"


def _place(job: Job, function: FunctionPlan, action: Attach) -> Place:
    group = action.about.id if action.about.kind in ("group", "retention") else ""
    return Place(job.aws(function), function.aws_name, action.alias, job.arn(function), group)


def _is_there(place: Place, action: Attach) -> bool:
    wanted = action.after
    found = read(place, attachments.kinds([action.about]))
    same = (each for each in found if wanted and (each.kind, each.id) == (wanted.kind, wanted.id))
    return any(
        wanted and (wanted.kind == "permission" or not differing(each.settings, wanted.settings)) for each in same
    )


def _write(place: Place, action: Attach, again: Sequence[str] = ("ResourceInUseException",)) -> None:
    """An event source mapping that is being changed, or, on the way back, still being deleted, is waited for."""
    deadline = time.monotonic() + _IN_USE
    while True:
        if place.aws.interrupted.is_set():
            raise KeyboardInterrupt
        try:
            return _WRITERS[action.about.kind](place, action.before, action.after)
        except AwsError as error:
            waits = action.about.kind == "event" and error.code in again
            if not waits or time.monotonic() > deadline:
                raise error.about(place.name)
        place.aws.interrupted.wait(1)


# ---------------------------------------------------------------- one writer a kind

Before = Attachment | None
After = Attachment | None


def _mark(place: Place, before: Before, after: After) -> None:
    key = attachments.mark_key(place.alias)
    if after:
        place.aws.call("tag_resource", Resource=place.arn, Tags={key: after.settings["Value"]})
    else:
        place.aws.call("untag_resource", Resource=place.arn, TagKeys=[key])


def _permission(place: Place, before: Before, after: After) -> None:
    at = {"FunctionName": place.name, "Qualifier": place.alias}
    if after and not before:
        source = {"SourceArn": _rule_arn(place, after.name)} if after.key == "schedules" else {}
        place.aws.call("add_permission", **at, StatementId=after.id, **{**after.settings, **source})
    elif before and not after:
        place.aws.call("remove_permission", **at, StatementId=before.id)


def _rule_arn(place: Place, schedule: str) -> str:
    _, partition, _, region, account, *_ = place.arn.split(":")
    name = f"{attachments.rule_prefix(place.name, place.alias)}{schedule}"
    return f"arn:{partition}:events:{region}:{account}:rule/{name}"


def _url(place: Place, before: Before, after: After) -> None:
    at = {"FunctionName": place.name, "Qualifier": place.alias}
    if after and before:
        place.aws.call("update_function_url_config", **at, **after.settings)
    elif after:
        place.aws.call("create_function_url_config", **at, **_without_empty(after.settings))
    else:
        place.aws.call("delete_function_url_config", **at)


def _rule(place: Place, before: Before, after: After) -> None:
    if after:
        place.aws.ask("events", "put_rule", Name=after.id, **after.settings)
    elif before:
        place.aws.ask("events", "delete_rule", Name=before.id)


def _target(place: Place, before: Before, after: After) -> None:
    answer: Mapping[str, Any] = {}
    if after:
        target = {"Id": attachments.TAG, "Arn": place.target, **_without_empty(after.settings)}
        answer = place.aws.ask("events", "put_targets", Rule=after.id, Targets=[target])
    elif before:
        answer = place.aws.ask("events", "remove_targets", Rule=before.id, Ids=[attachments.TAG])
    for failed in answer.get("FailedEntries", ()):
        raise AwsError(f"{place.name}: PutTargets: {failed.get('ErrorMessage')}", code=failed.get("ErrorCode", ""))


def _event(place: Place, before: Before, after: After) -> None:
    """Not every source takes every member: what is as it was, or as AWS has it by itself, is not sent."""
    if after and before:
        said = {key: after.settings[key] for key in differing(before.settings, after.settings)}
        if said.get("DestinationConfig") == {}:
            said["DestinationConfig"] = {"OnFailure": {"Destination": ""}}
        if said:
            place.aws.call("update_event_source_mapping", UUID=before.reference, **said)
    elif after:
        defaults = attachments.event_defaults(after.settings)
        said = {key: value for key, value in after.settings.items() if key not in defaults or value != defaults[key]}
        tags = {attachments.TAG: after.id}
        place.aws.call("create_event_source_mapping", FunctionName=place.target, Tags=tags, **said)
    elif before:
        place.aws.call("delete_event_source_mapping", UUID=before.reference)


def _provisioned(place: Place, before: Before, after: After) -> None:
    at = {"FunctionName": place.name, "Qualifier": place.alias}
    if after:
        place.aws.call("put_provisioned_concurrency_config", **at, **after.settings)
    else:
        place.aws.call("delete_provisioned_concurrency_config", **at)


def _group(place: Place, before: Before, after: After) -> None:
    """Never taken away: logs outlive what wrote them."""
    if after and not before:
        try:
            place.aws.ask("logs", "create_log_group", logGroupName=after.id)
        except AwsError as error:
            if error.code != "ResourceAlreadyExistsException":
                raise


def _retention(place: Place, before: Before, after: After) -> None:
    if after:
        days = after.settings["RetentionInDays"]
        place.aws.ask("logs", "put_retention_policy", logGroupName=after.id, retentionInDays=days)
    elif before:
        place.aws.ask("logs", "delete_retention_policy", logGroupName=before.id)


def _without_empty(said: Settings) -> dict[str, Any]:
    return {key: value for key, value in said.items() if value not in ("", [], {})}


_WRITERS: Mapping[str, Callable[[Place, Before, After], None]] = {
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
