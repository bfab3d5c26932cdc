"""Markdown that is harmless whatever is in it, and is cut to a length without breaking it. Pure.

https://github.github.com/gfm/#code-spans and https://github.github.com/gfm/#fenced-code-blocks
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from ci.render.escape import plain

_ROOM = 1_000
"""Bytes kept for saying what was cut."""


def block(lines: Iterable[str]) -> str:
    """``lines`` as they are, in a fence that nothing in them can leave."""
    return str(fence(map(plain, lines)))


def code(text: str) -> str:
    """``text`` as a code span that nothing in it can leave."""
    text = plain(text) or " "
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    ticks = "`" * (longest + 1)
    padding = " " if longest and (text[0] == "`" or text[-1] == "`") else ""
    return f"{ticks}{padding}{text}{padding}{ticks}"


def listed(text: str) -> list[str]:
    """The lines of ``text``, each as code: in a fenced block long ones would not be broken on a phone."""
    return [f"- {code(line)}" for line in text.splitlines() if line.strip()]


@dataclass(frozen=True)
class Block:
    """Lines that may be cut, between two parts that may not."""

    lines: Sequence[str]
    before: str = ""
    after: str = ""

    def __str__(self) -> str:
        return self.before + "\n".join(self.lines) + self.after

    def cut(self, room: int) -> str:
        """The first lines, in ``room`` bytes; nothing where not even one of them fits."""
        room -= len(self.before.encode()) + len(self.after.encode())
        kept: list[str] = []
        for line in self.lines:
            room -= len(line.encode()) + 1
            if room < 0:
                break
            kept.append(line)
        return str(replace(self, lines=kept)) if kept else ""


def fence(lines: Iterable[str], language: str = "", before: str = "", after: str = "") -> Block:
    """A fenced block, with a fence that is longer than any inside of it."""
    inside = list(lines)
    longest = max((len(run) for line in inside for run in re.findall("`+", line)), default=0)
    ticks = "`" * max(3, longest + 1)
    return Block(inside, f"{before}{ticks}{language}\n", f"\n{ticks}{after}")


def fitted(head: str, blocks: Iterable[Block], foot: str, limit: int) -> str:
    """The blocks that fit, whole; the first that does not is cut between two of its lines, and that is said."""
    room = limit - len(head.encode()) - len(foot.encode()) - _ROOM
    parts = list(blocks)
    kept: list[str] = []
    for position, block in enumerate(parts):
        needed = len(str(block).encode()) + 2
        if needed > room:
            rest = len(parts) - position
            kept += [block.cut(room), f"**Cut here**: {rest} of {len(parts)} parts did not fit. See the run."]
            break
        kept.append(str(block))
        room -= needed
    return "\n\n".join(filter(None, (head, *kept, foot))) + "\n"
