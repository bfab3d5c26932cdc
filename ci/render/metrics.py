"""Metrics as text and as data. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Any

from ci.render.columns import table
from ci.render.escape import plain

if TYPE_CHECKING:
    from ci.observe.metrics import Metrics

_EVERY = "(all)"


def text(metrics: Iterable[Metrics]) -> str:
    """One row a function and stage; ``(all)`` counts every invocation, through a stage or not."""
    rows = [
        [
            plain(each.function),
            plain(each.stage) if each.stage else _EVERY,
            str(each.invocations),
            _share(each.errors, each.invocations),
            str(each.throttles),
            duration(each.p50),
            duration(each.p95),
        ]
        for each in metrics
    ]
    return table([["function", "stage", "invocations", "errors", "throttles", "p50", "p95"], *rows])


def data(metrics: Iterable[Metrics], since: datetime, until: datetime) -> dict[str, Any]:
    """For programs. ``stage`` null is every invocation; durations in milliseconds."""
    return {
        "since": since.isoformat(timespec="seconds"),
        "until": until.isoformat(timespec="seconds"),
        "metrics": [asdict(each) for each in metrics],
    }


def _share(errors: int, invocations: int) -> str:
    return f"{errors} ({errors / invocations:.1%})" if errors and invocations else str(errors)


def duration(milliseconds: float | None) -> str:
    """``12 ms``, ``1.2 s``; ``-`` where nothing ran."""
    if milliseconds is None:
        return "-"
    if milliseconds < 999.5:
        return f"{milliseconds:.1f} ms" if milliseconds < 9.95 else f"{milliseconds:.0f} ms"
    return f"{milliseconds / 1000:.1f} s"
