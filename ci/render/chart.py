"""Sizes over time as a picture: SVG within a page. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

_WIDTH, _HEIGHT, _EDGE = 320, 84, 8


def steps(sizes: Sequence[int], title: str) -> str:
    """A line with a point for each of ``sizes``, from 0 up; ``title`` is what those hear who do not see it."""
    top = max(sizes) or 1
    across = (_WIDTH - 2 * _EDGE) / max(1, len(sizes) - 1)
    points = [
        (_EDGE + (across * number if len(sizes) > 1 else (_WIDTH - 2 * _EDGE) / 2),
         _HEIGHT - _EDGE - (_HEIGHT - 2 * _EDGE) * size / top)
        for number, size in enumerate(sizes)
    ]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    bottom = _HEIGHT - _EDGE
    area = f"{points[0][0]:.1f},{bottom} {line} {points[-1][0]:.1f},{bottom}"
    dots = "".join(
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{4 if number == len(points) - 1 else 2.5}"/>'
        for number, (x, y) in enumerate(points)
    )
    return (
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{escape(title)}">'
        f'<line class="base" x1="0" y1="{bottom}" x2="{_WIDTH}" y2="{bottom}"/>'
        f'<polygon points="{area}"/><polyline points="{line}"/>{dots}</svg>'
    )
