"""What a plan does to its functions, as Markdown: a row of a table for each, and a block that looks like a diff.

GitHub colours ``-``, ``+`` and ``!`` at the beginning of a line of a diff.
"""

from __future__ import annotations

import html
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from ci.model import Canary, CodeDeploy, Package
from ci.plan.actions import CreateFunction, PointAlias, UpdateCode
from ci.plan.changes import Change, CodeChange, FileChange
from ci.plan.plan import FunctionPlan
from ci.render import attachments, mermaid
from ci.render.blocks import Block, code, fence
from ci.render.columns import si, sizes
from ci.render.escape import plain
from ci.render.text import codedeploy_change, rollout

Versions = Mapping[str, Mapping[str, str]]
"""Stage -> function -> the version that it runs."""


def table(functions: Sequence[FunctionPlan], stage: str, others: Versions) -> Iterator[Block]:
    """A row for each function: what changes, and the versions that ``stage`` and the ``others`` run."""
    if not functions:
        return
    columns = ["function", "change", "size", stage, *others]
    rows = [list(map(word, columns)), ["---"] * len(columns)]
    for function in functions:
        size = _size(function.code).replace(" ", _UNBROKEN)
        versions = (word(other.get(function.function, "-")) for other in others.values())
        rows.append([code(function.label), _kinds(function), size, _versions(function), *versions])
    yield Block([f"| {' | '.join(_cell(cell) for cell in row)} |" for row in rows])


_UNBROKEN = "\u00a0"
"""A space at which a narrow column is not broken."""


def _cell(text: str) -> str:
    """Within a table a bar ends a cell, also in code: https://github.github.com/gfm/#example-200"""
    return text.replace("|", "\\|")


def word(text: str) -> str:
    """``text`` as it is where that is harmless, else as code."""
    return text if re.fullmatch(r"[A-Za-z0-9-]*", text) else code(text)


def _kinds(function: FunctionPlan) -> str:
    settings = len(function.changes)
    words = [
        "new" if function.new else "",
        "code" if function.code and not function.new else "",
        f"{settings} setting{'s' * (settings > 1)}" if settings and not function.new else "",
        *(f"{group.mark} {group.what}" for group in attachments.groups(function.attach)),
        f"{len(function.remove)} removed" if function.remove else "",
    ]
    moved = any(isinstance(action, PointAlias) for action in function.shift)
    return ", ".join(filter(None, words)) or ("version" if moved else "tag")


def _size(change: CodeChange | None) -> str:
    if change is None:
        return ""
    if change.size_before in (0, change.size_after):
        return si(change.size_after)
    return sizes(change.size_before, change.size_after).replace("->", "→")


def _versions(function: FunctionPlan) -> str:
    point = next((action for action in function.shift if isinstance(action, PointAlias)), None)
    if point is None:
        return word(function.version or "-")
    if point.before in (None, point.expected):
        return word(point.expected)
    return _UNBROKEN.join([word(point.before), "→", word(point.expected)])


def of_function(function: FunctionPlan, canary: Canary | CodeDeploy | None) -> Block:
    """All that is to be done to one function, folded up; and what its package is made of, where that is new."""
    name = html.escape(plain(function.label)).replace("@", "&#64;")
    opening = f"<details><summary><code>{name}</code>: {_kinds(function)}</summary>\n\n"
    made_of = next((_composition(each.package) for each in function.prepare if isinstance(each, _UPLOADS)), "")
    return fence(_diff(function, canary), "diff", opening, f"{made_of}\n\n</details>")


def of_layer(name: str, change: CodeChange) -> Block:
    """What a new version of a layer changes, folded up."""
    opening = f"<details><summary><code>{html.escape(plain(name))}</code>: layer</summary>\n\n"
    return fence(_code(change, False), "diff", opening, "\n\n</details>")


_UPLOADS = (CreateFunction, UpdateCode)


def _composition(package: Package) -> str:
    lines = mermaid.composition(package)
    return f"\n\n{fence(lines, 'mermaid')}" if lines else ""


def _diff(function: FunctionPlan, canary: Canary | CodeDeploy | None) -> list[str]:
    lines = [f"{'+' if function.new else ' '} function {plain(function.label)}"]
    lines += [line for change in function.changes for line in _change(change)]
    if function.code:
        lines += _code(function.code, function.new)
    if function.stored:
        lines.append(f"+ package: s3://{plain(function.stored.bucket)}/{plain(function.stored.key)}")
    lines += [f"! by hand: {line}" for change in function.drift for line in _change(change)]
    for action in function.shift:
        if (said := codedeploy_change(action)):
            lines += [f"{'!' if said[0] == '~' else said[0]} {said[1]} {plain(said[2])}", *_change(said[3])]
        if isinstance(action, PointAlias):
            lines += _change(Change(f"alias {action.alias}", action.before, action.expected))
            lines += [f"  {key}: {plain(value)}" for key, value in rollout(action, function, canary)]
    for group in attachments.groups(function.attach):
        of = f"of alias {plain(group.alias)}" if group.alias else ""
        title = " ".join(filter(None, (group.what, plain(group.name), of)))
        lines.append(f"{'!' if group.mark == '~' else group.mark} {title}")
        lines += [line for change in group.changes for line in _change(change)]
    return lines


def _code(change: CodeChange, new: bool) -> list[str]:
    lines = [f"  size: {_size(change)}", *(line for each in change.dependencies for line in _change(each))]
    lines += _files(change.files or ())
    if change.files is None and not new:
        lines.append("! files and dependencies: not compared (the live package could not be read)")
    return lines


_LISTED = 3
"""Files of one folder, beyond which the folder is named: a new dependency would hide one's own files."""


def _files(files: Sequence[FileChange]) -> list[str]:
    """Each file, or, where many of one folder at the top are added, changed or removed, their number."""
    folders = Counter((file.mark, _top(file.path)) for file in files)
    lines = []
    for file in files:
        count = folders[file.mark, top := _top(file.path)]
        shown = f"{top}/ ({count} files)" if top and count > _LISTED else file.path
        lines.append(f"{'!' if file.mark == '~' else file.mark} {plain(shown)}")
    return list(dict.fromkeys(lines))


def _top(path: str) -> str:
    """The first folder in ``path``; empty for a file that is in none."""
    return path.split("/", 1)[0] if "/" in path else ""


def _change(change: Change) -> Iterator[str]:
    if change.verb:
        yield f"{_VERBS.get(change.verb, '!')} {plain(change.key)}: {change.verb}"
        return
    if change.before is not None:
        yield f"- {plain(change.key)}: {plain(change.before)}"
    if change.after is not None:
        yield f"+ {plain(change.key)}: {plain(change.after)}"


_VERBS = {"added": "+", "removed": "-"}
