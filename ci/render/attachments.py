"""What a plan does around a function, put together as pipeline.yaml has it: a schedule is one thing to its reader."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ci import diff
from ci.model import Attachment
from ci.plan.actions import Attach
from ci.plan.changes import Change
from ci.settings import snake_case


@dataclass(frozen=True)
class Group:
    """One entry of pipeline.yaml: ``mark`` is ``+``, ``~`` or ``-``, ``what`` its kind: ``schedule``."""

    mark: str
    what: str
    name: str
    alias: str
    """Empty where it is the whole function's."""
    changes: tuple[Change, ...]


_WHAT = {
    "url": "url",
    "schedules": "schedule",
    "events": "event",
    "permissions": "permission",
    "provisioned_concurrency": "provisioned concurrency",
    "log_retention": "log retention",
}

_MAIN = {"url": "url", "schedules": "rule", "events": "event", "permissions": "permission"}
"""The kind of the resource that makes an entry one: with it, it comes and goes."""


def groups(actions: Iterable[Attach]) -> tuple[Group, ...]:
    """By key, then by name. The mark of an alias is shown where there is nothing else; the function's, and its log
    group, not at all."""
    entries: dict[tuple[str, str, str], list[Attach]] = {}
    listed = [action for action in actions if action.alias]
    if listed and all(action.about.kind == "mark" for action in listed):
        return (Group("~", "tag", "", listed[0].alias, ()),)
    for action in listed:
        about = action.about
        if about.kind not in ("mark", "group"):
            entries.setdefault((about.key, about.name, action.alias), []).append(action)
    ordered = sorted(entries.items(), key=lambda each: (list(_WHAT).index(each[0][0]), each[0]))
    return tuple(_group(key, name, alias, parts) for (key, name, alias), parts in ordered)


def _group(key: str, name: str, alias: str, parts: Iterable[Attach]) -> Group:
    listed = list(parts)
    main = [part for part in listed if part.about.kind == _MAIN.get(key, part.about.kind)]
    new, gone = (any(getattr(part, side) for part in main) for side in ("after", "before"))
    mark = "~" if new == gone else "+" if new else "-"
    changes = () if mark == "-" else _changes(main, [part for part in listed if part not in main])
    return Group(mark, _WHAT[key], name, "" if key == "log_retention" else alias, changes)


def _changes(main: Iterable[Attach], rest: Iterable[Attach]) -> tuple[Change, ...]:
    """What differs; of a part that stands for nothing in pipeline.yaml, that it was gone or is too much."""
    before: dict[str, str | None] = {}
    after: dict[str, str | None] = {}
    others: list[Change] = []
    for part in (*main, *rest):
        if part in main or part.about.kind == "target":
            before |= _shown(part.before)
            after |= _shown(part.after)
        if part not in main and (part.before is None or part.after is None) and not main:
            others.append(Change(part.about.kind, verb="added" if part.after else "removed"))
    found = (Change(snake_case(member), before.get(member), value) for member, value in after.items())
    return (*(change for change in found if change.before != change.after), *others)


def _shown(attachment: Attachment | None) -> Mapping[str, str | None]:
    return {member: _value(value) for member, value in attachment.settings.items()} if attachment else {}


def _value(value: object) -> str | None:
    return "false" if value is False else diff.show(value)
