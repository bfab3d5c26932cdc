"""Text from elsewhere, made harmless where it is shown. Pure."""

from __future__ import annotations


def plain(text: str) -> str:
    """``text`` without the power to move a cursor or to start a line: control characters are escaped."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)
