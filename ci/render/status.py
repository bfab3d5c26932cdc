"""What each stage runs, and the versions that there are: as text, as data, as Terraform variables. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from ci.model.live import Live, LiveAlias, LiveFunction, LiveVersion
from ci.render.columns import si, table
from ci.render.commit import short
from ci.render.escape import plain

if TYPE_CHECKING:
    from ci.observe.status import Status
    from ci.plan.changes import Change


def text(status: Status, now: datetime) -> str:
    """One row a function, one group of columns a stage: version, commit, age and size of what it runs.

    A stage that is promoted is ``behind`` or ``ahead`` where it runs another version than the stage before it. Below
    it the URLs, and what was changed by hand.
    """
    names = sorted({name for live in status.lives.values() for name in live.functions})
    header = ["function", *(column for stage in status.lives for column in (stage, "commit", "age", "size"))]
    rows = [
        [plain(name), *(cell for live in status.lives.values() for cell in _cells(status.lives, live, name, now))]
        for name in names
    ]
    drift = "".join(
        f"  ! {plain(name)}: changed by hand, the next deploy puts it right: {', '.join(map(plain, keys))}\n"
        for name, keys in sorted(status.drift.items())
    )
    drift += "".join(f"  ! {plain(stray)}\n" for stray in status.strays)
    drift += "".join(
        f"  ! {plain(name)}: not what pipeline.yaml says: {', '.join(map(_unlike, changes))}\n"
        for name, changes in sorted(status.unlike.items())
    )
    urls = "".join(
        f"  {plain(name)} {plain(stage)}: {plain(url)}\n"
        for stage, live in status.lives.items()
        for name, found in sorted(live.functions.items())
        if (url := _url(live, found))
    )
    return table([header, *rows]) + urls + drift


def _url(live: Live, found: LiveFunction | None) -> str | None:
    there = found.attached.get(live.stage.alias, ()) if found else ()
    return next((each.reference for each in there if each.kind == "url"), None)


def _unlike(change: Change) -> str:
    return f"{plain(change.key)} is {plain(change.before or 'none')}, not {plain(change.after or 'none')}"


def _cells(lives: Mapping[str, Live], live: Live, name: str, now: datetime) -> tuple[str, str, str, str]:
    found = live.functions[name]
    if found is None or found.running is None:
        return ("-", "", "", "")
    version = found.running
    beside = place(lives, live, name)
    number = f"{version.version} ({beside})" if beside else version.version
    number = ", ".join((number, *(f"{other} {share:.0%}" for other, share in canary(live, found).items())))
    return (number, short(version.commit), age(version.modified, now), si(version.size))


def canary(live: Live, found: LiveFunction) -> dict[str, float]:
    """Version -> its share, of those beside the one that the stage's alias points to, where aliases were read."""
    alias = found.alias(live.stage.alias)
    return dict(sorted(alias.weights.items())) if alias else {}


def place(lives: Mapping[str, Live], live: Live, name: str) -> str | None:
    """``behind`` or ``ahead`` of the stage that it is promoted from; None where it is not, or both run the same.

    In another region or account versions have other numbers: there it ``differs``.
    """
    now = live.functions[name]
    sources = [each.functions[name] for each in lives.values() if each.stage.name == live.stage.source]
    running = [found for found in sources if found and found.running]
    if not now or not now.running or not running:
        return None
    before = next((found for found in running if found.arn == now.arn), running[0])
    assert before.running is not None
    if before.arn != now.arn:
        return None if _made_of(before.running) == _made_of(now.running) else "differs"
    mine, other = now.running.version, before.running.version
    if mine == other or not (mine.isdecimal() and other.isdecimal()):
        return None
    return "behind" if int(mine) < int(other) else "ahead"


def _made_of(version: LiveVersion) -> tuple[str, ...]:
    record = version.record
    return (record.commit, record.digest) if record else (version.code_sha256,)


def data(status: Status) -> dict[str, Any]:
    """``stages``: stage -> function -> what it runs, null where it has none. ``drift``: function -> settings.

    ``strays`` and ``unlike``: see ``Status``.
    """
    return {
        "stages": {
            stage: {
                name: found and running and {
                    **running,
                    "place": place(status.lives, live, name),
                    "canary": canary(live, found),
                    "url": _url(live, found),
                }
                for name, found, running in (
                    (name, found, _running(found)) for name, found in sorted(live.functions.items())
                )
            }
            for stage, live in status.lives.items()
        },
        "drift": {name: list(keys) for name, keys in sorted(status.drift.items())},
        "strays": list(status.strays),
        "unlike": {
            name: {change.key: {"live": change.before, "pipeline": change.after} for change in changes}
            for name, changes in sorted(status.unlike.items())
        },
    }


def _running(found: LiveFunction | None) -> dict[str, Any] | None:
    return None if found is None or found.running is None else _version(found.running)


def _version(version: LiveVersion) -> dict[str, Any]:
    return {
        "version": version.version,
        "commit": version.commit,
        "digest": version.digest,
        "code_sha256": version.code_sha256,
        "size": version.size,
        "modified": version.modified,
    }


def tfvars(status: Status) -> str:
    """A .tfvars file with the map ``dollop_functions``: what Terraform needs to point at what was released.

    https://developer.hashicorp.com/terraform/language/values/variables#variable-definitions-tfvars-files
    """
    functions: dict[str, dict[str, Any]] = {}
    for stage, live in status.lives.items():
        for name, found in sorted(live.functions.items()):
            if found and found.running:
                entry = functions.setdefault(name, {"arn": found.arn, "stages": {}})
                arn = f"{found.arn}:{live.stage.alias}"
                url = {"url": url} if (url := _url(live, found)) else {}
                entry["stages"][stage] = {"arn": arn, "version": found.running.version, **url}
    return f"dollop_functions = {_hcl(functions)}\n"


def _hcl(value: Any, indent: str = "") -> str:
    if not isinstance(value, dict):
        return json.dumps(value)
    deeper = f"{indent}  "
    lines = (f"{deeper}{json.dumps(key)} = {_hcl(each, deeper)}\n" for key, each in value.items())
    return f"{{\n{''.join(lines)}{indent}}}" if value else "{}"


# ---------------------------------------------------------------- every version


def versions(live: Live, now: datetime) -> str:
    """One row a version, newest first, with the aliases on it. ``live`` must have both."""
    rows = [
        [
            plain(name),
            version.version,
            short(version.commit),
            age(version.modified, now),
            si(version.size),
            ", ".join(plain(name) + ("" if share == 1 else f" {share:.0%}") for name, share in aliases.items()),
        ]
        for name, version, aliases in _versions(live)
    ]
    return table([["function", "version", "commit", "age", "size", "aliases"], *rows])


def versions_data(live: Live) -> dict[str, Any]:
    """Function -> its versions, newest first; ``aliases``: name -> the share of its traffic that goes there."""
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in sorted(live.functions)}
    for name, version, aliases in _versions(live):
        found[name].append({**_version(version), "aliases": aliases})
    return found


def _versions(live: Live) -> Iterator[tuple[str, LiveVersion, dict[str, float]]]:
    for name, found in sorted(live.functions.items()):
        for version in reversed(found.versions or () if found else ()):
            aliases = sorted((found.aliases or {}).items() if found else ())
            shares = {alias: _share(pointing, version.version) for alias, pointing in aliases}
            yield name, version, {alias: share for alias, share in shares.items() if share}


def _share(alias: LiveAlias, version: str) -> float:
    """Less than 1 during a canary."""
    if alias.version == version:
        return round(1 - sum(alias.weights.values()), 6)
    return alias.weights.get(version, 0)


def age(modified: str, now: datetime) -> str:
    """How long ago, in the largest fitting unit: ``4 min``, ``3 d``. AWS writes ``2026-01-31T09:00:00.000+0000``."""
    seconds = max(0, int((now - datetime.fromisoformat(modified)).total_seconds()))
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{seconds // length} {unit}"
    return f"{seconds} s"
