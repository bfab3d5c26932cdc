"""The names in pipeline.yaml, for a shell that completes them: quick, and silent about whatever is wrong."""

from __future__ import annotations

from pathlib import Path

from ci.config import yaml_reader
from ci.errors import DollopError


def names(folder: Path, key: str, start: str) -> list[str]:
    """The names under ``key`` (``stages``, ``functions``) that begin with ``start``; none where they cannot be read."""
    try:
        node, _ = yaml_reader.parse((folder / "pipeline.yaml").read_text(encoding="utf-8-sig"), "pipeline.yaml")
    except (OSError, UnicodeDecodeError, DollopError):
        return []
    there = node.at((key,))
    return [name for name in there.children if isinstance(name, str) and name.startswith(start)] if there else []
