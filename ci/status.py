"""What each stage runs, and where the workbench is no longer what the last release left on it. Read-only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ci import diff, live
from ci.aws import Aws
from ci.model import Function, Live, LiveVersion, Stage
from ci.parallel import Track, quiet


@dataclass(frozen=True)
class Status:
    """``lives`` by stage, in the order of pipeline.yaml; ``drift``: function -> what was changed by hand."""

    lives: Mapping[str, Live]
    drift: Mapping[str, tuple[str, ...]]


def read(aws: Aws, stages: Iterable[Stage], functions: Iterable[Function], track: Track = quiet) -> Status:
    """One GetFunction a stage and one of ``$LATEST``; only where that is none of what runs, the versions are listed.

    Aliases, for their shares, are listed where the stage has a rollout.

    Raises AwsError.
    """
    wanted = list(functions)
    lives = {
        stage.name: live.read(aws, stage, wanted, aliases=stage.rollout is not None, track=track) for stage in stages
    }
    latest = live.versions(aws, wanted, {function.name: "$LATEST" for function in wanted}, track)
    doubtful = [function for function in wanted if _is_doubtful(latest[function.name], function.name, lives.values())]
    drift = {}
    if doubtful:
        listed = live.read(aws, next(iter(lives.values())).stage, doubtful, versions=True, track=track)
        for name, found in listed.functions.items():
            workbench = latest[name]
            if found and found.versions and workbench and (changes := _by_hand(workbench, found.versions[-1])):
                drift[name] = changes
    return Status(lives, drift)


def _is_doubtful(latest: LiveVersion | None, name: str, lives: Iterable[Live]) -> bool:
    """Whether ``$LATEST`` is none of the versions that the stages run: changed by hand, or newer than all of them."""
    found = (each.functions[name] for each in lives)
    running = [each.running for each in found if each is not None and each.running is not None]
    return latest is not None and bool(running) and all(_by_hand(latest, version) for version in running)


def _by_hand(latest: LiveVersion, version: LiveVersion) -> tuple[str, ...]:
    """What differs, by its key in pipeline.yaml."""
    settings = tuple(change.key for change in diff.configuration(latest, version))
    return settings if latest.code_sha256 == version.code_sha256 else (*settings, "code")
