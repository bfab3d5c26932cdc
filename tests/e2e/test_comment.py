"""The comment on a pull request, on an API that keeps state."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from github.PullRequest import PullRequest

from ci.errors import UsageError
from ci.github import comment
from ci.github.comment import GithubError, Pull
from ci.github.run import Run
from ci.release import Release, Released, to_json
from ci.render.marker import Marker
from tests.e2e.hub import BOT, GitHub, token

ROOT = Path(__file__).parents[2]

BODY = '<!-- dollop {"stage":"test","digest":"d"} -->\n\n### Deploy to `test`'


def opened(github: GitHub, branch: str = "feature") -> PullRequest:
    """A pull request that adds a file."""
    repository = github.repository()
    base = repository.default_branch
    repository.create_git_ref(f"refs/heads/{branch}", repository.get_branch(base).commit.sha)
    repository.create_file(f"{branch}.txt", "add a file", "content", branch=branch)
    return repository.create_pull(base=base, head=branch, title=f"Add {branch}", body="")


def run(github: GitHub, event: dict[str, Any], folder: Path, login: str = BOT, sha: str = "0" * 40) -> Run:
    """A step of a workflow that ``event`` started."""
    path = folder / "event.json"
    path.write_text(json.dumps(event))
    return Run(
        {
            "GITHUB_ACTIONS": "true",
            "GITHUB_API_URL": github.api,
            "GITHUB_REPOSITORY": github.name,
            "GITHUB_TOKEN": token(login),
            "GITHUB_EVENT_PATH": str(path),
            "GITHUB_RUN_ID": "7",
            "GITHUB_SHA": sha,
        }
    )


def about(pull: PullRequest) -> dict[str, Any]:
    return {"pull_request": {"number": pull.number, "head": {"sha": pull.head.sha}}}


def seen(by: Run) -> Pull:
    found = comment.find(by)
    assert found is not None
    return found


def comments(pull: PullRequest) -> list[str]:
    return [each.body for each in pull.get_issue_comments()]


def test_one_comment_is_kept_current(github: GitHub, tmp_path: Path) -> None:
    """The first write creates it, an equal one leaves it alone, another one replaces what it says."""
    pull = opened(github)
    found = seen(run(github, about(pull), tmp_path))
    assert "created" == found.write("test", BODY)
    assert "unchanged" == found.write("test", BODY)
    assert "updated" == found.write("test", f"{BODY}: nothing to do")
    assert [f"{BODY}: nothing to do"] == comments(pull)


def test_a_comment_is_found_behind_a_hundred_others(github: GitHub, tmp_path: Path) -> None:
    """Every page is read."""
    pull = opened(github)
    for number in range(101):
        pull.create_issue_comment(f"me too {number}")
    found = seen(run(github, about(pull), tmp_path))
    found.write("test", BODY)
    assert "updated" == found.write("test", f"{BODY}.")
    assert 102 == len(comments(pull))


def test_a_marker_of_somebody_else_is_not_ours(github: GitHub, tmp_path: Path) -> None:
    """A comment with our marker but another author is left alone: it may not direct what we edit."""
    pull = opened(github)
    github.repository("mallory").get_pull(pull.number).create_issue_comment(BODY)
    found = seen(run(github, about(pull), tmp_path))
    assert "created" == found.write("test", f"{BODY}!")
    assert [BODY, f"{BODY}!"] == comments(pull)


def test_each_stage_has_its_own(github: GitHub, tmp_path: Path) -> None:
    """The marker names the stage."""
    pull = opened(github)
    found = seen(run(github, about(pull), tmp_path))
    found.write("test", BODY)
    found.write("qa", BODY.replace("test", "qa"))
    assert 2 == len(comments(pull))


def test_pull_request_of_a_merge(github: GitHub, tmp_path: Path) -> None:
    """After a push the pull request is the one that the commit merged; another commit has none."""
    opened(github, "other")
    pull = opened(github)
    sha = pull.merge().sha
    assert pull.number == seen(run(github, {}, tmp_path, sha=sha)).number
    assert None is comment.find(run(github, {}, tmp_path))


@pytest.mark.parametrize(("moved", "expected"), [(False, True), (True, False)])
def test_pull_request_of_another_run(github: GitHub, tmp_path: Path, moved: bool, expected: bool) -> None:
    """It is found by head repository, branch and commit; one that got a newer commit since is not the one."""
    pull = opened(github)
    owner = {"owner": {"login": "octo"}}
    sha = "1" * 40 if moved else pull.head.sha
    event = {"workflow_run": {"head_repository": owner, "head_branch": "feature", "head_sha": sha}}
    assert expected is (comment.find(run(github, event, tmp_path)) is not None)


def test_refusal_says_what_was_tried(github: GitHub, tmp_path: Path) -> None:
    """An error of the API names the intention and the permission that is missing."""
    pull = opened(github)
    github.repository().edit(private=True)
    with pytest.raises(GithubError, match="could not find the pull request: 40") as caught:
        comment.find(run(github, about(pull), tmp_path, login="mallory"))
    assert "give the job `pull-requests: read`" == caught.value.hint


def test_event_without_a_head(github: GitHub, tmp_path: Path) -> None:
    """A workflow_run event that names no head is not guessed about."""
    with pytest.raises(UsageError, match="no head repository"):
        comment.find(run(github, {"workflow_run": {"id": 1}}, tmp_path))


def dollop(by: Run, *words: str | Path) -> str:
    """``dollop comment`` as a step of the workflow; what it wrote into the run's summary."""
    summary = Path(by.environ["GITHUB_EVENT_PATH"]).with_name("summary.md")
    summary.unlink(missing_ok=True)
    environ = {**os.environ, **by.environ, "GITHUB_STEP_SUMMARY": str(summary), "PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, "-P", "-m", "ci", "comment", *words], env=environ, check=True)
    return summary.read_text() if summary.exists() else ""


def promise(folder: Path, digest: str) -> Path:
    """The file of a plan that does ``digest`` to the function echo."""
    file = folder / f"{digest}.md"
    functions = {"echo": digest, "idle": "same"}
    file.write_text(f"{Marker('test', 'c', '7', digest, functions)}\n\n### Deploy to `test`: 1 to update\n")
    return file


def test_a_merge_is_held_to_what_its_pull_request_showed(github: GitHub, tmp_path: Path) -> None:
    """The summary says that the plan is the promised one, or to which function it does something else."""
    pull = opened(github)
    before = run(github, about(pull), tmp_path)
    nothing = dollop(before, "check", promise(tmp_path, "one"))
    assert f"Pull request #{pull.number} showed no plan for `test`" in nothing
    dollop(before, "plan", promise(tmp_path, "one"))

    after = run(github, {}, tmp_path, sha=pull.merge().sha)
    assert f"exactly the plan that pull request #{pull.number} showed" in dollop(after, "check", tmp_path / "one.md")
    differs = dollop(after, "check", promise(tmp_path, "two"))
    assert f"not the plan that pull request #{pull.number} showed: it does something else to `echo`." in differs
    assert [(tmp_path / "one.md").read_text().strip()] == [body.strip() for body in comments(pull)]


def test_outcome_is_written_into_the_comment_of_the_merge(github: GitHub, tmp_path: Path) -> None:
    """What was released, and in which run, is added once to the one comment; its plan stays, and stays readable."""
    pull = opened(github)
    dollop(run(github, about(pull), tmp_path), "plan", promise(tmp_path, "one"))
    record = tmp_path / "release.json"
    after = run(github, {}, tmp_path, sha=pull.merge().sha)
    for version in ("8", "9"):
        functions = {"echo": Released(version, "d", "c")}
        record.write_text(to_json(Release("r-1", "test", "c", "7", "2026-01-31T09:00:00Z", functions)))
        dollop(after, "release", record)
    (body,) = comments(pull)
    assert "### Deploy to `test`: 1 to update" in body
    assert 1 == body.count("Released to") and "actions/runs/7) 7: `echo` 9" in body
    assert "exactly the plan" in dollop(after, "check", tmp_path / "one.md")


def test_a_push_without_a_pull_request(github: GitHub, tmp_path: Path) -> None:
    """There is nothing to compare with and nowhere to write: no step fails for it."""
    alone = run(github, {}, tmp_path)
    record = tmp_path / "release.json"
    record.write_text(to_json(Release("r-1", "test", "c", "7", "2026-01-31T09:00:00Z", {})))
    assert "" == dollop(alone, "check", promise(tmp_path, "one")) == dollop(alone, "release", record)


def test_build_of_a_fork_that_failed(github: GitHub, tmp_path: Path) -> None:
    """There is no plan and no word of the reason here: the comment leads to the run that failed, not to its own."""
    pull = opened(github)
    head = {"head_repository": {"owner": {"login": "octo"}}, "head_branch": "feature", "head_sha": pull.head.sha}
    dollop(run(github, {"workflow_run": {**head, "id": 5, "conclusion": "failure"}}, tmp_path), "failure", "test", "")
    (body,) = comments(pull)
    assert "### No plan for `test`" in body and "a step before the plan failed" in body
    assert "actions/runs/5" in body and "actions/runs/7" not in body
