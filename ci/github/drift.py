"""The one issue about drift: opened, kept current, closed when there is none any more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ci.github.comment import author, connect, translated
from ci.github.run import Run

if TYPE_CHECKING:
    from github.Issue import Issue
    from github.Repository import Repository

TITLE = "AWS does not run what was released"
_MARK = "<!-- dollop drift -->"


def tell(run: Run, found: str) -> str:
    """Let the issue say ``found``, or close it where that is empty.

    Tells what was done: ``opened``, ``updated``, ``closed`` or ``unchanged``.
    """
    with translated("tell of drift", "give the job `issues: write`"):
        github = connect(run)
        repository = github.get_repo(run.repository)
        issue = _open(repository, author(github))
        if not found:
            if issue is None:
                return "unchanged"
            issue.create_comment(f"It does again, as of {run.links.to_run()} {run.links.run}.")
            issue.edit(state="closed")
            return "closed"
        body = f"{_MARK}\n\n{found}"
        if issue is None:
            repository.create_issue(TITLE, body)
            return "opened"
        if (issue.body or "").strip() == body.strip():
            return "unchanged"
        issue.edit(body=body)
        return "updated"


def _open(repository: Repository, me: str) -> Issue | None:
    """Ours; one with the mark that somebody else opened is not."""
    issues = repository.get_issues(state="open")
    return next((each for each in issues if each.user.login == me and (each.body or "").startswith(_MARK)), None)
