"""The releases that the versions of all functions amount to, newest first. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from ci.model.live import Live, LiveVersion
from ci.render.columns import table
from ci.render.commit import short
from ci.render.escape import plain
from ci.render.status import age


@dataclass(frozen=True)
class Published:
    """The versions that one commit published in a row, by function; ``commit`` is None where nobody wrote it down."""

    commit: str | None
    at: str
    versions: Mapping[str, str]
    """Function -> its newest version of this commit."""
    runs: Mapping[str, Sequence[str]]
    """Stage -> the functions that it runs in just this version."""


def published(listed: Live, lives: Mapping[str, Live]) -> tuple[Published, ...]:
    """``listed`` has the versions of every function, ``lives`` what each stage runs."""
    every = [
        (version.modified, name, version)
        for name, found in listed.functions.items()
        for version in (found.versions or () if found else ())
    ]
    every.sort(key=lambda each: (datetime.fromisoformat(each[0]), each[1], int(each[2].version)))
    arns = {name: found.arn for name, found in listed.functions.items() if found}
    running = {
        stage: {(found.arn, found.running.version) for found in live.functions.values() if found and found.running}
        for stage, live in lives.items()
    }

    def made(commit: str | None, group: list[tuple[str, str, LiveVersion]]) -> Published:
        versions = {name: version.version for _, name, version in group}
        runs = {
            stage: [name for name, number in sorted(versions.items()) if (arns[name], number) in there]
            for stage, there in running.items()
        }
        return Published(commit, group[-1][0], versions, {stage: names for stage, names in runs.items() if names})

    groups = groupby(every, key=lambda each: each[2].commit)
    return tuple(made(commit, list(group)) for commit, group in groups)[::-1]


def text(releases: Sequence[Published], now: datetime) -> str:
    """One row a release: its age and commit, the versions it published, which stages run them."""
    rows = [
        [
            age(each.at, now),
            short(each.commit),
            ", ".join(f"{plain(name)} {number}" for name, number in sorted(each.versions.items())),
            ", ".join(map(plain, each.runs)),
        ]
        for each in releases
    ]
    return table([["age", "commit", "versions", "runs on"], *rows])
