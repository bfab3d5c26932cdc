"""The line of a comment that only programs see: which plan it shows. Pure.

It is how our comment is found again, and how a deploy knows what its pull request promised.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ci.plan.plan import Plan
from ci.render import data


@dataclass(frozen=True)
class Marker:
    """Which plan a comment shows. ``digest`` is empty, and ``functions`` too, where there was none to show."""

    stage: str
    commit: str = ""
    run: str = ""
    digest: str = ""
    functions: Mapping[str, str] | None = None
    """A short digest of what the plan does to each function that changes."""

    def __str__(self) -> str:
        text = json.dumps({key: value for key, value in vars(self).items() if value}, separators=(",", ":"))
        for ends_a_comment, escaped in (("<", "\\u003c"), (">", "\\u003e"), ("--", "-\\u002d")):
            text = text.replace(ends_a_comment, escaped)
        return f"<!-- dollop {text} -->"


_LISTED = 300
"""Functions, of some 40 bytes each: more would crowd out what people read."""


def of_plan(plan: Plan) -> Marker:
    """The marker of a comment that shows ``plan``."""
    whole = data.plan(plan)
    functions = {data.label(each): _short(each) for each in whole["functions"] if each["actions"]}
    listed = functions if len(functions) <= _LISTED else None
    return Marker(plan.stage, plan.origin.commit, plan.origin.run, whole["digest"], listed)


def _short(function: object) -> str:
    return hashlib.sha256(json.dumps(function, sort_keys=True).encode()).hexdigest()[:12]


_MARKER = re.compile(r"<!-- dollop (\{.*\}) -->")


def read(body: str) -> Marker | None:
    """The marker that ``body`` begins with; None where there is none, or one that this tool did not write."""
    match = _MARKER.match(body)
    try:
        fields = json.loads(match[1]) if match else None
    except (ValueError, RecursionError):
        return None
    if not isinstance(fields, dict) or not isinstance(fields.get("stage"), str):
        return None
    functions = fields.get("functions")
    words = {key: str(fields.get(key, "")) for key in ("stage", "commit", "run", "digest")}
    return Marker(**words, functions=_digests(functions) if isinstance(functions, dict) else None)


def _digests(functions: Mapping[str, Any]) -> dict[str, str]:
    return {name: digest for name, digest in functions.items() if isinstance(digest, str)}


def differing(promised: Marker, now: Marker) -> tuple[str, ...]:
    """The functions to which ``now`` does something else than what was ``promised``, as far as both list them."""
    before, after = promised.functions or {}, now.functions or {}
    return tuple(sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name)))
