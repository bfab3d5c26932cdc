"""Commits as they are shown. Pure."""

from __future__ import annotations

import re

from ci.render.escape import plain

HASH = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
"""A commit by its whole name, of which there can be a link."""


def short(commit: str | None) -> str:
    """Seven characters, and the ``+`` of changes that were not committed; ``?`` where nobody wrote it down."""
    return plain(commit[:7] + ("+" if commit.endswith("+") else "")) if commit else "?"
