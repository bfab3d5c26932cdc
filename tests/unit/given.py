"""Values to test with: functions, packages and live states, each with as little said as a test needs."""

from __future__ import annotations

import base64
import hashlib
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ci import settings
from ci.model import File, Function, Package, Secret, Smoke, Stage
from ci.model.live import AliasRecord, Live, LiveAlias, LiveFunction, LiveVersion, VersionRecord
from ci.plan.plan import Origin
from ci.record import alias_description, version_description

TEST = Stage("test", "test")
PROD = Stage("prod", "prod", source="test")
REGION = "eu-west-1"
COMMIT = "1f3a2b4c5d6e7f8091a2b3c4d5e6f708192a3b4c"
ROLE = "arn:aws:iam::123456789012:role/lambda"
ARN = f"arn:aws:lambda:{REGION}:123456789012:function:"
REQUIRED = {"Runtime": "python3.13", "Handler": "echo.handle", "Role": ROLE}

Contents = Mapping[str, str]
"""Path -> text of each file of a package."""


def origin(at: str = "2026-01-31T09:00:00Z", commit: str = COMMIT, run: str = "1234") -> Origin:
    return Origin(commit, run, at)


def moment(number: int) -> str:
    """The ``number``-th minute of a day, as alias descriptions have it."""
    return f"2026-01-31T{number // 60:02}:{number % 60:02}:00Z"


def secrets(values: Mapping[str, str]) -> dict[str, Secret]:
    return {name: Secret(value) for name, value in values.items()}


def function(
    name: str = "echo",
    environment: Mapping[str, str] | None = None,
    tags: Mapping[str, str] | None = None,
    concurrency: int | None = None,
    smoke: Smoke | None = None,
    retain: int = 10,
    **said: Any,
) -> Function:
    """``said`` are settings by AWS's name; what is not said has AWS's default, as ``config`` fills it in."""
    return Function(
        name,
        name,
        settings.complete(REQUIRED | said),
        secrets(environment or {}),
        Path("functions") / name,
        tags=tags,
        concurrency=concurrency,
        smoke=smoke,
        retain=retain,
    )


def file(path: str, text: str = "", mode: int = 0o644) -> File:
    data = text.encode()
    return File(path, mode, len(data), zlib.crc32(data), hashlib.sha256(data).hexdigest())


def package(
    contents: Contents | None = None, size: int = 641, zipped: str = "", name: str = "echo", mode: int = 0o644
) -> Package:
    """``zipped`` tells zips of the same content apart, as two compressors would make them."""
    files = tuple(file(path, text, mode) for path, text in sorted((contents or {"echo.py": "v1"}).items()))
    digest = _hash("".join(map(str, files)))
    return Package(name, Path("echo.zip"), digest, code_sha256(digest + zipped), size, 2 * size, files)


def code_sha256(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _hash(text: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode().rstrip("=")


def version(
    number: str = "7",
    built: Package | None = None,
    environment: Mapping[str, str] | None = None,
    commit: str | None = COMMIT,
    files: bool = True,
    **said: Any,
) -> LiveVersion:
    """A version that runs ``built``; with ``commit`` None, one that somebody published by hand."""
    built = built or package()
    record = VersionRecord(commit, built.digest, built.code_sha256) if commit else None
    return LiveVersion(
        version=number,
        settings=settings.complete(REQUIRED | said),
        environment=secrets(environment or {}),
        code_sha256=built.code_sha256,
        size=built.size,
        modified="2026-01-31T09:00:00.000+0000",
        revision=f"revision-of-{number}",
        description=version_description(record) if record else "",
        record=record,
        files=built.files if files else None,
    )


def alias(
    number: str = "7",
    name: str = "test",
    release: str | None = "1f3a2b4-0000aaaa",
    at: str = "2026-01-30T09:00:00Z",
    previous: str | None = None,
    since: str | None = None,
    weights: Mapping[str, float] | None = None,
) -> LiveAlias:
    """An alias that this tool has moved; with ``release`` None, one that another tool has."""
    record = AliasRecord(release, "1234", at, previous, number, since) if release else None
    description = alias_description(record) if record else ""
    return LiveAlias(name, number, f"revision-of-{name}", description, record, weights or {})


def found(
    *versions: LiveVersion,
    aliases: tuple[LiveAlias, ...] | None = None,
    stage: Stage = TEST,
    latest: LiveVersion | None = None,
    tags: Mapping[str, str] | None = None,
    concurrency: int | None = None,
) -> LiveFunction:
    """A function with ``versions``, oldest first. By default the stage runs the newest, and ``$LATEST`` is the same."""
    newest = versions[-1] if versions else None
    if aliases is None:
        aliases = (alias(newest.version, stage.alias),) if newest else ()
    named = {each.name: each for each in aliases}
    numbered = {each.version: each for each in versions}
    there = named.get(stage.alias)
    if latest is None:
        assert newest is not None
        latest = workbench(newest)
    running = (latest if there.version == "$LATEST" else numbered[there.version]) if there else None
    return LiveFunction(ARN + "echo", running, latest, named, versions, tags or {}, concurrency)


def workbench(like: LiveVersion) -> LiveVersion:
    """``$LATEST`` as it is right after ``like`` was published from it."""
    return LiveVersion(
        "$LATEST",
        like.settings,
        like.environment,
        like.code_sha256,
        like.size,
        like.modified,
        "revision-of-latest",
        files=like.files,
    )


def live(functions: Mapping[str, LiveFunction | None], stage: Stage = TEST) -> Live:
    return Live(stage, functions)
