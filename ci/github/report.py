"""A plan in the run's summary, and in a file for the comment, with what its readers want to know beside it."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from ci.github.run import Run
from ci.plan.actions import Plan
from ci.render import markdown

if TYPE_CHECKING:
    from ci.model import Live
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
    commits = []
    if proposed.verb == "promote":
        own = next(seen for seen in lives.values() if seen.stage.name == proposed.stage)
        commits = _missing(workspace.pipeline.root, run.commit, own)
    run.summarize(markdown.plan(proposed, run.links, others, commits, markdown.SUMMARY_LIMIT))
    if file:
        file.write_text(markdown.plan(proposed, run.links, others, commits))


def _versions(seen: Live) -> dict[str, str]:
    return {
        name: found.running.version for name, found in seen.functions.items() if found is not None and found.running
    }


def _missing(root: Path, commit: str, seen: Live) -> list[markdown.Commit]:
    """The commits that lead to ``commit`` and to nothing that the stage runs. Empty where git cannot tell."""
    running = (found.running for found in seen.functions.values() if found is not None)
    known = sorted({version.record.commit for version in running if version and version.record})
    if not known:
        return []
    command = ["git", "-C", str(root), "log", "--format=%H %s", commit, "--not", *known, "--"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return []
    return [markdown.Commit(*line.split(" ", 1)) for line in done.stdout.splitlines() if " " in line]
