"""Sizes and tables as text. Light: what builds packages shows no plan."""

from __future__ import annotations

from collections.abc import Iterable


def si(size: int) -> str:
    """Bytes in SI units: ``641 B``, ``1.2 kB``, ``28 MB``."""
    value, unit = float(size), "B"
    for larger in ("kB", "MB", "GB"):
        if round(value, 1 if value < 10 else 0) < 1000:
            break
        value, unit = value / 1000, larger
    return f"{size} B" if unit == "B" else f"{value:.1f} {unit}" if value < 9.95 else f"{value:.0f} {unit}"


def sizes(before: int, after: int) -> str:
    """``641 B -> 782 B``; to the byte where the units would hide the difference."""
    if si(before) == si(after):
        return f"{before} B -> {after} B"
    return f"{si(before)} -> {si(after)}"


def table(rows: Iterable[Iterable[str]]) -> str:
    """Columns as wide as their widest cell, two spaces apart, no trailing blanks; nothing where only a head is."""
    cells = [list(row) for row in rows]
    if len(cells) == 1:
        return ""
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in cells)
    return "\n".join(lines) + "\n"
