"""A draft as the text of pipeline.yaml, its notes as comments. Pure."""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ci.importer.draft import Draft, Entry
from ci.render.escape import plain

_WIDTH = 110
_PLAIN = re.compile(r"[A-Za-z/][A-Za-z0-9_./-]*")
_WORDS = frozenset({"true", "false", "yes", "no", "on", "off", "null", "y", "n"})


def text(draft: Draft, origin: str) -> str:
    """The whole file; ``origin`` says what it was made from."""
    lines = [
        "# yaml-language-server: $schema=ci/schema.json",
        *_comments([f"Made from {origin} by dollop import.", *draft.notes], ""),
        "",
        f"project: {scalar(draft.project)}",
        *([f"region: {scalar(draft.region)}"] if draft.region else []),
        f"name: {json.dumps(draft.name)}",
        "",
        "stages:",
        f"  {draft.alias}: {scalar({'alias': draft.alias} | ({'rollout': draft.rollout} if draft.rollout else {}))}",
        "",
    ]
    if draft.defaults.keys or draft.defaults.notes:
        lines += [*_comments(draft.defaults.notes, ""), "defaults:", *_entry(draft.defaults, "  "), ""]
    lines.append("functions:")
    for name, entry in draft.functions.items():
        lines += [*_comments(entry.notes, "  "), f"  {scalar(name)}:", *_entry(entry, "    "), ""]
    return "\n".join(lines).rstrip("\n") + "\n"


def _comments(notes: Iterable[str], indent: str) -> Iterator[str]:
    for note in notes:
        wrapped = textwrap.wrap(plain(note), _WIDTH - len(indent), break_long_words=False, break_on_hyphens=False)
        yield from (f"{indent}# {'  ' if index else ''}{line}" for index, line in enumerate(wrapped))


def _entry(entry: Entry, indent: str) -> Iterator[str]:
    for key, value in entry.keys.items():
        if isinstance(value, Mapping) and value:
            yield f"{indent}{key}:"
            yield from (f"{indent}  {scalar(name)}: {scalar(each)}" for name, each in value.items())
        else:
            yield f"{indent}{key}: {scalar(value)}"


def scalar(value: Any) -> str:
    """``value`` in one line of YAML that every reader reads alike: JSON, but for words that need no quotes."""
    if isinstance(value, str) and _PLAIN.fullmatch(value) and value.lower() not in _WORDS:
        return value
    if isinstance(value, list):
        return f"[{', '.join(map(scalar, value))}]"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{scalar(key)}: {scalar(each)}" for key, each in value.items()) + "}"
    return json.dumps(value, ensure_ascii=False)
