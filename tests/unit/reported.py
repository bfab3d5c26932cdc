"""A report to test with: a dozen functions, some behind, some changed by hand, with their history."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from ci.model.live import Live, LiveAlias, LiveFunction, LiveVersion
from ci.observe.report import Report
from ci.observe.status import Status
from tests.unit import given

NOW = datetime(2026, 2, 1, 9, tzinfo=UTC)
NAMES = ("api-orders", "api-users", "audit", "echo", "heartbeat", "invoice-renderer", "search", "thumbnail")

STAGES = {"test": 29, "prod": 30}
"""And the day on which its aliases were moved."""


def version(number: int, size: int, age: timedelta, commit: str | None = given.COMMIT) -> LiveVersion:
    modified = f"{NOW - age:%Y-%m-%dT%H:%M:%S}.000+0000"
    return replace(given.version(str(number), commit=commit), size=size, modified=modified)


def report(names: tuple[str, ...] = NAMES, repository: str = "https://github.com/octo/shop") -> Report:
    """Every other function is behind on prod; the last one is on no stage yet; the third was changed by hand."""
    listed: dict[str, LiveFunction | None] = {}
    for place, name in enumerate(names):
        commits = [f"{number * 7919 + 1:x}".rjust(40, "0123456789abcdef"[number]) for number in range(1, 7)]
        sizes = [641_000 * (place + 1) + 91_000 * ((number * (place + 2)) % 5) for number in range(6)]
        versions = [
            version(number + 1, sizes[number], timedelta(days=3 * (6 - number), minutes=-place), commits[number])
            for number in range(6)
        ]
        listed[name] = LiveFunction(given.ARN + name, versions=tuple(versions), aliases=aliases(name))
    test = {name: running(found, 6) for name, found in listed.items()}
    prod = {name: running(found, 6 - place % 2) for place, (name, found) in enumerate(listed.items())}
    prod[names[-1]] = None
    lives = {"test": Live(given.TEST, test), "prod": Live(given.PROD, prod)}
    drift = {names[2 % len(names)]: ("memory", "TOKEN")}
    return Report("shop", "eu-west-1", repository, NOW, Status(lives, drift), Live(given.TEST, listed))


def aliases(name: str) -> dict[str, LiveAlias]:
    """Moved by a run, but that of one function by hand."""
    release = None if name == NAMES[0] else "1f3a2b4-0000aaaa"
    return {stage: given.alias("6", stage, release, f"2026-01-{day}T09:00:00Z") for stage, day in STAGES.items()}


def running(found: LiveFunction | None, number: int) -> LiveFunction | None:
    assert found and found.versions
    return replace(found, running=found.versions[number - 1])
