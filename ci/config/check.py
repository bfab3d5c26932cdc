"""Plain values against the schema: what is sound comes out under AWS's names, what is wrong in words."""

from __future__ import annotations

from typing import Any

from pydantic_core import ErrorDetails, ValidationError

from ci.config import messages, shape
from ci.config.nodes import KeyPath

PROBLEM_LIMIT = 100
"""More than these are counted, not told: nobody reads them, and finding what was meant takes time for each."""


def document(value: Any) -> tuple[dict[str, Any], list[tuple[KeyPath, str]]]:
    """The sound part of the document ``value``, and each thing that is wrong with the rest: where, and what."""
    sound, errors = _validated(value, required=True)
    places = [(_place(error, value), error) for error in errors]
    told = places[:PROBLEM_LIMIT]
    wrong = [(path, messages.of(error, said, shape.keys(path[:-1]))) for (path, said), error in told]
    if len(places) > PROBLEM_LIMIT:
        wrong.append(((), f"and {len(places) - PROBLEM_LIMIT} more"))
    while errors:
        sound = _without({_mapping_of(error, value) for error in errors}, sound)
        sound, errors = _validated(sound, required=False)
    return sound, wrong


def setting(member: str, value: Any) -> list[str]:
    """What Lambda would not take of ``value``, in AWS's shape, as the member ``member`` of CreateFunction."""
    try:
        shape.settings_only().validate_python({member: value}, by_alias=False, by_name=True)
    except ValidationError as error:
        return [messages.of(each, "") for each in error.errors(include_url=False, include_input=False)]
    return []


def _validated(value: Any, required: bool) -> tuple[Any, list[ErrorDetails]]:
    try:
        return shape.document(required).validate_python(value), []
    except ValidationError as error:
        return value, error.errors(include_url=False, include_input=False)


def _place(error: ErrorDetails, value: Any) -> tuple[KeyPath, Any]:
    """Where ``error`` lies in ``value``, without the parts that the schema adds, and what is there."""
    path: KeyPath = ()
    for part in error["loc"]:
        if not (part in value if isinstance(value, dict) else isinstance(value, list) and isinstance(part, int)):
            return (*path, part) if error["type"] == "missing" else path, value
        value, path = value[part], (*path, part)
    return path, value


def _mapping_of(error: ErrorDetails, value: Any) -> KeyPath:
    """What has to go so that ``error`` goes: a whole list where it lies in one, the mapping that lacks a key."""
    path, _ = _place(error, value)
    index = next((index for index, part in enumerate(path) if isinstance(part, int)), None)
    if index is not None:
        return path[:index]
    return path[:-1] if error["type"] == "missing" else path


def _without(unsound: set[KeyPath], value: Any, path: KeyPath = ()) -> Any:
    if path in unsound:
        return {}
    if not isinstance(value, dict):
        return value
    return {
        key: _without(unsound, each, (*path, key)) for key, each in value.items() if (*path, key) not in unsound
    }
