"""A plan in the run's summary, and in a file for the comment, with what its readers want to know beside it."""

from __future__ import annotations

import re
import subprocess
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from ci.github.run import Run
from ci.plan.plan import Plan
from ci.release import beginning
from ci.render import markdown
from ci.render.links import Commit
from ci.render.mermaid import Runs

if TYPE_CHECKING:
    from ci.model.live import Live
    from ci.workspace import Workspace


_OF_A_FORK = "Of a fork only the packages are planned: a change to pipeline.yaml is not in this plan."


def plan(run: Run, workspace: Workspace, proposed: Plan, file: Path | None = None) -> None:
    """Show ``proposed`` in the summary; in ``file`` leave it as a comment."""
    from dataclasses import replace

    from ci import live

    origin = replace(proposed.origin, commit=run.commit)
    notes = (*proposed.notes, *([_OF_A_FORK] if "workflow_run" in run.event else []))
    proposed = replace(proposed, origin=origin, notes=notes)
    functions = workspace.select([each.function for each in proposed.functions if each.actions] or ())
    lives = {
        name: live.read(workspace.at(site), stage, functions)
        for site in workspace.sites().values()
        for name, stage in workspace.stages_at(site).items()
        if stage.name == proposed.stage or site.plan_role or not site.role
    }
    others = {name: _versions(seen) for name, seen in lives.items() if seen.stage.name != proposed.stage}
    commits: list[Commit] | None = []
    source = workspace.pipeline.stages[proposed.stage].source
    if source and proposed.verb == "promote":
        # A release that is named by its stage is what that stage runs; any other was made of the run's commit.
        leading = _commits(lives, source) if proposed.release.startswith(beginning(source)) else [run.commit]
        running = _commits(lives, proposed.stage)
        commits = _missing(workspace.pipeline.root, leading, running)
    if commits is None:
        what = f"git does not know all of {', '.join([*leading, *running])}: the commits between are not listed"
        proposed = replace(proposed, notes=(*proposed.notes, what))
    runs = [Runs(name, seen.stage.name, seen.stage.source, _counted(seen)) for name, seen in lives.items()]
    run.summarize(markdown.plan(proposed, run.links, others, commits or (), markdown.SUMMARY_LIMIT, runs))
    if file:
        file.write_text(markdown.plan(proposed, run.links, others, commits or (), stages=runs), encoding="utf-8")


def _versions(seen: Live) -> dict[str, str]:
    return {
        name: found.running.version for name, found in seen.functions.items() if found is not None and found.running
    }


def _counted(seen: Live) -> Counter[str | None]:
    running = [found.running for found in seen.functions.values() if found is not None and found.running]
    return Counter(version.commit for version in running)


def _commits(lives: Mapping[str, Live], stage: str) -> list[str]:
    """The commits that ``stage`` runs. A description may have been written by anybody: only a hash is taken."""
    functions = [found for seen in lives.values() if seen.stage.name == stage for found in seen.functions.values()]
    running = [found.running for found in functions if found is not None]
    known = {version.commit.removesuffix("+") for version in running if version and version.commit}
    return sorted(commit for commit in known if re.fullmatch("[0-9a-f]{7,64}", commit))


def _missing(root: Path, leading: list[str], running: list[str]) -> list[Commit] | None:
    """The commits that lead to those of ``leading`` and to none of ``running``; None where git cannot tell.

    A checkout of one commit has no others: it is not asked. Every run that is to list them has all.
    """
    if not (running and leading) or (root / ".git/shallow").exists():
        return []
    command = ["git", "-C", str(root), "log", "--format=%H %s", *leading, "--not", *running, "--"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return [Commit(*line.split(" ", 1)) for line in done.stdout.split("\n") if " " in line]
