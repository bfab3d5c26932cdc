"""What a schema finds wrong, in plain words. A value is never repeated: it may be a secret."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from pydantic_core import ErrorDetails

from ci.settings import key_of

NO_VALUE = "has no value"

_PLAIN = {
    "missing": "is missing",
    "string_type": "must be a string",
    "bool_type": "must be true or false",
    "int_type": "must be a whole number",
    "float_type": "must be a number",
    "list_type": "must be a list",
    "dict_type": "must be a mapping",
    "template": "holds a ${{ that starts neither ${{env:NAME}} nor ${{ssm:/path}}; write $${{ for a plain ${{",
    "fixed": "decides what is built: nothing is expanded here",
    "percent": "must be a share from 1% to 99%, such as 10%",
    "length": "must be a time such as 90s, 5m or 1h, of at most {limit} minutes",
    "size": "must be a number of bytes, or a size such as 40 MB",
    "greater_than_equal": "must be at least {ge:g}",
    "less_than_equal": "must be at most {le:g}",
    "string_too_short": "must have at least {min_length} characters",
    "string_too_long": "must have at most {max_length} characters",
    "too_short": "must have at least {min_length} entries",
    "too_long": "must have at most {max_length} entries",
}

_NAME = "as a name may hold letters, digits, - and _, and starts with a letter or digit"
_FORMS = {
    "project": _NAME,
    "stages": _NAME,
    "functions": _NAME,
    "alias": "may hold letters, digits, - and _, and is more than a number",
    "region": "must be the name of a region, such as eu-west-1",
    "regions": "must be names of regions, such as eu-west-1",
    "plan_role": "must be the ARN of a role, such as arn:aws:iam::123456789012:role/look",
    "role": "must be the ARN of a role, such as arn:aws:iam::123456789012:role/lambda",
    "layers": "must be the ARN of a layer's version, such as arn:aws:lambda:eu-west-1:123456789012:layer:name:1",
    "bucket": "must be the name of a bucket: small letters, digits, - and ., and {region}",
    "environment": "as a name may hold letters, digits and _, starts with a letter, and is longer than that",
    "tags": "may hold letters, digits, spaces and _.:/=+-@",
    "schedule_expression": "must be a rate or a time, such as rate(1 day) or cron(0 3 * * ? *)",
    "schedules": _NAME,
    "events": _NAME,
    "permissions": _NAME,
}
"""What a pattern means, by the key whose value or whose names it is for. The others are shown as they are."""


def of(error: ErrorDetails, value: Any, known: Iterable[str] = ()) -> str:
    """``error`` in words. ``value`` only helps to guess what was meant; ``known`` are the keys that there could be."""
    kind = error["type"]
    context = dict(error.get("ctx", {}))
    if kind == "extra_forbidden":
        return "is not a known key" + similar(str(error["loc"][-1]), known)
    if value is None and kind != "missing":
        return NO_VALUE
    if kind == "literal_error":
        choices = str(context["expected"]).replace("'", "")
        near = similar(value, choices.replace(" or ", ", ").split(", ")) if isinstance(value, str) else ""
        return f"must be {choices}{near}"
    if kind == "string_pattern_mismatch":
        pattern = str(context["pattern"]).removeprefix("^(?:").removesuffix(")$")
        return _FORMS.get(_owner(error["loc"]), f"must have the form {pattern}")
    said = _PLAIN[kind].format(**context) if kind in _PLAIN else error["msg"]
    if kind == "string_type" and isinstance(value, bool | int | float):
        return f"{said}: YAML reads this as {'true or false' if isinstance(value, bool) else 'a number'}, quote it"
    if kind == "int_type" and isinstance(value, str) and value.isdecimal():
        return f"{said}, without quotes"
    return said


def _owner(path: Sequence[str | int]) -> str:
    """The key in pipeline.yaml whose value, or the names in whose mapping, ``path`` is about."""
    if path[-1:] == ("[key]",):
        path = path[:-2]
    names = [part for part in path if isinstance(part, str)]
    if names[-2:-1] == ["tags"]:
        return "tags"
    return key_of(names[-1]) if names else ""


def similar(word: str, known: Iterable[str]) -> str:
    """``, did you mean memory?`` where one of ``known`` is close to ``word``, else nothing."""
    import difflib  # here: only mistakes need it

    found = difflib.get_close_matches(word[:80], list(known), n=1)
    return f", did you mean {found[0]}?" if found else ""
