"""What a release leaves behind in AWS, in the descriptions of versions, layers and aliases. Pure.

A version's description reads ``Greets people | dollop commit=1f3a... digest=... code=...``, an alias's
``dollop release=1f3a2b4-9c0d1e2f run=1234 at=2026-01-31T09:00:00Z previous=7 version=8 since=2026-01-30T09:00:00Z``.
While a canary is under way, the alias's ends in `` dollop-canary=8-9/9c0d1e2f/2026-02-01T09:00:00Z``; where CodeDeploy
moves it, in `` dollop-codedeploy=8-9/5d6e7f8-9c0d1e2f/1240/2026-02-01T09:00:00Z``.
AWS allows 256 characters in each:
https://docs.aws.amazon.com/lambda/latest/api/API_PublishVersion.html
https://docs.aws.amazon.com/lambda/latest/api/API_UpdateAlias.html
"""

from __future__ import annotations

import re
from dataclasses import asdict, astuple, replace
from datetime import datetime

from ci.model import Secret
from ci.model.live import AliasRecord, CanaryRecord, Handed, VersionRecord

_MARK = "dollop "
_SEPARATOR = " | "
DESCRIPTION_LIMIT = 256
"""Characters of a description."""


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


def layer_description(digest: str, code_sha256: str) -> str:
    """The description to publish a layer version with: by its content it is found again."""
    return f"{_MARK}digest={digest} code={code_sha256}"


def read_layer(text: str) -> tuple[str, str] | None:
    """The content digest and CodeSha256 in a layer version's description; None when somebody else published it.

    The latter is empty in those of before it was written.
    """
    own, mark, fields = _split(text)
    return (fields["digest"], fields.get("code", "")) if mark and not own and "digest" in fields else None


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
