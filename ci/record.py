"""What a release leaves behind: in a version's description, in an alias's description, in release.json. Pure.

A version's description reads ``Greets people | dollop commit=1f3a... digest=... code=...``, an alias's
``dollop release=1f3a2b4-9c0d1e2f run=1234 at=2026-01-31T09:00:00Z previous=7 version=8 since=2026-01-30T09:00:00Z``.
While a canary is under way, the alias's ends in `` dollop-canary=8-9/9c0d1e2f/2026-02-01T09:00:00Z``; where CodeDeploy
moves it, in `` dollop-codedeploy=8-9/5d6e7f8-9c0d1e2f/1240/2026-02-01T09:00:00Z``.
AWS allows 256 characters in each:
https://docs.aws.amazon.com/lambda/latest/api/API_PublishVersion.html
https://docs.aws.amazon.com/lambda/latest/api/API_UpdateAlias.html
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, astuple, dataclass, field, replace
from datetime import datetime
from typing import Any

from ci.errors import UsageError
from ci.model import Secret, label
from ci.model.live import AliasRecord, CanaryRecord, Handed, VersionRecord

_MARK = "dollop "
_SEPARATOR = " | "
_FORMAT = 1
DESCRIPTION_LIMIT = 256
"""Characters of a description."""


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


def version_description(record: VersionRecord, description: str | Secret = "") -> str:
    """The description to publish a version with: the function's own, then the record."""
    own = description.reveal() if isinstance(description, Secret) else description
    text = f"{_MARK}commit={record.commit} digest={record.digest} code={record.code_sha256}"
    return f"{own}{_SEPARATOR}{text}" if own else text


def read_version(text: str) -> tuple[str, VersionRecord | None]:
    """The function's own description and the record in ``text``; no record when somebody else published it."""
    own, mark, fields = _split(text)
    if not mark or not fields.keys() >= {"commit", "digest", "code"}:
        return text, None
    return own, VersionRecord(fields["commit"], fields["digest"], fields["code"])


def layer_description(digest: str) -> str:
    """The description to publish a layer version with: by its content it is found again."""
    return f"{_MARK}digest={digest}"


def read_layer(text: str) -> str | None:
    """The content digest in a layer version's description; None when somebody else published it."""
    own, mark, fields = _split(text)
    return fields.get("digest") if mark and not own else None


def alias_description(record: AliasRecord) -> str:
    """The description to point an alias with: the record's fields by their names."""
    return _MARK + " ".join(f"{key}={value}" for key, value in asdict(record).items() if value)


def read_alias(text: str) -> AliasRecord | None:
    """The record in an alias's description; None when somebody else wrote it."""
    _, mark, fields = _split(text)
    if not mark or not fields.keys() >= {"release", "run", "at"}:
        return None
    optional = (fields.get(name) for name in ("previous", "version", "since"))
    return AliasRecord(fields["release"], fields["run"], fields["at"], *optional)


_CANARY = re.compile(
    r"(?:(?P<own>.*) )?dollop-canary=(?P<before>\d+)-(?P<version>\d+)/(?P<release>\w+)/(?P<at>[\dT:-]+Z)", re.DOTALL
)


def canary_description(description: str, record: CanaryRecord) -> str:
    """``description``, of an alias, with what a canary leaves behind it; what is too long of the former is cut."""
    return _appended(description, f" dollop-canary={record.before}-{record.version}/{record.release}/{record.at}")


def _appended(description: str, text: str) -> str:
    return f"{description[:DESCRIPTION_LIMIT - len(text)]}{text}".strip()


def read_canary(text: str) -> tuple[str, CanaryRecord | None]:
    """The description as it was before the canary, and what that left; None where there is no canary."""
    found = _CANARY.fullmatch(text)
    if not found or not _is_moment(found["at"]):
        return text, None
    return found["own"] or "", CanaryRecord(found["before"], found["version"], found["release"], found["at"])


_HANDED = re.compile(
    r"(?:(?P<own>.*) )?dollop-codedeploy=(?P<before>\d+)-(?P<version>\d+)/(?P<release>[^/ ]+)/(?P<run>[^/ ]*)/"
    r"(?P<at>[\dT:-]+Z)",
    re.DOTALL,
)


def handed_description(description: str, record: Handed) -> str:
    """``description``, of an alias, with what is left for whoever reads it while CodeDeploy moves the alias, and after.

    All that the alias's own record will say once it has moved: CodeDeploy leaves a description as it is.
    """
    before, version, *rest = astuple(record)
    return _appended(description, f" dollop-codedeploy={before}-{version}/{'/'.join(rest)}")


def read_handed(text: str) -> tuple[str, Handed | None]:
    """The description as it was before CodeDeploy got the alias, and what that left; None where it has it not."""
    found = _HANDED.fullmatch(text)
    if not found or not _is_moment(found["at"]):
        return text, None
    return found["own"] or "", Handed(*(found[key] for key in ("before", "version", "release", "run", "at")))


def arrived(description: str, handed: Handed) -> str:
    """The description of an alias that CodeDeploy has moved; ``description`` is that from before."""
    now = read_alias(description)
    # As where this tool moves it: what the release moved again after somebody else, is another release of its name.
    since = (handed.at if now.release == handed.release else now.at) if now else None
    record = AliasRecord(handed.release, handed.run, handed.at, handed.before, handed.version, since)
    return alias_description(record)


def renumbered(description: str, version: str) -> str:
    """``description``, planned for an alias that moves, with the number that AWS gave the version."""
    before, handed = read_handed(description)
    if handed:
        return handed_description(before, replace(handed, version=version))
    written = read_alias(description)
    return alias_description(replace(written, version=version)) if written else description


def _is_moment(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def token(release: str) -> str:
    """What a canary's record says of its release."""
    return release.rpartition("-")[2]


def _split(text: str) -> tuple[str, str, dict[str, str]]:
    own, mark, rest = text.rpartition(_MARK)
    if own and not own.endswith(_SEPARATOR):
        return text, "", {}
    fields = dict(word.split("=", 1) for word in rest.split(" ") if "=" in word)
    return own.removesuffix(_SEPARATOR), mark, fields


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
    return Release(f"{stage}-{hashlib.sha256(content.encode()).hexdigest()[:8]}", stage, "", run, at, functions)
