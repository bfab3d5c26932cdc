"""The one comment that a pull request gets for a stage: found by its marker and its author, updated in place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ci.errors import DollopError, UsageError
from ci.github.run import Run
from ci.render import marker

if TYPE_CHECKING:
    from github import Github
    from github.IssueComment import IssueComment
    from github.PullRequest import PullRequest
    from github.Repository import Repository

_WORKFLOW_USER = "github-actions[bot]"
"""Who acts with a workflow's own token, which may not ask who it is:
https://docs.github.com/en/rest/authentication/endpoints-available-for-github-app-installation-access-tokens"""

_RECENT = 100
"""Closed pull requests to look through for the one that a commit merged."""


class GithubError(DollopError):
    """GitHub, or the way to it, said no."""


class Pull:
    """A pull request as the run's token sees it."""

    def __init__(self, pull: PullRequest, author: str) -> None:
        self.number = pull.number
        self._pull = pull
        self._author = author

    def read(self, stage: str) -> str | None:
        """What our comment about ``stage`` says; None where there is none."""
        comment = self._comment(stage)
        return comment.body if comment else None

    def write(self, stage: str, body: str) -> str:
        """Create the comment about ``stage`` or bring it to ``body``; ``created``, ``updated`` or ``unchanged``."""
        there = self._comment(stage)
        with translated("write the comment", "give the job `pull-requests: write`"):
            if there is None:
                self._pull.create_issue_comment(body)
                return "created"
            if there.body.strip() == body.strip():
                return "unchanged"
            there.edit(body)
            return "updated"

    def _comment(self, stage: str) -> IssueComment | None:
        """A comment with the marker that somebody else wrote is not ours."""
        with translated("read the comments", "give the job `pull-requests: read`"):
            ours = (each for each in self._pull.get_issue_comments() if each.user.login == self._author)
            return next((each for each in ours if (found := marker.read(each.body)) and found.stage == stage), None)


def find(run: Run) -> Pull | None:
    """The pull request that the run is about; None where it is about none."""
    with translated("find the pull request", "give the job `pull-requests: read`"):
        github = connect(run)
        repository = github.get_repo(run.repository)
        if run.pull is not None:
            pull: PullRequest | None = repository.get_pull(run.pull)
        elif head := run.event.get("workflow_run"):
            pull = _from_fork(repository, head)
        else:
            pull = _merged(repository, run.commit)
        return Pull(pull, author(github)) if pull else None


def _from_fork(repository: Repository, head: dict[str, Any]) -> PullRequest | None:
    """The open pull request that another run was about. GitHub names it only when it is not from a fork."""
    owner = str(((head.get("head_repository") or {}).get("owner") or {}).get("login", ""))
    branch, sha = str(head.get("head_branch", "")), str(head.get("head_sha", ""))
    if not (owner and branch and sha):
        raise UsageError("the event names no head repository, branch and commit", "is this a workflow_run event?")
    pulls = repository.get_pulls(state="open", head=f"{owner}:{branch}")
    return next((pull for pull in pulls if pull.head.sha == sha), None)


def _merged(repository: Repository, commit: str) -> PullRequest | None:
    pulls = repository.get_pulls(state="closed", sort="updated", direction="desc")
    recent = (pull for pull, _ in zip(pulls, range(_RECENT), strict=False))
    return next((pull for pull in recent if pull.merge_commit_sha == commit), None)


def connect(run: Run) -> Github:
    """PyGithub with the run's token; it pages, and waits where GitHub asks for it."""
    from github import Auth, Github

    return Github(auth=Auth.Token(run.token), base_url=run.api, per_page=100)


def author(github: Github) -> str:
    """The login that the token writes as."""
    from github import GithubException

    try:
        return github.get_user().login
    except GithubException as error:
        if error.status in (401, 403):
            return _WORKFLOW_USER
        raise


class translated:
    """GitHub's errors in our words."""

    def __init__(self, doing: str, permission: str) -> None:
        self.doing = doing
        self.permission = permission

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        from github import GithubException
        from requests import RequestException

        if isinstance(error, GithubException):
            reason = error.data.get("message", "") if isinstance(error.data, dict) else ""
            hint = self.permission if error.status in (403, 404) else ""
            raise GithubError(f"GitHub: could not {self.doing}: {error.status} {reason}".rstrip(), hint) from error
        if isinstance(error, RequestException):
            raise GithubError(f"GitHub cannot be reached to {self.doing}", "run the job again") from error
