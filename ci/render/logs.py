"""Log lines as text and as data. Pure."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from ci.render.escape import plain

if TYPE_CHECKING:
    from ci.observe.logs import Line


def text(line: Line, width: int = 0) -> list[tuple[str, str]]:
    """Head and rest of each line of text: ``2026-01-31 09:00:00.123 echo:8``, padded to ``width``, and the words."""
    at = _moment(line).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
    head = f"{at} {f'{plain(line.function)}:{plain(line.version)}':<{width}}"
    return [(head, plain(part.expandtabs(2))) for part in line.message.splitlines() or [""]]


def data(line: Line) -> dict[str, Any]:
    """One line for programs."""
    at = _moment(line).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {
        "at": at,
        "function": line.function,
        "version": line.version,
        "message": line.message,
        "stream": line.stream,
    }


def _moment(line: Line) -> datetime:
    return datetime.fromtimestamp(line.at / 1000, UTC)
