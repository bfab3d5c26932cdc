"""How far back: ``90s``, ``5m``, ``1h``, ``2d``, ``1h30m``, or a moment such as ``2026-01-31T09:00``. Pure."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from ci.errors import UsageError

_UNITS = {"w": "weeks", "d": "days", "h": "hours", "m": "minutes", "s": "seconds"}
LENGTH = r"(?:[0-9]{1,6}[wdhms]){1,5}"


def since(text: str, now: datetime) -> datetime:
    """The moment that ``text`` names, seen from ``now``; a moment without an offset is UTC.

    Raises UsageError when it is neither an age nor a moment, or lies in the future.
    """
    if (age := length(text)) is not None:
        moment = now - age
    else:
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            raise UsageError(
                f"--since {text!r} is neither an age nor a moment", "5m, 1h30m, 2d; or 2026-01-31T09:00 (UTC)"
            ) from None
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    if moment > now:
        raise UsageError(f"--since {text!r} lies in the future")
    return moment


def length(text: str) -> timedelta | None:
    """How long ``1h30m`` is; None where ``text`` is not of that kind."""
    if not re.fullmatch(LENGTH, text):
        return None
    return timedelta(**_summed(re.findall(r"(\d+)([wdhms])", text)))


def _summed(parts: list[tuple[str, str]]) -> dict[str, int]:
    total: dict[str, int] = {}
    for number, unit in parts:
        total[_UNITS[unit]] = total.get(_UNITS[unit], 0) + int(number)
    return total
