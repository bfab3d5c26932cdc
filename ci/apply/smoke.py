"""Whether the answer of a function is the expected one. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ci.errors import ReleaseError
from ci.model import Smoke


def check(function: str, smoke: Smoke, answer: Mapping[str, Any]) -> None:
    """``answer`` is Invoke's, its payload read. Raises ReleaseError with the first difference."""
    text = answer["Payload"].decode("utf-8", "replace")
    if answer.get("FunctionError"):
        raise ReleaseError(f"{function}: smoke test: the function failed: {_short(text)}")
    try:
        got = json.loads(text)
    except ValueError:
        got = text
    difference = _difference(smoke.expect, got, "answer")
    if difference:
        raise ReleaseError(f"{function}: smoke test: {difference}")


def _difference(expected: Any, got: Any, where: str) -> str:
    """Objects may hold more than is expected; everything else must be equal."""
    if isinstance(expected, Mapping) and isinstance(got, Mapping):
        for key, value in expected.items():
            if key not in got:
                return f"{where}.{key} is missing"
            found = _difference(value, got[key], f"{where}.{key}")
            if found:
                return found
        return ""
    # To Python, true is 1.
    same = expected == got and isinstance(expected, bool) == isinstance(got, bool)
    return "" if same else f"{where} is {_short(json.dumps(got))}, expected {_short(json.dumps(expected))}"


def _short(text: str) -> str:
    return text if len(text) <= 200 else f"{text[:199]}…"
