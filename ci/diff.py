"""What differs between what the repository says and what AWS runs. Pure; says nothing of what to do about it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from ci import remembered
from ci.attachments import marks
from ci.model import File, Function, Package, Secret, Settings, normalise
from ci.model.live import LiveFunction, LiveLayer, LiveVersion
from ci.plan.changes import Change, CodeChange, FileChange
from ci.settings import SETTINGS, complete, key_of, leaves

WORKBENCH = "$LATEST"
"""An alias that another tool has pointed there runs no version: there is nothing to keep or to go back to."""

_ORDER = {setting.member: position for position, setting in enumerate(SETTINGS)}


def settled(function: Function, package: Package, live: LiveFunction | None) -> bool:
    """Whether the stage already runs this package with this configuration, so that nothing is to be done."""
    return (
        live is not None
        and live.running is not None
        and live.running.version != WORKBENCH
        and same_code(package, live.running)
        and not configuration(function, live.running)
        and not unversioned(function, live)
        and not remembered.unfinished(function, live)
    )


def same_code(package: Package, version: LiveVersion) -> bool:
    """Equal content, whatever compressed it. The record counts only while it is about the code that is there."""
    if package.code_sha256 == version.code_sha256 or package.digest == version.content:
        return True
    record = version.record
    return record is not None and record.code_sha256 == version.code_sha256 and record.digest == package.digest


def configuration(
    wanted: Function | LiveVersion, live: LiveVersion, said: Settings | None = None
) -> tuple[Change, ...]:
    """The settings and environment variables that differ, in the order of ``settings.SETTINGS``.

    ``said`` is what pipeline.yaml says, where ``wanted`` is not: AWS does not tell which values are secret.
    """
    said = wanted.settings if said is None else said
    members = differing(wanted.settings, live.settings)
    changes = (_setting(member, live.settings, wanted.settings, _holds_secret(said.get(member))) for member in members)
    return (*changes, *environment(live.environment, wanted.environment))


def differing(wanted: Settings, live: Settings) -> tuple[str, ...]:
    """The members of CreateFunction whose value differs. Fields that AWS filled in by itself do not count."""
    there = complete(live)
    names = [name for name, value in wanted.items() if not _equal(value, there.get(name))]
    return tuple(sorted(names, key=lambda name: (_ORDER.get(name, len(_ORDER)), name)))


def _equal(wanted: Any, live: Any) -> bool:
    if isinstance(wanted, dict) and isinstance(live, dict):
        return all(_equal(value, live.get(key)) for key, value in wanted.items())
    if isinstance(wanted, list) and isinstance(live, list):
        return len(wanted) == len(live) and all(map(_equal, wanted, live))
    if isinstance(wanted, Secret):
        return bool(wanted.reveal() == live)
    return bool(wanted == live)


def _setting(member: str, before: Settings, after: Settings, secret: bool) -> Change:
    """How one setting moves: ``memory: 128 -> 256``. A secret value moves unseen."""
    key = key_of(member)
    if secret:
        return Change(key, verb="changed" if before.get(member) else "added")
    return Change(key, show(before.get(member)), show(after.get(member)))


def creation(function: Function) -> tuple[Change, ...]:
    """Every setting that a new function gets and AWS would not have given it by itself."""
    members = differing(function.settings, complete({}))
    changes = (_setting(m, {}, function.settings, _holds_secret(function.settings[m])) for m in members)
    tagged = (Change(f"tag {key}", None, value) for key, value in sorted((function.tags or {}).items()))
    limit = () if function.concurrency is None else (Change("concurrency", None, str(function.concurrency)),)
    return (*changes, *environment({}, function.environment), *tagged, *limit)


def _holds_secret(value: Any) -> bool:
    return any(isinstance(leaf, Secret) for leaf in leaves(value))


def show(value: Any) -> str | None:
    """A setting's value in one line. Empty values are None: there is nothing to show."""
    if isinstance(value, dict):
        if len(value) == 1:
            return show(next(iter(value.values())))
        fields = {key: show(item) for key, item in value.items()}
        return " ".join(f"{key}={item}" for key, item in fields.items() if item) or None
    if isinstance(value, list):
        return ",".join(filter(None, map(show, value))) or None
    if isinstance(value, bool):
        return "true" if value else None
    return str(value) if value not in (None, "") else None


def environment(before: Mapping[str, Secret], after: Mapping[str, Secret]) -> tuple[Change, ...]:
    """Which variables were added, changed and removed; never their values."""
    verbs = {
        name: "added" if name not in before else "removed" if name not in after else "changed"
        for name in sorted(before.keys() | after.keys())
        if before.get(name) != after.get(name)
    }
    return tuple(Change(name, verb=verb) for name, verb in verbs.items())


def unversioned(function: Function, live: LiveFunction) -> tuple[Change, ...]:
    """What differs of that which belongs to no version."""
    return (*tags(function, live), *concurrency(function, live))


def tags(function: Function, live: LiveFunction) -> tuple[Change, ...]:
    """Tags that differ, where pipeline.yaml manages them. AWS's own and our marks are nobody's to touch."""
    if function.tags is None:
        return ()
    there = marks.own(live.tags)
    return tuple(
        Change(f"tag {key}", there.get(key), function.tags.get(key))
        for key in sorted(there.keys() | function.tags.keys())
        if there.get(key) != function.tags.get(key)
    )


def concurrency(function: Function, live: LiveFunction) -> tuple[Change, ...]:
    """Reserved concurrency, where pipeline.yaml manages it."""
    if function.concurrency is None or function.concurrency == live.concurrency:
        return ()
    before = None if live.concurrency is None else str(live.concurrency)
    return (Change("concurrency", before, str(function.concurrency)),)


def code(wanted: Package | LiveVersion, live: LiveVersion | LiveLayer) -> CodeChange:
    """How the code differs from what runs: size, files, dependencies."""
    if live.files is None or wanted.files is None:
        return CodeChange(live.size, wanted.size, None, ())
    before, after = ({file.path: file for file in files} for files in (live.files, wanted.files))
    files = tuple(
        FileChange("+" if path not in before else "-" if path not in after else "~", path)
        for path in sorted(before.keys() | after.keys())
        if not _same(before.get(path), after.get(path))
    )
    return CodeChange(live.size, wanted.size, files, _dependencies(live.files, wanted.files))


def _same(one: File | None, other: File | None) -> bool:
    """A CRC can be met on purpose: it decides only where no more is known of the one that runs."""
    if one is None or other is None or one.mode != other.mode:
        return one is other
    if one.sha256 and other.sha256:
        return one.sha256 == other.sha256
    return (one.size, one.crc32) == (other.size, other.crc32)


_DIST_INFO = re.compile(r"(?P<name>[^/]+?)-(?P<version>[^/-]+)\.dist-info")


def _dependencies(before: Iterable[File], after: Iterable[File]) -> tuple[Change, ...]:
    old, new = installed(before), installed(after)
    return tuple(
        Change(name, old.get(name), new.get(name))
        for name in sorted(old.keys() | new.keys())
        if old.get(name) != new.get(name)
    )


def installed(files: Iterable[File]) -> dict[str, str]:
    """Name and version of each distribution, read off the ``.dist-info`` folders that installers leave
    (https://packaging.python.org/en/latest/specifications/recording-installed-packages/)."""
    folders = {file.path.split("/", 1)[0] for file in files if "/" in file.path}
    matches = map(_DIST_INFO.fullmatch, folders)
    return {normalise(match["name"]): match["version"] for match in matches if match}
