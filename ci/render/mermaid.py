"""Pictures that GitHub draws: what a package is made of, and the way of a commit through the stages. Pure.

https://docs.github.com/en/get-started/writing-on-github/working-with-advanced-formatting/creating-diagrams. Names are
anybody's: of a label only letters, digits and a few marks are left, which end no string, no line and no fence.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ci.model import Package
from ci.render.columns import si
from ci.render.commit import short

_SLICES = 7
"""Dependencies with a slice of their own: the rest share one."""
_LABEL = 48
"""Characters of a label: more would push the picture off a phone."""


@dataclass(frozen=True)
class Runs:
    """What a stage runs of the functions that change: commit -> how many of them. ``source`` is the stage before it."""

    label: str
    """Its name, and where, when it has several sites."""
    stage: str
    source: str | None
    commits: Mapping[str | None, int]


def composition(package: Package) -> list[str]:
    """A pie of the zip, a slice for each of the largest dependencies; nothing where there is none."""
    parts = sorted((d for d in package.dependencies if d.size), key=lambda d: (-d.size, d.name))
    if not parts:
        return []
    slices = [(f"{part.name} {part.version}", part.size) for part in parts[:_SLICES]]
    if rest := parts[_SLICES:]:
        slices.append((f"{len(rest)} more", sum(part.size for part in rest)))
    whole = package.size + (package.layer.size if package.layer else 0)
    slices.append(("own code", max(whole - sum(size for _, size in slices), 0)))
    title = _label(f"{package.function}: {si(whole)} zipped{', with its layer' if package.layer else ''}")
    return [f"pie title {title}", *(f'  "{_label(f"{name}, {si(size)}")}" : {size}' for name, size in slices if size)]


def way(commit: str, verb: str, target: str, stages: Sequence[Runs]) -> list[str]:
    """A box for each stage with what it runs, and an arrow from ``commit`` to the stage that it goes to now."""
    boxes = {runs.label: f"s{number}" for number, runs in enumerate(stages)}
    lines = ["flowchart LR", f'  commit(["{_label(short(commit))}"])']
    lines += [f'  {boxes[runs.label]}["{_label(runs.label)}<br>{_label(running(runs))}"]' for runs in stages]
    for runs in stages:
        before = [boxes[each.label] for each in stages if each.stage == runs.source]
        lines += [f"  {box} --> {boxes[runs.label]}" for box in before]
        if runs.stage == target:
            lines.append(f'  commit == "{_label(verb)}" ==> {boxes[runs.label]}')
    return lines


def running(runs: Runs) -> str:
    """``1f3a2b4``, or how many functions run which commit: ``3 of 1f3a2b4, 1 of 0a1b2c3``."""
    counted = sorted(runs.commits.items(), key=lambda item: (-item[1], item[0] or ""))
    if not counted:
        return "nothing yet"
    if len(counted) == 1:
        return short(counted[0][0])
    more = [f"and {len(counted) - 2} more"] if len(counted) > 2 else []
    return ", ".join([*(f"{count} of {short(commit)}" for commit, count in counted[:2]), *more])


def _label(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9 .,:+_-]", "_", text)[:_LABEL]
