"""What a stage's alias is to have around it against what it has: the writes that make them one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from ci.attachments import marks, resources
from ci.errors import Refused
from ci.model import Attachment, Function, Stage
from ci.model.live import LiveFunction
from ci.plan.actions import Attach
from ci.settings import snake_case

Known = dict[tuple[str, str], Attachment]
"""Attachments by kind and id."""


def actions(function: Function, stage: Stage, live: LiveFunction | None) -> tuple[Attach, ...]:
    """The mark first, so that what is begun is found again; then what is new and what changes; then what goes; and
    the mark of what is left last.

    Raises Refused where another tool has connected the same source, or a mapping would have to be replaced.
    """
    alias, wanted = stage.alias, function.attachments.get(stage.name, ())
    tags = live.tags if live else {}
    marked = marks.kinds(tags, alias)
    if not wanted and not marked:
        return ()
    there = live.attached.get(alias, ()) if live else ()
    _refuse(function.name, wanted, there)
    old, new = _by_id(there), _by_id(wanted)
    coming = [Attach(alias, old.get(key), each) for key, each in new.items() if _differ(old.get(key), each)]
    going = tuple(_removals(alias, (each for key, each in old.items() if key not in new)))
    now, kinds = marks.found(tags, alias), resources.kinds(wanted)
    final = marks.mark(alias, kinds, wanted)
    if not going:
        return (*_mark(alias, now, final), *coming)
    between = now if kinds <= marked else marks.mark(alias, marked | kinds)
    return (*_mark(alias, now, between), *coming, *going, *_mark(alias, between, final))


def by_hand(function: Function, stage: Stage, live: LiveFunction | None) -> Iterator[str]:
    """What is not as the last release left it, where that wanted what this checkout wants; by its field."""
    wanted = function.attachments.get(stage.name, ())
    if live is None or not marks.tells(live.tags, stage.alias, wanted):
        return
    for action in actions(function, stage, live):
        about = action.about
        if about.kind not in ("mark", "group"):
            entry = f"{about.key}.{about.name}".rstrip(".")
            yield f"{function.name}: {entry} of the alias {stage.alias} was changed by hand: {_changed(action)}"


def _changed(action: Attach) -> str:
    if action.before is None or action.after is None:
        return f"its {action.about.kind} is gone" if action.before is None else f"a {action.about.kind} too many"
    return ", ".join(map(snake_case, differing(action.before.settings, action.after.settings)))


def removal(live: LiveFunction) -> tuple[Attach, ...]:
    """Everything of ours around every alias. Permissions, URLs and marks go with the function itself."""
    with_it = ("permission", "url", "provisioned")
    return tuple(
        action
        for alias, there in sorted(live.attached.items())
        for action in _removals(alias, (each for each in there if each.kind not in with_it))
    )


def _removals(alias: str, gone: Iterable[Attachment]) -> Iterable[Attach]:
    ours = [each for each in gone if each.kind != "group" and not _is_foreign(each)]
    for each in sorted(ours, key=lambda each: resources.KINDS.index(each.kind), reverse=True):
        yield Attach(alias, each, None)


def _mark(alias: str, before: Attachment | None, after: Attachment | None) -> Iterable[Attach]:
    if before != after:
        yield Attach(alias, before, after)


def _by_id(those: Iterable[Attachment]) -> Known:
    return {(each.kind, each.id): each for each in those if not _is_foreign(each)}


def _is_foreign(each: Attachment) -> bool:
    return each.kind == "event" and not each.id


def _differ(before: Attachment | None, after: Attachment) -> bool:
    return before is None or bool(differing(before.settings, after.settings) and after.kind != "permission")


def differing(before: Mapping[str, object], after: Mapping[str, object]) -> tuple[str, ...]:
    """What of ``after`` is not so in ``before``, but for what a mapping keeps for as long as it lives."""
    return tuple(
        member for member, value in after.items() if not resources.is_fixed(member) and before.get(member) != value
    )


def _refuse(function: str, wanted: Iterable[Attachment], there: Iterable[Attachment]) -> None:
    """No two mappings of one source to one alias: AWS has no place for both, and one of another tool is not ours."""
    events = [each for each in there if each.kind == "event"]
    for each in wanted:
        arn = each.settings.get("EventSourceArn")
        other = next((one for one in events if arn and one.settings.get("EventSourceArn") == arn), None)
        if other is None or each.kind != "event" or other.id == each.id:
            continue
        where = f"{function}: events.{each.name}: the source {arn}"
        if _is_foreign(other):
            raise Refused(f"{where} is connected already, by another tool", "take it out there, or leave it out here")
        raise Refused(
            f"{where} is connected already, as {other.name}, in a way that cannot be changed (name, starting position)",
            "take it out of pipeline.yaml, release that, and put it back: what it had not yet read is read anew",
        )
