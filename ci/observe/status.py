"""What each stage runs, and where the workbench is no longer what the last release left on it. Read-only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from ci import diff, live, remembered
from ci.aws import Aws
from ci.live import attachments
from ci.model import Function, Site, Stage, label
from ci.model.live import Live, LiveFunction, LiveVersion
from ci.observe import strays as by_hand
from ci.plan.changes import Change
from ci.workspace import Workspace


@dataclass(frozen=True)
class Status:
    """``lives`` by stage (and site, where it has several), in the order of pipeline.yaml;
    ``drift``: function -> what was changed by hand."""

    lives: Mapping[str, Live]
    drift: Mapping[str, tuple[str, ...]]
    strays: tuple[str, ...] = ()
    """A line for each alias that somebody else moved or split."""
    unlike: Mapping[str, tuple[Change, ...]] = field(default_factory=dict)
    """Function -> tags and concurrency that are not what pipeline.yaml says: still to be deployed, or of a function
    that tells nothing of them (see ``remembered``)."""


def everywhere(workspace: Workspace, functions: Sequence[Function]) -> Status:
    """Of every stage in each of its sites. Raises AwsError."""
    lives: dict[str, Live] = {}
    drift: dict[str, tuple[str, ...]] = {}
    strays: list[str] = []
    unlike: dict[str, tuple[Change, ...]] = {}

    def one(site: Site) -> Status:
        return read(workspace.at(site), workspace.stages_at(site), functions)

    for name, found in workspace.in_each([], one).items():
        lives |= found.lives
        drift |= {label(function, name): keys for function, keys in found.drift.items()}
        strays += (f"{name}: {line}" if name else line for line in found.strays)
        unlike |= {label(function, name): changes for function, changes in found.unlike.items()}
    order = list(workspace.pipeline.stages)
    ordered = dict(sorted(lives.items(), key=lambda item: order.index(item[1].stage.name)))
    return Status(ordered, drift, tuple(strays), unlike)


def versions(workspace: Workspace, functions: Sequence[Function]) -> Live:
    """Every version and alias, in each site. Raises AwsError."""
    stage = workspace.stage(None)
    found: dict[str, LiveFunction | None] = {}

    def one(site: Site) -> Live:
        return live.read(workspace.at(site), stage, functions, aliases=True, versions=True)

    for name, there in workspace.in_each([], one).items():
        found |= {label(function, name): each for function, each in there.functions.items()}
    return Live(stage, found)


def read(aws: Aws, stages: Mapping[str, Stage], functions: Iterable[Function]) -> Status:
    """Of one site. One GetFunction a stage and one of ``$LATEST``, and one ListAliases; only where ``$LATEST`` is none
    of what runs, the versions are listed. A URL is read where the stage has one.

    Raises AwsError.
    """
    wanted = list(functions)
    lives, latest = live.survey(aws, stages, wanted)
    lives = {name: attachments.urls(aws, found, wanted) for name, found in lives.items()}
    doubtful = [function for function in wanted if _is_doubtful(latest[function.name], function.name, lives.values())]
    drift = {}
    if doubtful:
        listed = live.read(aws, next(iter(lives.values())).stage, doubtful, versions=True)
        for name, found in listed.functions.items():
            workbench = latest[name]
            if found and found.versions and workbench and (changes := _by_hand(workbench, found.versions[-1])):
                drift[name] = changes
    strays = [line for found in lives.values() for line in by_hand.of(found)]
    unlike, functions_there = {}, next(iter(lives.values())).functions
    for function in wanted:
        if there := functions_there[function.name]:
            differing = diff.unversioned(function, there)
            if keys := tuple(change.key for change in remembered.by_hand(there, differing)):
                drift[function.name] = (*drift.get(function.name, ()), *keys)
            if rest := tuple(change for change in differing if change.key not in keys):
                unlike[function.name] = rest
    return Status(lives, drift, tuple(strays), unlike)


def _is_doubtful(latest: LiveVersion | None, name: str, lives: Iterable[Live]) -> bool:
    """Whether ``$LATEST`` is none of the versions that the stages run: changed by hand, or newer than all of them."""
    found = (each.functions[name] for each in lives)
    running = [each.running for each in found if each is not None and each.running is not None]
    return latest is not None and bool(running) and all(_by_hand(latest, version) for version in running)


def _by_hand(latest: LiveVersion, version: LiveVersion) -> tuple[str, ...]:
    """What differs, by its key in pipeline.yaml."""
    settings = tuple(change.key for change in diff.configuration(latest, version))
    return settings if latest.code_sha256 == version.code_sha256 else (*settings, "code")
