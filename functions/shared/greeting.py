"""Whom to greet, and how: what every function that knows a visitor's name has in common."""

from __future__ import annotations

import os
import unicodedata

LONGEST = 64
"""Characters of a name that are kept."""


def greet(name: str | None) -> str:
    """``Guten tag robert!``, in the words that the variable GREETING gives."""
    return f"{os.environ.get('GREETING', 'Guten tag')} {tidy(name) or 'there'}!"


def tidy(name: str | None) -> str:
    """``name`` as one printable line: composed, single spaces, no control characters, cut where it is too long."""
    composed = unicodedata.normalize("NFC", name or "")
    printable = "".join(" " if unicodedata.category(character) in ("Cc", "Cs") else character for character in composed)
    line = " ".join(printable.split())
    return line if len(line) <= LONGEST else f"{line[:LONGEST - 1].rstrip()}…"
