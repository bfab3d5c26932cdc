"""Values of a YAML document that remember their lines, and how messages name them. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

KeyPath = tuple[str | int, ...]


class Text(str):
    """A string with ``${`` in it, which knows the line it stands on."""

    line: int

    def __new__(cls, value: str, line: int) -> Text:
        text = super().__new__(cls, value)
        text.line = line
        return text


@dataclass
class Node:
    """A value, the line where it starts, and the lines of the values in it."""

    value: Any
    line: int
    children: dict[str | int, tuple[int, Node]] = field(default_factory=dict)
    """By key or index: the line of the key or of the item, and the node."""
    size: int = 1
    height: int = 1
    complete: bool = True

    def at(self, path: Iterable[str | int]) -> Node | None:
        """The node at ``path``, where there is one."""
        node = self
        for part in path:
            if part not in node.children:
                return None
            _, node = node.children[part]
        return node

    def line_of(self, path: Iterable[str | int]) -> int:
        """The line of the value at ``path``, or of the innermost value on the way to it that is there."""
        node, line = self, self.line
        for part in path:
            if part not in node.children:
                break
            line, node = node.children[part]
        return line


def where(path: Iterable[str | int]) -> str:
    """``("functions", "echo", "layers", 0)`` as messages say it: ``functions.echo.layers[0]``."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{_shown(part)}" for part in path).removeprefix(".")


def _shown(key: str) -> str:
    """``key``, up to what no key has: in ``{PASSWORD:abc}``, where a space was forgotten, that is the password."""
    plain = re.match(r"[\w<-]{0,80}", key)
    return key if plain and plain[0] == key else f"{plain[0] if plain else ''}..."
