"""The record of a release: as a value, and as release.json, from which a promotion is made. Pure."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ci.errors import UsageError
from ci.model import label

_FORMAT = 1


@dataclass(frozen=True)
class Released:
    """The version of one function in a release, and the digests that prove which code it is."""

    version: str
    digest: str
    code_sha256: str


@dataclass(frozen=True)
class Release:
    """One stage's function -> version map, with what it was made from."""

    id: str
    stage: str
    commit: str
    run: str
    at: str
    functions: Mapping[str, Released]
    sites: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Site -> function -> its version there, where the stage has several sites. ``functions`` is about the first."""

    def versions(self) -> list[tuple[str, str]]:
        """What is released, by name and, in several sites, by where; and its version."""
        first = {"": {name: one.version for name, one in self.functions.items()}}
        found = (self.sites or first).items()
        return [(label(name, site), version) for site, there in found for name, version in sorted(there.items())]


def to_json(release: Release) -> str:
    """release.json: what a promotion is made from."""
    data = {
        "format": _FORMAT,
        "release": release.id,
        "stage": release.stage,
        "commit": release.commit,
        "run": release.run,
        "at": release.at,
        "functions": {
            name: {"version": r.version, "digest": r.digest, "code_sha256": r.code_sha256}
            for name, r in sorted(release.functions.items())
        },
    } | ({"sites": {site: dict(versions) for site, versions in release.sites.items()}} if release.sites else {})
    return json.dumps(data, indent=2) + "\n"


_VERSION = re.compile(r"[0-9]{1,18}")
_NAME = re.compile(r"[A-Za-z0-9_-]{1,140}")
_SITE = re.compile(r"[a-z0-9-]{1,40}(/[0-9]{12})?")
_WORD = re.compile(r"[A-Za-z0-9:+=/_.@-]{0,128}")


def from_json(text: str, file: str) -> Release:
    """Read release.json, which may come from anywhere: every field is checked.

    Raises UsageError, naming ``file`` and the field.
    """
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{file}: not a release record: {error}") from None

    def field(holder: Any, key: str, shape: re.Pattern[str], where: str) -> str:
        value = holder.get(key) if isinstance(holder, dict) else None
        if not isinstance(value, str) or not shape.fullmatch(value):
            raise UsageError(f"{file}: not a release record: {where}{key} is missing or malformed")
        return value

    if not isinstance(data, dict) or data.get("format") != _FORMAT:
        raise UsageError(f"{file}: not a release record of format {_FORMAT}")
    entries = data.get("functions")
    if not isinstance(entries, dict) or not all(_NAME.fullmatch(name) for name in entries):
        raise UsageError(f"{file}: not a release record: functions is missing or malformed")
    functions = {
        name: Released(
            field(entry, "version", _VERSION, f"functions.{name}."),
            field(entry, "digest", _WORD, f"functions.{name}."),
            field(entry, "code_sha256", _WORD, f"functions.{name}."),
        )
        for name, entry in entries.items()
    }
    sites = data.get("sites", {})
    if not isinstance(sites, dict) or not all(_SITE.fullmatch(site) for site in sites):
        raise UsageError(f"{file}: not a release record: sites is missing or malformed")
    there = {
        site: {name: field(versions, name, _VERSION, f"sites.{site}.") for name in functions}
        for site, versions in sites.items()
    }
    words = {key: field(data, key, _WORD, "") for key in ("release", "stage", "commit", "run", "at")}
    return Release(words["release"], words["stage"], words["commit"], words["run"], words["at"], functions, there)


def amounting_to(stage: str, functions: Mapping[str, Released], run: str, at: str) -> Release:
    """The release that a stage's versions amount to, whichever deploys they came from. Named by its content."""
    content = json.dumps({name: [r.version, r.code_sha256] for name, r in sorted(functions.items())})
    return Release(beginning(stage) + hashlib.sha256(content.encode()).hexdigest()[:8], stage, "", run, at, functions)


def beginning(stage: str) -> str:
    """How a release is named that is what ``stage`` runs. An alias's description has to hold two such names."""
    return f"{stage[:20]}-"
