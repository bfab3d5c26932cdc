"""Roll back: a stage runs again what it ran before, or a chosen earlier version or commit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from ci.errors import Refused
from ci.model import Function, Live, LiveAlias, LiveFunction, LiveVersion, Stage
from ci.plan import point
from ci.plan.actions import Origin, Plan

_UNDO = "undo-"


def targets(stage: Stage, functions: Iterable[Function], live: Live, whole: bool) -> dict[str, str]:
    """Function -> the version that its alias ran before.

    ``whole`` takes the functions that the stage's last release moved, or, when rolling that release
    back broke off, those that are still to go back; a function that was new in it stays (``left``).
    Otherwise each of ``functions`` goes back by itself. Raises Refused when there is nothing to go back to.
    """
    aliases = {function.name: _alias(stage, live.functions[function.name]) for function in functions}
    if whole:
        last = _last_release(aliases)
        aliases = {name: alias for name, alias in aliases.items() if alias and _release(alias) == last}
    found = {name: version for name, alias in aliases.items() if (version := _previous(alias)) is not None}
    missing = [_nothing(name, stage, alias) for name, alias in aliases.items() if name not in found]
    if not aliases:
        missing = [f"no function has the alias {stage.alias}: nothing to roll back"]
    if missing and not (whole and found):
        raise Refused("\n".join(missing), "dollop rollback STAGE FUNCTION --to VERSION chooses one")
    return found


def left(stage: Stage, functions: Iterable[Function], live: Live, to: Mapping[str, str]) -> tuple[str, ...]:
    """A note for each function that the same release moved and that has nothing to go back to."""
    aliases = {function.name: _alias(stage, live.functions[function.name]) for function in functions}
    releases = {_release(aliases[name]) for name in to}
    stay = [(name, alias) for name, alias in aliases.items() if name not in to and alias and alias.record]
    return tuple(
        f"{name}: new in this release, it stays on version {alias.version}"
        for name, alias in stay
        if _release(alias) in releases and _previous(alias) is None
    )


def _last_release(aliases: Mapping[str, LiveAlias | None]) -> str | None:
    records = [alias.record for alias in aliases.values() if alias and alias.record]
    if not records:
        return None
    newest = max(records, key=lambda record: record.at).release
    undone = newest.removeprefix(_UNDO)
    unfinished = newest != undone and any(record.release == undone for record in records)
    return undone if unfinished else newest


def release_id(stage: Stage, live: Live, name: str) -> str:
    """What to call the release that takes a function back: the undoing of its last, the redoing of that."""
    release = _release(_alias(stage, live.functions[name])) or "unknown"
    return release.removeprefix(_UNDO) if release.startswith(_UNDO) else _UNDO + release


def _alias(stage: Stage, live: LiveFunction | None) -> LiveAlias | None:
    return (live.aliases or {}).get(stage.alias) if live else None


def _release(alias: LiveAlias | None) -> str | None:
    return alias.record.release if alias and alias.record else None


def _previous(alias: LiveAlias | None) -> str | None:
    return alias.record.previous if alias and alias.record else None


def _nothing(name: str, stage: Stage, alias: LiveAlias | None) -> str:
    if alias is None:
        return f"{name}: it has no alias {stage.alias}: nothing to roll back"
    if alias.record is None:
        return f"{name}: the alias {stage.alias} does not say what it ran before: it was moved by another tool"
    return f"{name}: the alias {stage.alias} has run no version before {alias.version}"


def by_commit(functions: Iterable[Function], live: Live, commit: str) -> dict[str, str]:
    """Function -> its newest version that was built from ``commit`` (a prefix of 7 characters or more)."""
    found: dict[str, str] = {}
    missing: list[str] = []
    for function in functions:
        versions = (getattr(live.functions[function.name], "versions", None)) or ()
        built = [v.version for v in versions if v.record and v.record.commit.startswith(commit)]
        if built:
            found[function.name] = built[-1]
        else:
            missing.append(f"{function.name}: no version was built from {commit}")
    if missing:
        raise Refused("\n".join(missing), "dollop status --versions lists versions with their commits")
    return found


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
    for function in sorted(functions, key=lambda function: function.name):
        if function.name not in to:
            continue
        found, target = live.functions[function.name], versions.get(function.name)
        if found is None or found.running is None:
            reasons.append(f"{function.name}: it has no alias {stage.alias}: nothing to roll back")
        elif target is None:
            reasons.append(f"{function.name}: version {to[function.name]} does not exist any more")
        else:
            name = release or release_id(stage, live, function.name)
            plans.append(point.existing(function.name, function.aws_name, stage, found, target, name, origin))
    if reasons:
        raise Refused("\n".join(reasons), "dollop status --versions lists the versions that are there")
    notes = left(stage, functions, live, to)
    return Plan("rollback", stage.name, region, release or "rollback", origin, tuple(plans), notes)
