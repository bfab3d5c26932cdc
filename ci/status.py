"""What each stage runs, and where the workbench is no longer what the last release left on it. Read-only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ci import attached, diff, live
from ci.aws import Aws
from ci.errors import DollopError
from ci.model import Function, Live, LiveFunction, LiveVersion, Stage, label
from ci.parallel import Track, quiet
from ci.workspace import Workspace


@dataclass(frozen=True)
class Status:
    """``lives`` by stage (and site, where it has several), in the order of pipeline.yaml;
    ``drift``: function -> what was changed by hand."""

    lives: Mapping[str, Live]
    drift: Mapping[str, tuple[str, ...]]


def everywhere(workspace: Workspace, functions: Sequence[Function]) -> Status:
    """Of every stage in each of its sites. Raises AwsError."""
    lives: dict[str, Live] = {}
    drift: dict[str, tuple[str, ...]] = {}
    for name, site in workspace.sites().items():
        try:
            found = read(workspace.at(site), workspace.stages_at(site), functions, workspace.track)
        except DollopError as error:
            raise error.within(name)
        lives |= found.lives
        drift |= {label(function, name): keys for function, keys in found.drift.items()}
    order = list(workspace.pipeline.stages)
    return Status(dict(sorted(lives.items(), key=lambda item: order.index(item[1].stage.name))), drift)


def versions(workspace: Workspace, functions: Sequence[Function]) -> Live:
    """Every version and alias, in each site. Raises AwsError."""
    stage = workspace.stage(None)
    found: dict[str, LiveFunction | None] = {}
    for name, site in workspace.sites().items():
        try:
            there = live.read(workspace.at(site), stage, functions, None, True, True, workspace.track)
        except DollopError as error:
            raise error.within(name)
        found |= {label(function, name): each for function, each in there.functions.items()}
    return Live(stage, found)


def read(aws: Aws, stages: Mapping[str, Stage], functions: Iterable[Function], track: Track = quiet) -> Status:
    """Of one site. One GetFunction a stage and one of ``$LATEST``; only where that is none of what runs, the versions
    are listed.

    Aliases, for their shares, are listed where the stage has a rollout; a URL is read where the stage has one.

    Raises AwsError.
    """
    wanted = list(functions)
    lives = {
        name: attached.urls(
            aws, live.read(aws, stage, wanted, aliases=stage.rollout is not None, track=track), wanted, track
        )
        for name, stage in stages.items()
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
