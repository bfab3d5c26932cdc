"""Plan and release -> GitHub Markdown, for the comment on a pull request and for a run's summary.

Names, paths and descriptions come from a pull request: they are shown inside of code, where Markdown, HTML and
``@mentions`` mean nothing, and their control characters are escaped.
"""

from __future__ import annotations

import html
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from ci.model import Canary, CodeDeploy, Package
from ci.plan.actions import CreateFunction, PointAlias, PublishLayer, UpdateCode
from ci.plan.changes import Change, CodeChange, FileChange
from ci.plan.plan import FunctionPlan, Plan
from ci.record import Release
from ci.render import attachments, marker, mermaid
from ci.render.blocks import Block, code, fence, fitted, listed
from ci.render.columns import si, sizes
from ci.render.commit import HASH
from ci.render.escape import plain
from ci.render.mermaid import Runs
from ci.render.text import duration, founding, rollout, summary

COMMENT_LIMIT = 60_000
"""Bytes. GitHub takes 65,536 characters: https://github.com/orgs/community/discussions/27190"""

SUMMARY_LIMIT = 1_000_000
"""Bytes. A step may write 1 MiB:
https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands#step-isolation-and-limits"""


@dataclass(frozen=True)
class Commit:
    """A commit, to be listed: full hash and first line of its message."""

    sha: str
    title: str


@dataclass(frozen=True)
class Links:
    """Where things are on GitHub: ``repository`` is its address, ``run`` the number of the run."""

    repository: str
    run: str

    def to_run(self) -> str:
        return f"[run]({self.repository}/actions/runs/{self.run})"

    def to_commit(self, sha: str) -> str:
        return f"[`{sha[:7]}`]({self.repository}/commit/{sha})" if HASH.fullmatch(sha) else code(sha)

    def to_environment(self, stage: str) -> str:
        return f"[environment {code(stage)}]({self.repository}/deployments/{stage})"


Versions = Mapping[str, Mapping[str, str]]
"""Stage -> function -> the version that it runs."""


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
    head = [str(marker.of_plan(plan)), headline, *(f"> {code(note)}" for note in notes)]
    foot = f"{links.to_commit(plan.origin.commit)} · {links.to_run()} · {links.to_environment(plan.stage)}"
    details = [_layer_details(each.layer.function, each.code) for each in plan.layers if each.code]
    details += [_details(each, plan.rollout) for each in changing]
    way = _way(plan, stages, limit == SUMMARY_LIMIT)
    body = [*_table(changing, plan.stage, others or {}), *way, *details, *_commits(commits, links)]
    return fitted("\n\n".join(head), body, foot, limit)


def _layer(action: PublishLayer) -> str:
    site = f" in {action.site}" if action.site else ""
    return f"new layer {action.layer.function}{site}, version {action.arn.rpartition(':')[2]}, {si(action.layer.size)}"


def _way(plan: Plan, stages: Sequence[Runs], drawn: bool) -> Iterator[Block]:
    if not stages or plan.empty:
        return
    if drawn:
        yield fence(mermaid.way(plan.origin.commit, plan.verb, plan.stage, stages), "mermaid")
        return
    steps = (f"{_word(runs.label)}\u00a0({_word(mermaid.running(runs))})" for runs in stages)
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


# ---------------------------------------------------------------- its parts


def _table(functions: Sequence[FunctionPlan], stage: str, others: Versions) -> Iterator[Block]:
    if not functions:
        return
    columns = ["function", "change", "size", stage, *others]
    rows = [list(map(_word, columns)), ["---"] * len(columns)]
    for function in functions:
        size = _size(function.code).replace(" ", _UNBROKEN)
        versions = (_word(other.get(function.function, "-")) for other in others.values())
        rows.append([code(function.label), _kinds(function), size, _versions(function), *versions])
    yield Block([f"| {' | '.join(_cell(cell) for cell in row)} |" for row in rows])


_UNBROKEN = "\u00a0"
"""A space at which a narrow column is not broken."""


def _cell(text: str) -> str:
    """Within a table a bar ends a cell, also in code: https://github.github.com/gfm/#example-200"""
    return text.replace("|", "\\|")


def _word(text: str) -> str:
    return text if re.fullmatch(r"[A-Za-z0-9-]*", text) else code(text)


def _kinds(function: FunctionPlan) -> str:
    settings = len(function.changes)
    words = [
        "new" if function.new else "",
        "code" if function.code and not function.new else "",
        f"{settings} setting{'s' * (settings > 1)}" if settings and not function.new else "",
        *(f"{group.mark} {group.what}" for group in attachments.groups(function.attach)),
        f"{len(function.remove)} removed" if function.remove else "",
    ]
    moved = any(isinstance(action, PointAlias) for action in function.shift)
    return ", ".join(filter(None, words)) or ("version" if moved else "tag")


def _size(change: CodeChange | None) -> str:
    if change is None:
        return ""
    if change.size_before in (0, change.size_after):
        return si(change.size_after)
    return sizes(change.size_before, change.size_after).replace("->", "→")


def _versions(function: FunctionPlan) -> str:
    point = next((action for action in function.shift if isinstance(action, PointAlias)), None)
    if point is None:
        return _word(function.version or "-")
    return _UNBROKEN.join([*([_word(point.before), "→"] if point.before else []), _word(point.expected)])


def _details(function: FunctionPlan, canary: Canary | CodeDeploy | None) -> Block:
    name = html.escape(plain(function.label)).replace("@", "&#64;")
    opening = f"<details><summary><code>{name}</code>: {_kinds(function)}</summary>\n\n"
    made_of = next((_composition(each.package) for each in function.prepare if isinstance(each, _UPLOADS)), "")
    return fence(_diff(function, canary), "diff", opening, f"{made_of}\n\n</details>")


def _layer_details(name: str, change: CodeChange) -> Block:
    opening = f"<details><summary><code>{html.escape(plain(name))}</code>: layer</summary>\n\n"
    return fence(_code(change, False), "diff", opening, "\n\n</details>")


_UPLOADS = (CreateFunction, UpdateCode)


def _composition(package: Package) -> str:
    lines = mermaid.composition(package)
    return f"\n\n{fence(lines, 'mermaid')}" if lines else ""


def _diff(function: FunctionPlan, canary: Canary | CodeDeploy | None) -> list[str]:
    lines = [f"{'+' if function.new else ' '} function {plain(function.label)}"]
    lines += [line for change in function.changes for line in _change(change)]
    if function.code:
        lines += _code(function.code, function.new)
    if function.stored:
        lines.append(f"+ package: s3://{plain(function.stored.bucket)}/{plain(function.stored.key)}")
    lines += [f"! by hand: {line}" for change in function.drift for line in _change(change)]
    for action in function.shift:
        if (said := founding(action)):
            lines += [f"{'!' if said[0] == '~' else said[0]} {said[1]} {plain(said[2])}", *_change(said[3])]
        if isinstance(action, PointAlias):
            lines += _change(Change(f"alias {action.alias}", action.before, action.expected))
            lines += [f"  {key}: {plain(value)}" for key, value in rollout(action, function, canary)]
    for group in attachments.groups(function.attach):
        of = f"of alias {plain(group.alias)}" if group.alias else ""
        title = " ".join(filter(None, (group.what, plain(group.name), of)))
        lines.append(f"{'!' if group.mark == '~' else group.mark} {title}")
        lines += [line for change in group.changes for line in _change(change)]
    return lines


def _code(change: CodeChange, new: bool) -> list[str]:
    lines = [f"  size: {_size(change)}", *(line for each in change.dependencies for line in _change(each))]
    lines += _files(change.files or ())
    if change.files is None and not new:
        lines.append("! files and dependencies: not compared (the live package could not be read)")
    return lines


_LISTED = 3
"""Files of one folder, beyond which the folder is named: a new dependency would hide one's own files."""


def _files(files: Sequence[FileChange]) -> list[str]:
    """Each file, or, where many of one folder at the top are added, changed or removed, their number."""
    folders = Counter((file.mark, _top(file.path)) for file in files)
    lines = []
    for file in files:
        count = folders[file.mark, top := _top(file.path)]
        shown = f"{top}/ ({count} files)" if top and count > _LISTED else file.path
        lines.append(f"{'!' if file.mark == '~' else file.mark} {plain(shown)}")
    return list(dict.fromkeys(lines))


def _top(path: str) -> str:
    """The first folder in ``path``; empty for a file that is in none."""
    return path.split("/", 1)[0] if "/" in path else ""


def _change(change: Change) -> Iterator[str]:
    """As a diff shows it; GitHub colours ``-``, ``+`` and ``!`` at the beginning of a line."""
    if change.verb:
        yield f"{_VERBS.get(change.verb, '!')} {plain(change.key)}: {change.verb}"
        return
    if change.before is not None:
        yield f"- {plain(change.key)}: {plain(change.before)}"
    if change.after is not None:
        yield f"+ {plain(change.key)}: {plain(change.after)}"


_VERBS = {"added": "+", "removed": "-"}
_COMMITS_SHOWN = 100


def _commits(commits: Sequence[Commit], links: Links) -> Iterator[Block]:
    if commits:
        lines = [f"- {links.to_commit(commit.sha)} {code(commit.title)}" for commit in commits[:_COMMITS_SHOWN]]
        lines += [f"- and {len(commits) - _COMMITS_SHOWN} more"] if len(commits) > _COMMITS_SHOWN else []
        yield Block(lines, f"**{len(commits)} commit{'s' * (len(commits) > 1)} that it does not have yet**\n\n")
