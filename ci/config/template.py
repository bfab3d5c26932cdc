"""``${env:NAME}`` and ``${ssm:/path}`` in a text: found, checked, and later filled in. Pure.

``$${`` stands for a plain ``${``.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NoReturn

from ci.model import Secret

_REFERENCE = re.compile(r"\$\$\{|\$\{(?:(?P<kind>env|ssm):(?P<name>[A-Za-z0-9_./:-]+)\})?")


class Template(Secret):
    """A text that is not yet what AWS will get: its references are still to be filled in."""

    __slots__ = ("line",)

    def __init__(self, value: str, line: int) -> None:
        super().__init__(value)
        self.line = line

    def reveal(self) -> NoReturn:
        """Refused, so that ``${env:NAME}`` itself never reaches AWS: only ``expand`` knows the value."""
        raise TypeError("a template has no value before config.expand.expand")

    def references(self) -> list[tuple[str, str]]:
        """What it refers to, in order: ``("env", "NAME")``, ``("ssm", "/path")``."""
        return [(found["kind"], found["name"]) for found in _REFERENCE.finditer(self._value) if found["kind"]]

    def fill(self, value: Callable[[str, str], str]) -> str:
        """The text with ``value(kind, name)`` for each reference."""
        return _REFERENCE.sub(lambda found: value(found["kind"], found["name"]) if found["kind"] else "${", self._value)


def holds(text: str) -> bool:
    """Whether ``text`` has anything to be filled in or unescaped."""
    return "${" in text


def well_formed(text: str) -> bool:
    """Whether every ``${`` in ``text`` starts a reference or is escaped."""
    return all(found["kind"] or found[0] == "$${" for found in _REFERENCE.finditer(text))
