"""A pipeline.yaml in the making: what it will say, and what it will say about what it cannot."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ci import service_model, settings
from ci.service_model import Shape


@dataclass
class Entry:
    """``defaults`` or a function: its keys as pipeline.yaml has them, and notes that become comments above it."""

    keys: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def note(self, text: str) -> None:
        """Once is enough."""
        if text not in self.notes:
            self.notes.append(text)


@dataclass
class Draft:
    """What was read of the other tool's project."""

    project: str
    alias: str
    name: str = "{function}"
    region: str | None = None
    rollout: dict[str, str] = field(default_factory=dict)
    """What the stage has before its alias moves."""
    defaults: Entry = field(default_factory=Entry)
    functions: dict[str, Entry] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def literal(value: Any) -> Any:
    """``value`` as it stands: what looks like a reference of ours is none."""
    if isinstance(value, str):
        return value.replace("${", "$${")
    if isinstance(value, list):
        return [literal(each) for each in value]
    if isinstance(value, dict):
        return {key: literal(each) for key, each in value.items()}
    return value


def variable(*words: str) -> str:
    """A reference to an environment variable that is named after ``words``: for a value that is found elsewhere."""
    name = re.sub(r"[^A-Za-z0-9]+", "_", "_".join(words)).strip("_").upper()
    return f"${{env:{name}}}"


def said(member: str, value: Any) -> tuple[str, Any]:
    """A member of CreateFunction and its value as pipeline.yaml says them: ``("dead_letter", "arn:...")``."""
    shape = service_model.members("CreateFunction")[member]
    return settings.key_of(member), _said(shape, value)


def _said(shape: Shape, value: Any) -> Any:
    if shape.type == "structure" and isinstance(value, Mapping):
        members = {name: service_model.shape(each) for name, each in (shape.members or {}).items()}
        if len(members) == 1 and list(value) == list(members):
            only = next(iter(members))
            return _said(members[only], value[only])
        return {
            settings.snake_case(name): _said(members[name], each) if name in members else each
            for name, each in value.items()
        }
    if shape.type == "list" and isinstance(value, list):
        item = service_model.shape(shape.member or "")
        items = [_said(item, each) for each in value]
        return items[0] if shape.max == 1 and item.scalar and len(items) == 1 else items
    return value


def key(name: str) -> str:
    """``name`` as a function or a project may be called: letters, digits, - and _, a letter or digit first."""
    return re.sub(r"^[^A-Za-z0-9]+", "", re.sub(r"[^A-Za-z0-9_-]+", "-", name)) or "project"
