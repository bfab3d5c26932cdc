"""Read-only: what AWS has around functions. Nothing is asked about a function that neither has nor wants anything."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from ci import service_model, settings
from ci.attachments import marks, resources
from ci.aws import Aws
from ci.errors import AbsentError, AwsError
from ci.model import Attachment, Function
from ci.model.live import Live, LiveFunction


@dataclass(frozen=True)
class Anchor:
    """An alias to which things are attached."""

    aws: Aws
    name: str
    """Of the function."""
    alias: str
    arn: str
    """Of the function."""
    log_group: str = ""

    @property
    def target(self) -> str:
        """What everything points at."""
        return f"{self.arn}:{self.alias}"


def around(aws: Aws, live: Live, functions: Iterable[Function]) -> Live:
    """``live`` with what the stage's alias has around it, where something is marked or wanted. Raises AwsError."""
    stage, alias = live.stage.name, live.stage.alias
    asked = (
        (function, alias, marks.kinds(found.tags, alias) | resources.kinds(function.attachments.get(stage, ())))
        for function, found in _there(live, functions)
    )
    return _with(aws, live, asked)


def all_around(aws: Aws, live: Live, functions: Iterable[Function]) -> Live:
    """``live`` with what every alias has around it. Raises AwsError."""
    asked = (
        (function, alias, marks.kinds(found.tags, alias))
        for function, found in _there(live, functions)
        for alias in marks.aliases(found.tags)
    )
    return _with(aws, live, asked)


def urls(aws: Aws, live: Live, functions: Iterable[Function]) -> Live:
    """``live`` with the URL of the stage's alias, where it has one of ours. Raises AwsError."""
    alias = live.stage.alias
    asked = (
        (function, alias, marks.kinds(found.tags, alias) & {"url"}) for function, found in _there(live, functions)
    )
    return _with(aws, live, asked)


def _there(live: Live, functions: Iterable[Function]) -> Iterator[tuple[Function, LiveFunction]]:
    for function in functions:
        if found := live.functions.get(function.name):
            yield function, found


def _with(aws: Aws, live: Live, asked: Iterable[tuple[Function, str, frozenset[str]]]) -> Live:
    """``live`` with what is ``asked``: of a function, an alias, and the kinds of resources around it."""
    wanted = [(function, alias, kinds) for function, alias, kinds in asked if kinds]
    if not wanted:
        return live

    def one(item: tuple[Function, str, frozenset[str]]) -> tuple[Attachment, ...]:
        function, alias, kinds = item
        found = live.functions[function.name]
        assert found is not None
        group = settings.log_group_of(function.aws_name, function.settings)
        return read(Anchor(aws, function.aws_name, alias, found.arn, group), kinds)

    answers = aws.each(f"reading around {live.stage.name}", one, wanted)
    attached: dict[str, dict[str, tuple[Attachment, ...]]] = {}
    for (function, alias, _), answer in zip(wanted, answers, strict=True):
        attached.setdefault(function.name, {})[alias] = answer
    known = {
        name: replace(found, attached=attached[name]) if found and name in attached else found
        for name, found in live.functions.items()
    }
    return replace(live, functions=known)


def read(anchor: Anchor, kinds: Iterable[str]) -> tuple[Attachment, ...]:
    """What of ``kinds`` is at ``anchor``; of the kinds of which there can be several, only what has our mark."""
    try:
        return tuple(found for kind in sorted(kinds) if kind in _READERS for found in _READERS[kind](anchor))
    except AwsError as error:
        raise error.about(anchor.name)


def _permissions(anchor: Anchor) -> Iterator[Attachment]:
    try:
        policy = anchor.aws.call("get_policy", FunctionName=anchor.name, Qualifier=anchor.alias)["Policy"]
    except AbsentError:
        return
    for statement in json.loads(policy)["Statement"]:
        if entry := resources.entry_of(statement.get("Sid", "")):
            said = resources.permission_settings(statement)
            yield Attachment("permission", statement["Sid"], *entry, said)


def _url(anchor: Anchor) -> Iterator[Attachment]:
    try:
        answer = anchor.aws.call("get_function_url_config", FunctionName=anchor.name, Qualifier=anchor.alias)
    except AbsentError:
        return
    members = ("AuthType", "InvokeMode", "Cors")
    said = {key: value for key, value in answer.items() if key in members}
    yield Attachment("url", "", "url", "", resources.url_settings(said), answer["FunctionUrl"])


def _schedules(anchor: Anchor) -> Iterator[Attachment]:
    prefix = resources.rule_prefix(anchor.name, anchor.alias)
    for page in anchor.aws.read("events", "list_rules", NamePrefix=prefix):
        for rule in page["Rules"]:
            name = rule["Name"].removeprefix(prefix)
            said = {"ScheduleExpression": rule.get("ScheduleExpression", ""), "State": rule["State"]}
            yield Attachment("rule", rule["Name"], "schedules", name, said)
            for answer in anchor.aws.read("events", "list_targets_by_rule", Rule=rule["Name"]):
                for target in answer["Targets"]:
                    if target["Id"] == marks.TAG and target["Arn"] == anchor.target:
                        yield Attachment("target", rule["Name"], "schedules", name, {"Input": target.get("Input", "")})


def _events(anchor: Anchor) -> Iterator[Attachment]:
    """Those of others too, which have no id: no second mapping can be made for the same source and alias."""
    members = service_model.members("CreateEventSourceMapping").keys() - {"Tags", "FunctionName"}
    try:
        listed = list(anchor.aws.pages("list_event_source_mappings", "EventSourceMappings", FunctionName=anchor.target))
    except AbsentError:
        return
    for item in listed:
        if item.get("State") == "Deleting":
            continue
        try:
            tags = anchor.aws.call("list_tags", Resource=_mapping_arn(anchor, item))["Tags"]
        except AbsentError:
            continue  # deleted since it was listed
        said = {key: _plain(value) for key, value in item.items() if key in members}
        said["Enabled"] = item.get("State") not in ("Disabled", "Disabling")
        id = tags.get(marks.TAG, "")
        found = resources.event_settings(said)
        yield Attachment("event", id, "events", id.rpartition("-")[0], found, item["UUID"])


def _mapping_arn(anchor: Anchor, item: Mapping[str, Any]) -> str:
    account = anchor.arn.rpartition(":function:")[0]
    return str(item.get("EventSourceMappingArn") or f"{account}:event-source-mapping:{item['UUID']}")


def _plain(value: Any) -> Any:
    return value.timestamp() if isinstance(value, datetime) else value


def _provisioned(anchor: Anchor) -> Iterator[Attachment]:
    try:
        answer = anchor.aws.call("get_provisioned_concurrency_config", FunctionName=anchor.name, Qualifier=anchor.alias)
    except AbsentError:
        return
    said = {"ProvisionedConcurrentExecutions": answer["RequestedProvisionedConcurrentExecutions"]}
    yield Attachment("provisioned", "", "provisioned_concurrency", "", said)


def _retention(anchor: Anchor) -> Iterator[Attachment]:
    for page in anchor.aws.read("logs", "describe_log_groups", logGroupNamePrefix=anchor.log_group):
        for group in page["logGroups"]:
            if group["logGroupName"] == anchor.log_group:
                yield Attachment("group", anchor.log_group, "log_retention", "", {})
                if days := group.get("retentionInDays"):
                    yield Attachment("retention", anchor.log_group, "log_retention", "", {"RetentionInDays": days})


_READERS: Mapping[str, Callable[[Anchor], Iterator[Attachment]]] = {
    "permission": _permissions,
    "url": _url,
    "rule": _schedules,
    "event": _events,
    "provisioned": _provisioned,
    "retention": _retention,
}
"""By the kinds that a mark holds."""
