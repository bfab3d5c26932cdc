"""What a schema finds wrong, in plain words. A value is never repeated: it may be a secret."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any

from pydantic_core import ErrorDetails

_PLAIN = {
    "missing": "is missing",
    "string_type": "must be a string",
    "bool_type": "must be true or false",
    "int_type": "must be a whole number",
    "float_type": "must be a number",
    "list_type": "must be a list",
    "dict_type": "must be a mapping",
    "template": "holds a ${ that is neither ${env:NAME} nor ${ssm:/path}; write $${ for a plain ${",
    "size": "must be a number of bytes, or a size such as 40 MB",
    "finite_number": "must be a number",
    "greater_than_equal": "must be at least {ge:g}",
    "less_than_equal": "must be at most {le:g}",
    "string_too_short": "must have at least {min_length} characters",
    "string_too_long": "must have at most {max_length} characters",
    "too_short": "must have at least {min_length} entries",
    "too_long": "must have at most {max_length} entries",
    "literal_error": "must be {expected}",
    "string_pattern_mismatch": "must match {pattern}",
}


def of(error: ErrorDetails, value: Any, known: Iterable[str] = ()) -> str:
    """``error`` in words. ``value`` is looked at for its type only; ``known`` are the keys that there could be."""
    if error["type"] == "extra_forbidden":
        return "is not a known key" + similar(str(error["loc"][-1]), known)
    if value is None and error["type"] != "missing":
        return "has no value"
    said = _PLAIN.get(error["type"], error["msg"]).format(**_plain_pattern(error.get("ctx", {})))
    if error["type"] == "string_type" and isinstance(value, bool | int | float):
        kind = "true or false" if isinstance(value, bool) else "a number"
        return f"{said}: YAML reads this as {kind}, quote it"
    if error["type"] == "int_type" and isinstance(value, str) and value.isdecimal():
        return f"{said}, without quotes"
    return said


def similar(word: str, known: Iterable[str]) -> str:
    """``, did you mean memory?`` where one of ``known`` is close to ``word``, else nothing."""
    found = difflib.get_close_matches(word[:80], list(known), n=1)
    return f", did you mean {found[0]}?" if found else ""


def _plain_pattern(context: dict[str, Any]) -> dict[str, Any]:
    pattern = str(context.get("pattern", ""))
    return context | {"pattern": pattern.removeprefix("^(?:").removesuffix(")$")}
