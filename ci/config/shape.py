"""What pipeline.yaml may say, as one schema: it checks, it translates to AWS's names, it is published for editors.

The keys that are settings of Lambda, with their types, limits, enumerations and patterns, are made from the
SDK's service model. The rest is ours and stands here.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterable
from typing import Any

from pydantic_core import CoreSchema, PydanticCustomError, SchemaValidator
from pydantic_core import core_schema as core

from ci import service_model, settings
from ci.config import around, sites, template
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
SIZE = r"([0-9]{1,12}(?:\.[0-9]{1,12})?) ?(B|kB|KB|MB|GB)"
"""A size in SI units, as plans print it."""

_BUILD_NEEDS = frozenset({"Runtime", "Architectures", "Handler"})
"""Settings that decide what is built: nothing in them is expanded."""

Fields = dict[str, core.TypedDictField]


@functools.cache
def document(required: bool = True) -> SchemaValidator:
    """Checks and translates the whole of pipeline.yaml. Without ``required``, its own keys may be missing."""
    return SchemaValidator(document_schema(required))


@functools.cache
def settings_only() -> SchemaValidator:
    """Checks complete settings in AWS's own shape, nothing left to expand."""
    return SchemaValidator(_mapping(_settings(expandable=False)))


@functools.cache
def document_schema(required: bool = True) -> CoreSchema:
    """The schema behind ``document``."""
    stage: Fields = {
        "alias": _field(_text(service_model.shape("Alias")), required),
        "from": _field(core.str_schema()),
        "rollout": _field(_mapping(_rollout())),
        **_sites(),
    }
    name = core.str_schema(pattern=_whole(NAME), max_length=FUNCTION_NAME_LIMIT)
    function = _function()
    document = _mapping(
        {
            "project": _field(name, required),
            "region": _field(core.str_schema(pattern=_whole(REGION))),
            "name": _field(core.str_schema(min_length=1)),
            "stages": _field(core.dict_schema(name, _mapping(stage), min_length=1), required),
            "defaults": _field(_mapping({key: field for key, field in function.items() if key != "source"})),
            "functions": _field(_or_empty(core.dict_schema(name, _mapping(function))), required),
        },
    )
    return core.definitions_schema(document, _definitions())


@functools.cache
def _definitions() -> list[CoreSchema]:
    """What is said at several places."""
    return around.definitions(lambda each: _value(each, expandable=False), _mapping, _field, settings.snake_case)


def _sites() -> Fields:
    """Where a stage is. What a function has there instead comes out under AWS's names."""
    region, role = core.str_schema(pattern=_whole(REGION)), _text(service_model.shape("RoleArn"))
    name = core.str_schema(pattern=_whole(NAME), max_length=FUNCTION_NAME_LIMIT)
    own = {member: field for member, field in _settings(expandable=False).items() if member in sites.BOUND}
    settings_there: Fields = {
        "defaults": _field(_mapping(own)),
        "functions": _field(core.dict_schema(name, _mapping(own))),
    }
    regions = core.dict_schema(region, _or_empty(_mapping(settings_there)), min_length=1)

    def by_name(value: Any) -> Any:
        listed = isinstance(value, list) and all(isinstance(each, str) for each in value)
        return dict.fromkeys(value) if listed else value

    either = core.union_schema([core.list_schema(region, min_length=1), regions])
    return {
        "region": _field(region),
        "regions": _field(core.no_info_before_validator_function(by_name, regions, json_schema_input_schema=either)),
        "role": _field(role),
        "plan_role": _field(role),
        **settings_there,
    }


def _function() -> Fields:
    """The keys of a function. Those that are settings of Lambda come out under AWS's names."""
    environment = service_model.shape("EnvironmentVariables")
    path = core.str_schema(min_length=1)
    return _settings(expandable=True) | {
        "source": _field(path),
        "include": _field(core.list_schema(path)),
        "exclude": _field(core.list_schema(core.str_schema(min_length=1))),
        "requirements": _field(path),
        "packaging": _field(_mapping(_packaging())),
        "hooks": _field(_mapping(_hooks())),
        "environment": _field(
            core.dict_schema(_text(service_model.shape(environment.key or "")), _expandable(core.str_schema()))
        ),
        "tags": _field(_value(service_model.shape("Tags"), expandable=False)),
        "concurrency": _field(_value(service_model.shape("ReservedConcurrentExecutions"), expandable=False)),
        "smoke": _field(_mapping({key: _field(core.any_schema(), required=True) for key in ("event", "expect")})),
        "retain": _field(core.int_schema(ge=1)),
        "max_size": _field(_size()),
        **around.fields(_field),
        "log_retention": _field(around.retention()),
        "stages": _field(
            core.dict_schema(
                core.str_schema(pattern=_whole(NAME), max_length=FUNCTION_NAME_LIMIT), _mapping(around.fields(_field))
            )
        ),
    }


def _packaging() -> Fields:
    names = core.list_schema(core.str_schema(min_length=1))
    sources = core.list_schema(core.literal_schema(list(Packaging.binaries)), min_length=1)
    return {
        "groups": _field(names),
        "extras": _field(names),
        "binaries": _field(sources),
        "allow": _field(names),
        "slim": _field(core.no_info_before_validator_function(
            lambda said: [*(SLIM if said else ())] if isinstance(said, bool) else said,
            core.list_schema(core.literal_schema(list(SLIM))),
            json_schema_input_schema=core.union_schema(
                [core.bool_schema(), core.list_schema(core.literal_schema(list(SLIM)))]
            ),
        )),
        "provided": _field(core.bool_schema()),
        "layer": _field(core.str_schema(pattern=_whole(NAME), max_length=FUNCTION_NAME_LIMIT)),
        "bucket": _field(core.str_schema(pattern=_whole(BUCKET))),
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
        said = core.str_schema(pattern=_whole(pattern))
        return core.no_info_before_validator_function(check, core.int_schema(), json_schema_input_schema=said)

    alarm = core.str_schema(min_length=1, max_length=ALARM_NAME_LIMIT)
    return {
        "canary": _field(read(share, percent.pattern)),
        "for": _field(read(seconds, LENGTH)),
        "codedeploy": _field(_text(service_model.shape("DeploymentConfigName", "codedeploy"))),
        "role": _field(_text(service_model.shape("RoleArn"))),
        "alarms": _field(core.list_schema(alarm, max_length=ALARMS_LIMIT)),
    }


def _hooks() -> Fields:
    command = core.str_schema(min_length=1)
    return {"build": _field(command), "deploy": _field(command), "timeout": _field(core.int_schema(ge=1, le=3600))}


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


def _settings(expandable: bool) -> Fields:
    fields = {}
    for member, shape in service_model.members("CreateFunction").items():
        if member not in settings.NOT_SETTINGS:
            fields[member] = _field(_setting(member, shape, expandable), alias=settings.key_of(member))
    return fields


def _setting(member: str, shape: Shape, expandable: bool) -> CoreSchema:
    if member == "Runtime":
        return _fixed(core.literal_schema(list(service_model.python_runtimes())))
    if member in _BUILD_NEEDS:
        return _fixed(_value(shape, expandable=False))
    if member == "Description":
        return _expandable(core.str_schema(max_length=settings.DESCRIPTION_LIMIT), expandable)
    if member == "Layers":
        return core.list_schema(_value(service_model.shape(shape.member or ""), expandable), max_length=LAYERS_LIMIT)
    return _value(shape, expandable)


def _value(shape: Shape, expandable: bool) -> CoreSchema:
    """The schema of a value of ``shape``."""
    low, high = shape.min, shape.max
    match shape.type:
        case "string":
            return _expandable(_text(shape), expandable)
        case "boolean":
            return core.bool_schema()
        case "integer" | "long":
            return core.int_schema(ge=None if low is None else int(low), le=None if high is None else int(high))
        case "float" | "double" | "timestamp":
            return core.float_schema(ge=low, le=high, allow_inf_nan=False)
        case "list":
            item = service_model.shape(shape.member or "")
            items = core.list_schema(_value(item, expandable), min_length=_int(low), max_length=_int(high))
            return _or_alone(items, _value(item, expandable), lambda one: [one]) if high == 1 and item.scalar else items
        case "map":
            key, value = service_model.shape(shape.key or ""), service_model.shape(shape.value or "")
            return core.dict_schema(_text(key), _value(value, expandable))
        case "structure":
            return _structure(shape, expandable)
    raise NotImplementedError(f"a setting of the type {shape.type}")


def _structure(shape: Shape, expandable: bool) -> CoreSchema:
    """A mapping. One with a single scalar member may be said as that member's value: ``tracing: Active``."""
    members = {member: service_model.shape(name) for member, name in (shape.members or {}).items()}
    fields = {
        member: _field(_value(each, expandable), member in shape.required, settings.snake_case(member))
        for member, each in members.items()
    }
    only = next(iter(members))
    if len(members) > 1 or not members[only].scalar:
        return _mapping(fields)
    alias = settings.snake_case(only)
    return _or_alone(_mapping(fields), _value(members[only], expandable), lambda one: {alias: one})


def _or_empty(schema: CoreSchema) -> CoreSchema:
    """The mapping ``schema``, where a key whose every entry is commented out is an empty mapping."""
    return core.no_info_before_validator_function(
        lambda value: {} if value is None else value, schema, json_schema_input_schema=core.nullable_schema(schema)
    )


def _or_alone(schema: CoreSchema, alone: CoreSchema, wrap: Callable[[Any], Any]) -> CoreSchema:
    """``schema``, where a single value of the schema ``alone`` may stand for ``wrap`` of it."""

    def wrapped(value: Any) -> Any:
        return value if isinstance(value, dict | list) or value is None else wrap(value)

    either = core.union_schema([alone, schema])
    return core.no_info_before_validator_function(wrapped, schema, json_schema_input_schema=either)


def _text(shape: Shape) -> CoreSchema:
    if shape.enum:
        return core.literal_schema(list(shape.enum))
    pattern = None if shape.pattern is None else _whole(shape.pattern)
    around = pattern is not None and re.search(r"\(\?<?[=!]", pattern)  # what the faster engine does not know
    return core.str_schema(
        pattern=pattern,
        min_length=_int(shape.min) or None,
        max_length=_int(shape.max),
        regex_engine="python-re" if around else None,
    )


def _expandable(schema: CoreSchema, expandable: bool = True) -> CoreSchema:
    """``schema``, where a text with ``${...}`` passes as a template and is checked once it is filled in."""
    if not expandable:
        return schema

    def check(value: Any, handler: core.ValidatorFunctionWrapHandler) -> Any:
        if not isinstance(value, str) or not template.holds(value):
            return handler(value)
        if not template.well_formed(value):
            raise PydanticCustomError("template", "")
        return template.Template(str(value), getattr(value, "line", 0))

    either = core.union_schema([schema, core.str_schema(pattern=r"\$\{")])
    return core.no_info_wrap_validator_function(check, schema, json_schema_input_schema=either)


def _fixed(schema: CoreSchema) -> CoreSchema:
    """``schema``, where ``${...}`` is refused: the value is needed before anything is expanded."""

    def check(value: Any) -> Any:
        if isinstance(value, str) and template.holds(value):
            raise PydanticCustomError("fixed", "")
        return value

    return core.no_info_before_validator_function(check, schema, json_schema_input_schema=schema)


def _size() -> CoreSchema:
    units = {"B": 1, "kB": 10**3, "KB": 10**3, "MB": 10**6, "GB": 10**9}

    def in_bytes(value: Any) -> Any:
        if not isinstance(value, str):
            return value
        found = re.fullmatch(SIZE, value)
        if not found:
            raise PydanticCustomError("size", "")
        return round(float(found[1]) * units[found[2]])

    either = core.union_schema([core.int_schema(ge=1), core.str_schema(pattern=_whole(SIZE))])
    return core.no_info_before_validator_function(in_bytes, core.int_schema(ge=1), json_schema_input_schema=either)


def _mapping(fields: Fields) -> CoreSchema:
    return core.typed_dict_schema(
        fields, extra_behavior="forbid", total=False, config=core.CoreConfig(strict=True, hide_input_in_errors=True)
    )


def _field(schema: CoreSchema, required: bool = False, alias: str | None = None) -> core.TypedDictField:
    return core.typed_dict_field(schema, required=required, validation_alias=alias)


def _whole(pattern: str) -> str:
    """``pattern`` for all of a text: it may not end in a line break that nobody sees."""
    return rf"^(?:{pattern})$"


def _int(number: float | None) -> int | None:
    return None if number is None else int(number)
