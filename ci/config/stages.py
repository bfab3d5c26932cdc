"""``stages`` -> Stage: each has an alias of its own, sites, a rollout, and a way back to one that is built."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ci.config import messages, rollout, sites
from ci.config.document import Document
from ci.model import Stage


def stages(
    document: Document,
    said: Mapping[str, Any],
    home: str | None,
    project: str,
    functions: Mapping[str, Any],
    named: Mapping[str, str],
) -> dict[str, Stage]:
    """By name. ``said`` is what pipeline.yaml says of them, ``home`` the region of those that name none, ``functions``
    are the entries of the functions, ``named`` their names in AWS."""
    sound = {name: entry for name, entry in said.items() if "alias" in entry}
    stages = {
        name: Stage(
            name,
            entry["alias"],
            entry.get("from"),
            rollout.rollout(entry.get("rollout"), project),
            sites.sites(entry, home, functions),
        )
        for name, entry in sound.items()
    }
    every = document.node.value.get("stages") if isinstance(document.node.value, dict) else None
    owners: dict[tuple[str, str], str] = {}
    for name, stage in stages.items():
        others = [owners.setdefault((site.name, stage.alias), name) for site in stage.sites]
        if others != [name] * len(others):
            other = next(each for each in others if each != name)
            document.problem(f"is the alias of {other} too", "stages", name, "alias")
        for path, what in sites.problems(sound[name], functions):
            document.problem(what, "stages", name, *path)
        entry = (every or {})[name]
        for path, what in rollout.problems(entry.get("rollout"), entry.get("role"), name, named.values()):
            document.problem(what, "stages", name, "rollout", *path)
        if stage.source is not None and isinstance(every, dict) and stage.source not in every:
            what = f"there is no stage {stage.source!r}" + messages.similar(stage.source, every)
            document.problem(what, "stages", name, "from")
        elif name in _origins(stages, name):
            document.problem("leads back to this stage: nothing would ever be built for it", "stages", name, "from")
    return stages


def _origins(stages: Mapping[str, Stage], start: str) -> set[str]:
    """Every stage that ``start`` is promoted from, however far back."""
    origins: set[str] = set()
    name = stages[start].source
    while name is not None and name in stages and name not in origins:
        origins.add(name)
        name = stages[name].source
    return origins
