"""Plan and release -> GitHub Markdown, for the comment on a pull request and for a run's summary.

Names, paths and descriptions come from a pull request: they are shown inside of code, where Markdown, HTML and
``@mentions`` mean nothing, and their control characters are escaped.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from ci.model import Canary, CodeDeploy
from ci.plan.actions import PublishLayer
from ci.plan.plan import Plan
from ci.release import Release
from ci.render import details, marker, mermaid
from ci.render.blocks import Block, code, fence, fitted, listed
from ci.render.columns import si
from ci.render.details import Versions
from ci.render.links import Commit, Links
from ci.render.mermaid import Runs
from ci.render.text import duration, summary

COMMENT_LIMIT = 60_000
"""Bytes. GitHub takes 65,536 characters: https://github.com/orgs/community/discussions/27190"""

SUMMARY_LIMIT = 1_000_000
"""Bytes. A step may write 1 MiB:
https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands#step-isolation-and-limits"""


def plan(
    plan: Plan,
    links: Links,
    others: Versions | None = None,
    commits: Sequence[Commit] = (),
    limit: int = COMMENT_LIMIT,
    stages: Sequence[Runs] = (),
) -> str:
    """The plan with its marker, in at most ``limit`` bytes: a line, a table, a block for each function that changes.

    ``others`` are the versions that the other stages run, ``commits`` those that the stage does not have yet,
    ``stages`` what runs where: drawn in a run's summary, told in a line of a comment, which is read on phones.
    """
    changing = [function for function in plan.functions if function.actions]
    title = _TITLES.get(plan.verb, plan.verb.capitalize())
    headline = f"### {title} {code(plan.stage)}: {summary(plan)}"
    notes = (*plan.notes, *_watched(plan.rollout), *map(_layer, plan.layers))
    head = [str(marker.of_plan(plan)), headline, *(f"> {code(note)}" for note in notes[:_NOTED])]
    head += [f"> and {len(notes) - _NOTED} more notes: see the log of the run"] if len(notes) > _NOTED else []
    foot = f"{links.to_commit(plan.origin.commit)} · {links.to_run()} · {links.to_environment(plan.stage)}"
    body = [
        *details.table(changing, plan.stage, others or {}),
        *_way(plan, stages, limit == SUMMARY_LIMIT),
        *(details.of_layer(each.layer.function, each.code) for each in plan.layers if each.code),
        *(details.of_function(each, plan.rollout) for each in changing),
        *_commits(commits, links),
    ]
    return fitted("\n\n".join(head), body, foot, limit)


_NOTED = 50
"""Notes that are shown: a comment that is too long for GitHub would leave that of an older plan where it is."""


def _layer(action: PublishLayer) -> str:
    site = f" in {action.site}" if action.site else ""
    return f"new layer {action.layer.function}{site}, version {action.arn.rpartition(':')[2]}, {si(action.layer.size)}"


def _way(plan: Plan, stages: Sequence[Runs], drawn: bool) -> Iterator[Block]:
    if not stages or plan.empty:
        return
    if drawn:
        yield fence(mermaid.way(plan.origin.commit, plan.verb, plan.stage, stages), "mermaid")
        return
    steps = (f"{details.word(runs.label)}\u00a0({details.word(mermaid.running(runs))})" for runs in stages)
    yield Block([f"now: {' → '.join(steps)}"])


def _watched(canary: Canary | CodeDeploy | None) -> Iterator[str]:
    if isinstance(canary, CodeDeploy):
        alarms = f", which takes them back where one of these alarms rings: {', '.join(canary.alarms)}"
        yield f"CodeDeploy moves the aliases ({canary.config}){alarms if canary.alarms else ''}"
    elif canary:
        alarms = f", while these alarms are watched: {', '.join(canary.alarms)}" if canary.alarms else ""
        yield f"canary: {canary.share}% of the calls for {duration(canary.seconds)}{alarms}; then all, or all back"


_TITLES = {
    "deploy": "Deploy to",
    "promote": "Promote to",
    "rollback": "Roll back",
}


def failure(stage: str, messages: Iterable[str], links: Links, commit: str, limit: int = COMMENT_LIMIT) -> str:
    """In place of a plan: why there is none."""
    head = f"{marker.Marker(stage, commit, links.run)}\n\n### No plan for {code(stage)}"
    return fitted(head, [Block(listed("\n".join(messages)))], f"{links.to_commit(commit)} · {links.to_run()}", limit)


def released(body: str, release: Release, links: Links, limit: int = COMMENT_LIMIT) -> str:
    """``body``, a comment, with the outcome of its plan at the end; what an earlier run wrote there is replaced."""
    body = body.partition(_RESULT)[0].rstrip()
    versions = ", ".join(f"{code(name)} {version}" for name, version in release.versions())
    line = f"**Released to {code(release.stage)}** in {links.to_run()} {links.run}: {versions}"
    room = limit - len(body.encode()) - len(_RESULT.encode()) - 4
    if len(line.encode()) > room:
        line = f"**Released to {code(release.stage)}** in {links.to_run()} {links.run}"
    return f"{body}\n\n{_RESULT}\n{line}\n"


_RESULT = "<!-- dollop result -->"


def drift(plans: Sequence[Plan], strays: Sequence[str], links: Links) -> str:
    """What an issue says about drift; empty where there is none."""
    changing = [each for each in plans if not each.empty]
    parts = [f"- {code(stray)}" for stray in strays]
    parts += [plan(each, links, limit=COMMENT_LIMIT // (2 * len(plans))) for each in changing]
    return "\n".join(parts)


def kept(then: marker.Marker | None, now: marker.Marker, pull: int) -> str:
    """Whether what is about to happen is what pull request ``pull`` showed."""
    if then is None or not then.digest:
        return f"Pull request #{pull} showed no plan for {code(now.stage)} that this one could be compared with."
    if then.digest == now.digest:
        return f"This is exactly the plan that pull request #{pull} showed."
    names = ", ".join(map(code, marker.differing(then, now)))
    return (
        f"> [!WARNING]\n> This is not the plan that pull request #{pull} showed"
        f"{f': it does something else to {names}' if names else ''}. "
        f"Something was released, or changed by hand, since its run {code(then.run)}."
    )


_COMMITS_SHOWN = 100


def _commits(commits: Sequence[Commit], links: Links) -> Iterator[Block]:
    if commits:
        lines = [f"- {links.to_commit(commit.sha)} {code(commit.title)}" for commit in commits[:_COMMITS_SHOWN]]
        lines += [f"- and {len(commits) - _COMMITS_SHOWN} more"] if len(commits) > _COMMITS_SHOWN else []
        yield Block(lines, f"**{len(commits)} commit{'s' * (len(commits) > 1)} that it does not have yet**\n\n")
