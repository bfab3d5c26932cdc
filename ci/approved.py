"""A plan that was shown before (``plan --out``) and what is planned now: the same, or nothing is done. Pure.

The values of secrets are in no plan: that a variable changes is compared, not to what.
"""

from __future__ import annotations

import json
from typing import Any

from ci.errors import Refused, UsageError
from ci.plan.plan import Plan
from ci.render import data


def check(plan: Plan, text: str, file: str) -> None:
    """``text`` may come from anywhere: nothing in it is carried out, it is only compared.

    Raises UsageError when it is no plan or was edited, Refused when ``plan`` does anything else.
    """
    try:
        approved: Any = json.loads(text)
        whole = isinstance(approved, dict) and data.digest_of(approved) == approved.get("digest")
        # Whoever can write a digest can write anything else, too.
        whole = whole and all(isinstance(entry["function"], str) for entry in approved["functions"])
    except (ValueError, KeyError, TypeError, RecursionError):
        whole = False
    if not whole:
        raise UsageError(f"{file}: not a plan as dollop plan --out writes it")
    now = data.plan(plan)
    if now["digest"] != approved["digest"]:
        raise Refused(
            f"live or the repository moved under the plan {file}: {_difference(approved, now)}",
            "plan again, look, and deploy that plan",
        )


def _difference(approved: dict[str, Any], now: dict[str, Any]) -> str:
    for key in ("verb", "stage", "region"):
        if approved[key] != now[key]:
            return f"it is to {approved['verb']} {approved['stage']} in {approved['region']}"
    before, after = ({data.label(entry): entry for entry in plan["functions"]} for plan in (approved, now))
    names = sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))
    return f"it does something else to {', '.join(names) or 'the stage'}"
