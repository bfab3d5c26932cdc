"""What pipeline.yaml may say, as one schema: it checks, it translates to AWS's names, it is published for editors.

The keys that are settings of Lambda, with their types, limits, enumerations and patterns, are made from the
SDK's service model. The rest is ours and stands here.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Container, Iterable
from typing import Any

from pydantic_core import CoreSchema, PydanticCustomError, SchemaValidator
from pydantic_core import core_schema as core

from ci import service_model, settings
from ci.config import attachments, sites
from ci.config.values import Fields, expanding, field, fixed, mapping, of_shape, or_empty, size, text, whole
from ci.model import SLIM, Packaging
from ci.service_model import Shape
from ci.since import LENGTH, length

NAME = r"[A-Za-z0-9][A-Za-z0-9_-]*"
"""Project, functions and stages: safe as AWS's names, as file names and on a command line."""
FUNCTION_NAME_LIMIT = 64
"""https://docs.aws.amazon.com/lambda/latest/api/API_CreateFunction.html (FunctionName)"""
LAYERS_LIMIT = 5
"""https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html"""
CANARY_LIMIT = 2700
"""Seconds. The credentials of a job last for an hour, and when they have expired nothing can be taken back."""
ALARMS_LIMIT, ALARM_NAME_LIMIT = 100, 255
"""https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DescribeAlarms.html"""
REGION = r"[a-z]{2,5}(-[a-z]+)+-[0-9]+"
BUCKET = r"(?:[a-z0-9.-]|\{region\}){3,63}"
"""https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html"""

_BUILD_NEEDS = frozenset({"Runtime", "Architectures", "Handler"})
"""Settings that decide what is built: nothing in them is expanded."""


@functools.cache
def document(required: bool = True) -> SchemaValidator:
    """Checks and translates the whole of pipeline.yaml. Without ``required``, its own keys may be missing."""
    return SchemaValidator(document_schema(required))


@functools.cache
def settings_only() -> SchemaValidator:
    """Checks complete settings in AWS's own shape, nothing left to expand."""
    return SchemaValidator(mapping(_settings(False)))


@functools.cache
def document_schema(required: bool = True) -> CoreSchema:
    """The schema behind ``document``."""
    stage: Fields = {
        "alias": field(text(service_model.shape("Alias")), required),
        "from": field(core.str_schema()),
        "rollout": field(mapping(_rollout())),
        **_sites(),
    }
    name = core.str_schema(pattern=whole(NAME), max_length=FUNCTION_NAME_LIMIT)
    function = _function()
    document = mapping(
        {
            "project": field(name, required),
            "region": field(core.str_schema(pattern=whole(REGION))),
            "name": field(core.str_schema(min_length=1)),
            "stages": field(core.dict_schema(name, mapping(stage), min_length=1), required),
            "defaults": field(mapping({key: field for key, field in function.items() if key != "source"})),
            "functions": field(or_empty(core.dict_schema(name, mapping(function))), required),
        },
    )
    return core.definitions_schema(document, _definitions())


@functools.cache
def _definitions() -> list[CoreSchema]:
    """What is said at several places."""
    return attachments.definitions()


def _sites() -> Fields:
    """Where a stage is. What a function has there instead comes out under AWS's names."""
    region, role = core.str_schema(pattern=whole(REGION)), text(service_model.shape("RoleArn"))
    name = core.str_schema(pattern=whole(NAME), max_length=FUNCTION_NAME_LIMIT)
    own = _settings(False, sites.BOUND)
    settings_there: Fields = {
        "defaults": field(mapping(own)),
        "functions": field(core.dict_schema(name, mapping(own))),
    }
    regions = core.dict_schema(region, or_empty(mapping(settings_there)), min_length=1)

    def by_name(value: Any) -> Any:
        listed = isinstance(value, list) and all(isinstance(each, str) for each in value)
        return dict.fromkeys(value) if listed else value

    either = core.union_schema([core.list_schema(region, min_length=1), regions])
    return {
        "region": field(region),
        "regions": field(core.no_info_before_validator_function(by_name, regions, json_schema_input_schema=either)),
        "role": field(role),
        "plan_role": field(role),
        **settings_there,
    }


def _function() -> Fields:
    """The keys of a function. Those that are settings of Lambda come out under AWS's names."""
    environment = service_model.shape("EnvironmentVariables")
    path = core.str_schema(min_length=1)
    return _settings(True) | {
        "source": field(path),
        "include": field(core.list_schema(path)),
        "exclude": field(core.list_schema(core.str_schema(min_length=1))),
        "requirements": field(path),
        "packaging": field(mapping(_packaging())),
        "hooks": field(mapping(_hooks())),
        "environment": field(
            core.dict_schema(text(service_model.shape(environment.key or "")), expanding(core.str_schema()))
        ),
        "tags": field(of_shape(service_model.shape("Tags"))),
        "concurrency": field(of_shape(service_model.shape("ReservedConcurrentExecutions"))),
        "smoke": field(mapping({key: field(core.any_schema(), required=True) for key in ("event", "expect")})),
        "retain": field(core.int_schema(ge=1)),
        "max_size": field(size()),
        **attachments.fields(),
        "log_retention": field(attachments.retention()),
        "stages": field(
            core.dict_schema(
                core.str_schema(pattern=whole(NAME), max_length=FUNCTION_NAME_LIMIT), mapping(attachments.fields())
            )
        ),
    }


def _packaging() -> Fields:
    names = core.list_schema(core.str_schema(min_length=1))
    sources = core.list_schema(core.literal_schema(list(Packaging.binaries)), min_length=1)
    return {
        "groups": field(names),
        "extras": field(names),
        "binaries": field(sources),
        "allow": field(names),
        "slim": field(core.no_info_before_validator_function(
            lambda said: [*(SLIM if said else ())] if isinstance(said, bool) else said,
            core.list_schema(core.literal_schema(list(SLIM))),
            json_schema_input_schema=core.union_schema(
                [core.bool_schema(), core.list_schema(core.literal_schema(list(SLIM)))]
            ),
        )),
        "provided": field(core.bool_schema()),
        "layer": field(core.str_schema(pattern=whole(NAME), max_length=FUNCTION_NAME_LIMIT)),
        "bucket": field(core.str_schema(pattern=whole(BUCKET))),
    }


def _rollout() -> Fields:
    """A canary: https://docs.aws.amazon.com/lambda/latest/dg/configuring-alias-routing.html; or CodeDeploy.

    Which keys belong together is looked at where a stage is made of them.
    """
    percent = re.compile(r"([1-9][0-9]?)%")

    def share(value: Any) -> Any:
        found = percent.fullmatch(value) if isinstance(value, str) else None
        if not found:
            raise PydanticCustomError("percent", "")
        return int(found[1])

    def seconds(value: Any) -> Any:
        found = length(value) if isinstance(value, str) else None
        if found is None or not 0 < found.total_seconds() <= CANARY_LIMIT:
            raise PydanticCustomError("length", "", {"limit": CANARY_LIMIT // 60})
        return int(found.total_seconds())

    def read(check: Callable[[Any], Any], pattern: str) -> CoreSchema:
        said = core.str_schema(pattern=whole(pattern))
        return core.no_info_before_validator_function(check, core.int_schema(), json_schema_input_schema=said)

    alarm = core.str_schema(min_length=1, max_length=ALARM_NAME_LIMIT)
    return {
        "canary": field(read(share, percent.pattern)),
        "for": field(read(seconds, LENGTH)),
        "codedeploy": field(text(service_model.shape("DeploymentConfigName", "codedeploy"))),
        "role": field(text(service_model.shape("RoleArn"))),
        "alarms": field(core.list_schema(alarm, max_length=ALARMS_LIMIT)),
    }


def _hooks() -> Fields:
    command = core.str_schema(min_length=1)
    return {"build": field(command), "deploy": field(command), "timeout": field(core.int_schema(ge=1, le=3600))}


def is_setting(key: str) -> bool:
    """Whether ``key``, of a function that was checked, is a member of CreateFunction; ours are in lower case."""
    return key[0].isupper()


def keys(path: Iterable[str | int]) -> tuple[str, ...]:
    """The keys that the mapping at ``path`` of pipeline.yaml may have."""
    schema: Any = document_schema()
    for part in path:
        schema = _bare(schema)
        match schema["type"]:
            case "typed-dict":
                schema = next((each["schema"] for name, each in _fields(schema) if name == part), core.any_schema())
            case "dict":
                schema = schema["values_schema"]
            case "list":
                schema = schema["items_schema"]
    schema = _bare(schema)
    return tuple(name for name, _ in _fields(schema)) if schema["type"] == "typed-dict" else ()


def _bare(schema: Any) -> Any:
    """``schema`` without the functions around it, or what it refers to."""
    while schema["type"].startswith(("function-", "definition")):
        if schema["type"] == "definition-ref":
            schema = next(each for each in _definitions() if each.get("ref") == schema["schema_ref"])
        else:
            schema = schema["schema"]
    return schema


def _fields(schema: Any) -> list[tuple[str, Any]]:
    return [(field.get("validation_alias") or name, field) for name, field in schema["fields"].items()]


def _settings(expandable: bool, only: Container[str] | None = None) -> Fields:
    fields = {}
    for member, shape in service_model.members("CreateFunction").items():
        if member not in settings.NOT_SETTINGS and (only is None or member in only):
            fields[member] = field(_setting(member, shape, expandable), alias=settings.key_of(member))
    return fields


def _setting(member: str, shape: Shape, expandable: bool) -> CoreSchema:
    if member == "Runtime":
        return fixed(core.literal_schema(list(service_model.python_runtimes())))
    if member in _BUILD_NEEDS:
        return fixed(of_shape(shape))
    if member == "Description":
        return expanding(core.str_schema(max_length=settings.DESCRIPTION_LIMIT), expandable)
    if member == "Layers":
        return core.list_schema(of_shape(service_model.shape(shape.member or ""), expandable), max_length=LAYERS_LIMIT)
    return of_shape(shape, expandable)
