"""Values in pipeline.yaml, as schemas: those of the SDK's service model, and the few forms that ours have."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from pydantic_core import CoreSchema, PydanticCustomError
from pydantic_core import core_schema as core

from ci import service_model, settings
from ci.config import template
from ci.service_model import Shape

SIZE = r"([0-9]{1,12}(?:\.[0-9]{1,12})?) ?(B|kB|KB|MB|GB)"
"""A size in SI units, as plans print it."""

Fields = dict[str, core.TypedDictField]


def of_shape(shape: Shape, expandable: bool = False) -> CoreSchema:
    """A value of ``shape``; with ``expandable``, its texts may hold references."""
    low, high = shape.min, shape.max
    match shape.type:
        case "string":
            return expanding(text(shape), expandable)
        case "boolean":
            return core.bool_schema()
        case "integer" | "long":
            return core.int_schema(ge=None if low is None else int(low), le=None if high is None else int(high))
        case "float" | "double" | "timestamp":
            return core.float_schema(ge=low, le=high, allow_inf_nan=False)
        case "list":
            item = service_model.shape(shape.member or "")
            one = of_shape(item, expandable)
            items = core.list_schema(one, min_length=_int(low), max_length=_int(high))
            return or_alone(items, one, lambda alone: [alone]) if high == 1 and item.scalar else items
        case "map":
            key, value = service_model.shape(shape.key or ""), service_model.shape(shape.value or "")
            return core.dict_schema(text(key), of_shape(value, expandable))
        case "structure":
            return _structure(shape, expandable)
    raise NotImplementedError(f"a setting of the type {shape.type}")


def _structure(shape: Shape, expandable: bool) -> CoreSchema:
    """A mapping. One with a single scalar member may be said as that member's value: ``tracing: Active``."""
    members = {member: service_model.shape(name) for member, name in (shape.members or {}).items()}
    fields = {
        member: field(of_shape(each, expandable), member in shape.required, settings.snake_case(member))
        for member, each in members.items()
    }
    only = next(iter(members))
    if len(members) > 1 or not members[only].scalar:
        return mapping(fields)
    alias = settings.snake_case(only)
    return or_alone(mapping(fields), of_shape(members[only], expandable), lambda one: {alias: one})


def or_empty(schema: CoreSchema) -> CoreSchema:
    """The mapping ``schema``, where a key whose every entry is commented out is an empty mapping."""
    return core.no_info_before_validator_function(
        lambda value: {} if value is None else value, schema, json_schema_input_schema=core.nullable_schema(schema)
    )


def or_alone(schema: CoreSchema, alone: CoreSchema, wrap: Callable[[Any], Any]) -> CoreSchema:
    """``schema``, where a single value of the schema ``alone`` may stand for ``wrap`` of it."""

    def wrapped(value: Any) -> Any:
        return value if isinstance(value, dict | list) or value is None else wrap(value)

    either = core.union_schema([alone, schema])
    return core.no_info_before_validator_function(wrapped, schema, json_schema_input_schema=either)


def text(shape: Shape) -> CoreSchema:
    """The schema of a text of ``shape``: its limits, its pattern or its enumeration."""
    if shape.enum:
        return core.literal_schema(list(shape.enum))
    pattern = None if shape.pattern is None else whole(shape.pattern)
    around = pattern is not None and re.search(r"\(\?<?[=!]", pattern)  # what the faster engine does not know
    return core.str_schema(
        pattern=pattern,
        min_length=_int(shape.min) or None,
        max_length=_int(shape.max),
        regex_engine="python-re" if around else None,
    )


def expanding(schema: CoreSchema, expandable: bool = True) -> CoreSchema:
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


def fixed(schema: CoreSchema) -> CoreSchema:
    """``schema``, where ``${...}`` is refused: the value is needed before anything is expanded."""

    def check(value: Any) -> Any:
        if isinstance(value, str) and template.holds(value):
            raise PydanticCustomError("fixed", "")
        return value

    return core.no_info_before_validator_function(check, schema, json_schema_input_schema=schema)


def size() -> CoreSchema:
    """Bytes, or a size such as ``40 MB``."""
    units = {"B": 1, "kB": 10**3, "KB": 10**3, "MB": 10**6, "GB": 10**9}

    def in_bytes(value: Any) -> Any:
        if not isinstance(value, str):
            return value
        found = re.fullmatch(SIZE, value)
        if not found:
            raise PydanticCustomError("size", "")
        return round(float(found[1]) * units[found[2]])

    either = core.union_schema([core.int_schema(ge=1), core.str_schema(pattern=whole(SIZE))])
    return core.no_info_before_validator_function(in_bytes, core.int_schema(ge=1), json_schema_input_schema=either)


def mapping(fields: Fields) -> CoreSchema:
    """A mapping with no other keys than ``fields``."""
    return core.typed_dict_schema(
        fields, extra_behavior="forbid", total=False, config=core.CoreConfig(strict=True, hide_input_in_errors=True)
    )


def field(schema: CoreSchema, required: bool = False, alias: str | None = None) -> core.TypedDictField:
    """One key of a mapping; what comes out under its name goes by ``alias`` in pipeline.yaml."""
    return core.typed_dict_field(schema, required=required, validation_alias=alias)


def whole(pattern: str) -> str:
    """``pattern`` for all of a text: it may not end in a line break that nobody sees."""
    return rf"^(?:{pattern})$"


def _int(number: float | None) -> int | None:
    return None if number is None else int(number)
