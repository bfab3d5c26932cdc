"""Roll back: a stage runs again what it ran before, or a chosen earlier version or commit."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from ci.attachments import marks
from ci.errors import Refused
from ci.model import CodeDeploy, Function, Stage
from ci.model.live import AliasRecord, Live, LiveAlias, LiveFunction, LiveVersion
from ci.plan import codedeploy, point
from ci.plan.plan import FunctionPlan, Origin, Plan
from ci.record import token

_UNDO, _REDO = "undo-", "redo-"

Records = Mapping[str, AliasRecord]
"""Function -> what its alias tells of the release that moved it."""


def targets(stage: Stage, functions: Iterable[Function], live: Live, whole: bool) -> dict[str, str]:
    """Function -> the version that its alias ran before.

    Where a release broke off in its canary, its canaries end: each to the version that the alias points to.
    Of ``functions``, those that are still to go back when a rollback broke off. Else, with ``whole``, those that
    the stage's last release moved; a function that was new in it stays (``left``). Else each by itself.
    Raises Refused, naming each function that has nothing to go back to.
    """
    aliases = {function.name: _alias(stage, live.functions[function.name]) for function in functions}
    records = _records(aliases)
    ending = {name: alias for name, alias in aliases.items() if alias and alias.under_way}
    if ending and whole:
        return _broken_off(ending, records)
    chosen = _unfinished(records) or (_last(records) if whole else records)
    found = {name: record.previous for name, record in chosen.items() if record.previous}
    found |= {name: alias.version for name, alias in ending.items()}
    if found and (whole or chosen is not records or len(found) == len(aliases)):
        return found
    asked = aliases.keys() if chosen is records else chosen.keys()
    missing = [_nothing(name, stage, aliases[name]) for name in sorted(asked - found.keys())]
    nobody = f"no function has the alias {stage.alias}: nothing to roll back"
    raise Refused("\n".join(missing) or nobody, "dollop rollback STAGE FUNCTION --to VERSION chooses one")


def _broken_off(ending: Mapping[str, LiveAlias], records: Records) -> dict[str, str]:
    """The way back of a release that left canaries, and perhaps aliases that it had moved already."""
    releases = {token(alias.under_way.release) for alias in ending.values() if alias.under_way}
    before = max(alias.record.at if alias.record else "" for alias in ending.values())
    moved = {
        name: record.previous
        for name, record in records.items()
        if name not in ending and record.previous and token(record.release) in releases and record.at > before
    }
    return moved | {name: alias.version for name, alias in ending.items()}


def left(stage: Stage, functions: Iterable[Function], live: Live, to: Mapping[str, str]) -> tuple[str, ...]:
    """A note for each function that the same release moved and that has nothing to go back to."""
    records = _records({function.name: _alias(stage, live.functions.get(function.name)) for function in functions})
    began = _began(record for name, record in records.items() if name in to and to[name] != record.version)
    return tuple(
        f"{name}: new in this release, it stays on version {record.version}"
        for name, record in records.items()
        if name not in to and not record.previous and record.at >= began.get(record.release, "never")
    )


def _records(aliases: Mapping[str, LiveAlias | None]) -> Records:
    """By name. Not those of aliases that another tool has moved: it leaves our description as it was."""
    return {
        name: alias.record
        for name, alias in sorted(aliases.items())
        if alias and alias.record and alias.record.version == alias.version
    }


def _last(records: Records) -> Records:
    """What the newest release moved, not what an earlier one of its name did: equal content has equal names."""
    if not records:
        return {}
    # Within one second, what came after something else is the newer one.
    name = max((record.at, record.since or "", record.release) for record in records.values())[-1]
    moved = {function: record for function, record in records.items() if record.release == name}
    return {function: record for function, record in moved.items() if record.at >= _start(moved)}


def _start(records: Records) -> str:
    return max(record.since or "" for record in records.values())


def _unfinished(records: Records) -> Records:
    """What is still to go back where the undoing of a release, or its redoing, is the last that happened."""
    last = _last(records)
    release = next((record.release for record in last.values()), "")
    before: tuple[str, ...] = ()
    if release.startswith(_UNDO):
        before = (_bare(release), _REDO + _bare(release))
    elif release.startswith(_REDO):
        before = (_UNDO + _bare(release),)
    return {
        function: record
        for function, record in records.items()
        if record.release in before and record.previous and record.at >= _start(last)
    }


def _began(records: Iterable[AliasRecord]) -> dict[str, str]:
    """Release -> when the first of ``records`` that it wrote was written."""
    began: dict[str, str] = {}
    for record in records:
        began[record.release] = min(record.at, began.get(record.release, record.at))
    return began


def _undoing(release: str) -> str:
    """What to call the release that takes ``release`` back: its undoing, or the redoing of what that had undone."""
    return (_REDO if release.startswith(_UNDO) else _UNDO) + _bare(release)


def _bare(release: str) -> str:
    return release.removeprefix(_UNDO).removeprefix(_REDO)


def _alias(stage: Stage, live: LiveFunction | None) -> LiveAlias | None:
    return live.alias(stage.alias) if live else None


def _nothing(name: str, stage: Stage, alias: LiveAlias | None) -> str:
    if alias is None:
        return f"{name}: it has no alias {stage.alias}: nothing to roll back"
    if name not in _records({name: alias}):
        return f"{name}: the alias {stage.alias} does not say what it ran before: it was moved by another tool"
    return f"{name}: the alias {stage.alias} has run no version before {alias.version}"


def by_commit(functions: Iterable[Function], live: Live, commit: str) -> dict[str, str]:
    """Function -> its newest version that was built from ``commit`` (a prefix of 7 characters or more).

    What was built from a work tree that differed is another: its commit ends in ``+``.
    """
    found: dict[str, str] = {}
    missing: list[str] = []
    commits: set[str] = set()
    for function in functions:
        versions = (getattr(live.functions[function.name], "versions", None)) or ()
        built = [version for version in versions if _is_of(version.commit or "", commit)]
        if built:
            found[function.name] = built[-1].version
            commits |= {str(version.commit) for version in built}
        else:
            missing.append(f"{function.name}: no version was built from {commit}")
    if len(commits) > 1:
        raise Refused(f"several commits begin with {commit}: {', '.join(sorted(commits))}", "say more of it")
    if missing:
        raise Refused("\n".join(missing), "dollop status --versions lists versions with their commits")
    return found


def _is_of(built: str, commit: str) -> bool:
    start = commit.removesuffix("+")
    return built.startswith(start) and built.endswith("+") == (start != commit)


def rollback(
    stage: Stage,
    region: str,
    functions: Sequence[Function],
    to: Mapping[str, str],
    versions: Mapping[str, LiveVersion | None],
    live: Live,
    origin: Origin,
    release: str = "",
) -> Plan:
    """Point the alias of each function in ``to`` at that version.

    ``versions`` is what AWS has under those numbers. Raises Refused when one is gone or there is no alias to move.
    """
    plans, reasons = [], []
    at_once = replace(stage, rollout=None)
    records = _records({name: _alias(stage, live.functions[name]) for name in to})
    began = _began(records.values())
    for function in sorted(functions, key=lambda function: function.name):
        if function.name not in to:
            continue
        found, target = live.functions[function.name], versions.get(function.name)
        if found is None or found.running is None:
            reasons.append(f"{function.name}: it has no alias {stage.alias}: nothing to roll back")
        elif target is None:
            reasons.append(f"{function.name}: version {to[function.name]} does not exist any more")
        elif target.failed:
            reasons.append(f"{function.name}: version {target.version} cannot be called: {target.failed}")
        else:
            undone = records[function.name].release if function.name in records else "unknown"
            name, since = (_choice(release, to), None) if release else (_undoing(undone), began.get(undone))
            plan = point.existing(function, at_once, found, target, name, origin, since)
            plans.append(codedeploy.stopping(stage, plan, found))
    if reasons:
        raise Refused("\n".join(reasons), "dollop status --versions lists the versions that are there")
    notes = () if release else left(stage, functions, live, to)
    without = "CodeDeploy" if isinstance(stage.rollout, CodeDeploy) else "a canary"
    notes = (*notes, *((f"a rollback moves at once, without {without}",) if stage.rollout else ()))
    notes = (*notes, *point.notes(stage, plans, live), *point.inactive(plans, versions), *_staying(stage, plans, live))
    return Plan("rollback", stage.name, region, release or "rollback", origin, tuple(plans), notes)


def _staying(stage: Stage, plans: Iterable[FunctionPlan], live: Live) -> Iterator[str]:
    """A rollback is about versions: URLs, schedules and event sources call what the alias then points to."""
    moving = [(plan.function, live.functions[plan.function]) for plan in plans if plan.shift]
    names = [name for name, found in moving if found and marks.kinds(found.tags, stage.alias)]
    if names:
        yield f"what is around the alias {stage.alias} stays as it is: {', '.join(names)}"


def _choice(release: str, to: Mapping[str, str]) -> str:
    """A name for the choice of just these versions: to go to them elsewhere is another release."""
    return f"{release}-{hashlib.sha256(json.dumps(sorted(to.items())).encode()).hexdigest()[:8]}"
