"""What pipeline.yaml may say of what a function has around it. Fields, limits and enumerations are the SDK's own."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from pydantic_core import CoreSchema
from pydantic_core import core_schema as core

from ci import service_model
from ci.attachments import resources
from ci.config import template
from ci.config.values import Fields, field, mapping, of_shape, or_alone
from ci.settings import leaves, snake_case

NAME = r"[A-Za-z0-9][A-Za-z0-9_]*(-[A-Za-z0-9_]+)*"

_ALIAS = frozenset({"FunctionName", "Qualifier"})
"""What says where a thing is attached: the pipeline fills it in."""


def fields() -> Fields:
    """The keys that may be said of a function, and of it in one stage: a reference to the schema of each."""
    return {key: field(core.definition_reference_schema(key)) for key in _KEYS}


_KEYS = ("url", "schedules", "events", "permissions", "provisioned_concurrency")


def definitions() -> list[CoreSchema]:
    """What ``fields`` refers to."""
    name = core.str_schema(pattern=rf"^(?:{NAME})$", max_length=resources.NAME_LIMIT)

    def taken(operation: str, without: Collection[str] = (), optional: Collection[str] = ()) -> CoreSchema:
        required = set(service_model.request(operation).required) - set(optional)
        members = service_model.members(operation)
        return mapping(
            {
                member: field(of_shape(shape), member in required, snake_case(member))
                for member, shape in members.items()
                if member not in _ALIAS and member not in without
            }
        )

    expression = service_model.shape("ScheduleExpression", "events")
    at = core.str_schema(pattern=r"^(?:(rate|cron)\(.+\))$", max_length=int(expression.max or 0))
    schedule = mapping(
        {
            "ScheduleExpression": field(at, True, "schedule_expression"),
            "State": field(core.literal_schema(["ENABLED", "DISABLED"]), False, "state"),
            "Input": field(core.any_schema(), False, "input"),
        }
    )
    permission = taken("AddPermission", without=("StatementId", "RevisionId"), optional=("Action",))
    provisioned = service_model.shape("PositiveInteger")
    schemas: list[Any] = [
        taken("CreateFunctionUrlConfig"),
        core.dict_schema(name, or_alone(schedule, at, lambda one: {"schedule_expression": one})),
        core.dict_schema(name, taken("CreateEventSourceMapping", without=("Tags",))),
        core.dict_schema(name, permission),
        of_shape(provisioned),
    ]
    return [{**schema, "ref": key} for key, schema in zip(_KEYS, schemas, strict=True)]


def retention() -> CoreSchema:
    """Days for which logs are kept."""
    return core.literal_schema(list(resources.RETENTIONS))


_BY_NAME = ("schedules", "events", "permissions")


def of_stage(said: Mapping[str, Any], stage: str) -> dict[str, Any]:
    """What ``said``, a function that was checked, has around it in ``stage``: its own keys, and over them those that
    it says of the stage."""
    own = {key: said[key] for key in resources.KEYS if key in said}
    there: dict[str, Any] = said.get("stages", {}).get(stage, {})
    named = {key: own.get(key, {}) | there.get(key, {}) for key in _BY_NAME if key in own or key in there}
    return own | there | named


def problems(said: Mapping[str, Any]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """What no single value tells: a reference where none is filled in, what AWS would refuse. What, and where."""
    for key in _KEYS:
        for name, entry in said.get(key, {}).items() if key in _BY_NAME else [("", said.get(key))]:
            texts = (leaf for leaf in leaves(entry) if isinstance(leaf, str))
            if any(template.holds(text) and template.well_formed(text) for text in texts):
                yield "is taken as it stands: no ${...} is filled in here", tuple(filter(None, (key, name)))
    for name, entry in said.get("schedules", {}).items():
        limit = service_model.shape("TargetInput", "events").max or 0
        if "Input" in entry and len(json.dumps(entry["Input"])) > limit:
            yield f"takes more than {limit:.0f} characters as JSON", ("schedules", name, "input")
    for name, entry in said.get("events", {}).items():
        service = resources.service(entry)
        if not entry.get("EventSourceArn") and not entry.get("SelfManagedEventSource"):
            yield "is missing", ("events", name, "event_source_arn")
        elif service in ("kinesis", "dynamodb") and "StartingPosition" not in entry:
            # https://docs.aws.amazon.com/lambda/latest/api/API_CreateEventSourceMapping.html
            yield "is missing: a stream is read from somewhere", ("events", name, "starting_position")
