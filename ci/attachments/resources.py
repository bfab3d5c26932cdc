"""Which resources of AWS an attachment takes, in AWS's shape, how they are named and recognised. Pure.

A schedule is a rule of EventBridge, not of EventBridge Scheduler: a rule may call a function by the function's own
policy, where Scheduler needs a role to assume for each.
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-run-lambda-schedule.html
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

from ci.model import Attachment, Settings

KINDS = ("mark", "permission", "url", "rule", "target", "event", "provisioned", "group", "retention")
"""In the order in which they are created; they are taken away in the opposite one."""

_READ_WITH = {"target": "rule", "group": "retention"}
"""Kinds that are read together with another."""

KEYS = ("url", "schedules", "events", "permissions", "provisioned_concurrency", "log_retention")
"""The keys of a function in pipeline.yaml that this is about."""

PREFIX = "dollop-"
"""How the names of our rules and statements begin."""

NAME_LIMIT = 24
"""Characters of an entry's name: a rule's name has 64 for it, the function and the alias."""

RETENTIONS = (
    *(1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653),
)
"""Days. https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html"""

Said = Mapping[str, Any]


def wanted(function: str, alias: str, log_group: str, said: Said) -> tuple[Attachment, ...]:
    """The resources that ``said``, the keys of pipeline.yaml for one stage, comes to, in the order of ``KINDS``."""
    found: list[Attachment] = []
    if "url" in said:
        found += _url(alias, said["url"])
    for name, entry in said.get("schedules", {}).items():
        found += _schedule(function, alias, name, entry)
    for name, entry in said.get("events", {}).items():
        found.append(_event(name, entry))
    for name, entry in said.get("permissions", {}).items():
        found.append(_permission(alias, "permissions", name, {"Action": "lambda:InvokeFunction"} | entry))
    if "provisioned_concurrency" in said:
        provisioned = {"ProvisionedConcurrentExecutions": said["provisioned_concurrency"]}
        found.append(Attachment("provisioned", "", "provisioned_concurrency", "", provisioned))
    if "log_retention" in said:
        found.append(Attachment("group", log_group, "log_retention", "", {}))
        days = {"RetentionInDays": said["log_retention"]}
        found.append(Attachment("retention", log_group, "log_retention", "", days))
    return tuple(sorted(found, key=lambda each: KINDS.index(each.kind)))


def _url(alias: str, said: Said) -> Iterable[Attachment]:
    """Without authentication, the alias's policy lets everybody in, by two statements:
    https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html"""
    yield Attachment("url", "", "url", "", url_settings(said))
    if said["AuthType"] == "NONE":
        address = {"Action": "lambda:InvokeFunctionUrl", "Principal": "*", "FunctionUrlAuthType": "NONE"}
        yield _permission(alias, "url", "address", address)
        function = {"Action": "lambda:InvokeFunction", "Principal": "*", "InvokedViaFunctionUrl": True}
        yield _permission(alias, "url", "function", function)


def url_settings(said: Said) -> dict[str, Any]:
    """With AWS's defaults: https://docs.aws.amazon.com/lambda/latest/api/API_CreateFunctionUrlConfig.html"""
    settings = {"AuthType": said["AuthType"], "InvokeMode": "BUFFERED", "Cors": {}} | dict(said)
    return {**settings, "Cors": {key: value for key, value in settings["Cors"].items() if value}}


def _schedule(function: str, alias: str, name: str, said: Said) -> Iterable[Attachment]:
    prefix = rule_prefix(function, alias)
    rule = {"ScheduleExpression": said["ScheduleExpression"], "State": said.get("State", "ENABLED")}
    yield Attachment("rule", f"{prefix}{name}", "schedules", name, rule)
    text = json.dumps(said["Input"]) if "Input" in said else ""
    yield Attachment("target", f"{prefix}{name}", "schedules", name, {"Input": text})
    rule_may = {"Action": "lambda:InvokeFunction", "Principal": "events.amazonaws.com"}
    yield _permission(alias, "schedules", name, rule_may)


def _event(name: str, said: Said) -> Attachment:
    """What UpdateEventSourceMapping does not take makes another mapping: it is part of what tells them apart."""
    settings = event_settings(said)
    fixed = {key: value for key, value in said.items() if key in _FIXED}
    return Attachment("event", f"{name}-{digest(fixed)}", "events", name, settings)


_FIXED = frozenset(
    {
        *("EventSourceArn", "StartingPosition", "StartingPositionTimestamp", "Topics", "Queues"),
        "SelfManagedEventSource",
    }
)
"""What only CreateEventSourceMapping takes."""

_EVENT_DEFAULTS: dict[str, dict[str, Any]] = {
    "": {"Enabled": True, "FilterCriteria": {}, "MaximumBatchingWindowInSeconds": 0, "FunctionResponseTypes": []},
    "sqs": {"BatchSize": 10, "ScalingConfig": {}},
    "kinesis": {
        "BatchSize": 100,
        "ParallelizationFactor": 1,
        "MaximumRecordAgeInSeconds": -1,
        "MaximumRetryAttempts": -1,
        "BisectBatchOnFunctionError": False,
        "TumblingWindowInSeconds": 0,
        "DestinationConfig": {},
    },
}
_EVENT_DEFAULTS["dynamodb"] = _EVENT_DEFAULTS["kinesis"]
"""By the service in the source's ARN. What is not here is managed only where it is said.
https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-parameters.html
https://docs.aws.amazon.com/lambda/latest/dg/services-kinesis-parameters.html
https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-params.html"""


def service(settings: Settings) -> str:
    """The service in the ARN of an event source: ``sqs``."""
    parts = str(settings.get("EventSourceArn", "")).split(":")
    return parts[2] if len(parts) > 2 else ""


def event_defaults(said: Said) -> dict[str, Any]:
    """What AWS takes for a source of that kind where nothing is said."""
    kind = service(said)
    return _EVENT_DEFAULTS[""] | _EVENT_DEFAULTS[kind] if kind in _EVENT_DEFAULTS else {}


def event_settings(said: Said) -> dict[str, Any]:
    """With AWS's defaults for what is not said; empty where AWS has nothing."""
    settings = event_defaults(said) | {key: value for key, value in said.items() if value is not None}
    if destination := settings.get("DestinationConfig"):
        said_of_it = {side: where for side, where in destination.items() if where and where.get("Destination")}
        settings["DestinationConfig"] = said_of_it
    if (criteria := settings.get("FilterCriteria")) and not criteria.get("Filters"):
        settings["FilterCriteria"] = {}
    return settings


def is_fixed(member: str) -> bool:
    """Whether a mapping keeps ``member`` for as long as it lives."""
    return member in _FIXED


def _permission(alias: str, key: str, name: str, said: Settings) -> Attachment:
    """A statement cannot be changed, only replaced: its id tells its content, and the new one comes before the old
    one goes."""
    statement = f"{PREFIX}{key}-{name}-{digest([alias, said])}"
    return Attachment("permission", statement, key, "" if key == "url" else name, said)


_CONDITIONS = {
    "aws:sourcearn": "SourceArn",
    "aws:sourceaccount": "SourceAccount",
    "aws:principalorgid": "PrincipalOrgID",
    "lambda:eventsourcetoken": "EventSourceToken",
    "lambda:functionurlauthtype": "FunctionUrlAuthType",
    "lambda:invokedviafunctionurl": "InvokedViaFunctionUrl",
}


def permission_settings(statement: Mapping[str, Any]) -> dict[str, Any]:
    """What AddPermission was given, of the statement that it made: what it takes to make it again.

    https://docs.aws.amazon.com/lambda/latest/dg/permissions-granting-access.html
    """
    principal = statement["Principal"]
    said = {
        "Action": statement["Action"],
        "Principal": next(iter(principal.values())) if isinstance(principal, dict) else principal,
    }
    for conditions in (statement.get("Condition") or {}).values():
        said |= {_CONDITIONS[key.lower()]: value for key, value in conditions.items() if key.lower() in _CONDITIONS}
    if "InvokedViaFunctionUrl" in said:
        said["InvokedViaFunctionUrl"] = str(said["InvokedViaFunctionUrl"]).lower() == "true"
    return said


def entry_of(statement: str) -> tuple[str, str] | None:
    """Key and name in pipeline.yaml of the statement with the id ``statement``; None where it is not ours."""
    key, _, rest = statement.removeprefix(PREFIX).partition("-")
    name, _, digest = rest.rpartition("-")
    ours = statement.startswith(PREFIX) and key in KEYS and name and len(digest) == _DIGEST
    return (key, "" if key == "url" else name) if ours else None


def rule_prefix(function: str, alias: str) -> str:
    """How the names of all rules of one alias begin. The digest keeps two functions of similar names apart."""
    return f"{PREFIX}{function[:20]}-{digest([function, alias])}-"


_DIGEST = 8
"""Characters of hex."""


def digest(content: Any) -> str:
    """What tells contents apart in names, which have no room for more."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:_DIGEST]


def kinds(attachments: Iterable[Attachment]) -> frozenset[str]:
    """The kinds of ``attachments``, one for those that are read together: what a mark holds."""
    return frozenset(_READ_WITH.get(each.kind, each.kind) for each in attachments)
