"""What a team sees of its repository and of its AWS."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any

import boto3
import pytest
from github.PullRequest import PullRequest

from tests.e2e.runner import Project, Run

HANDLER_FILE = "functions/echo/echo.py"


def opened(team: Project) -> PullRequest:
    repository = team.github.repository()
    base = repository.default_branch
    repository.create_git_ref("refs/heads/feature", repository.get_branch(base).commit.sha)
    repository.create_file("change.txt", "change", "content", branch="feature")
    return repository.create_pull(base=base, head="feature", title="Change", body="")


def about(pull: PullRequest, sha: str, repository: str) -> dict[str, Any]:
    """The event that GitHub sends for a pull request."""
    head = {"sha": sha, "ref": "feature", "repo": {"full_name": repository}}
    return {"number": pull.number, "pull_request": {"number": pull.number, "head": head}}


def comments(pull: PullRequest) -> list[str]:
    return [comment.body for comment in pull.get_issue_comments()]


def aliases(team: Project) -> Mapping[str, str]:
    """Alias -> the version that it points to."""
    listed = client(team).list_aliases(FunctionName="echo")["Aliases"]
    return {alias["Name"]: alias["FunctionVersion"] for alias in listed}


def answer(team: Project, stage: str) -> str:
    """What the function says on ``stage``."""
    said = client(team).invoke(FunctionName="echo", Qualifier=stage, Payload=b"{}")["Payload"].read()
    return str(json.loads(said)["body"])


def client(team: Project) -> Any:
    return boto3.client(
        "lambda",
        endpoint_url=team.aws,
        region_name="eu-west-1",
        aws_access_key_id=team.account,
        aws_secret_access_key="test",
    )


def wait_for(run: Run, job: str) -> None:
    for _ in range(600):
        if run.done(job):
            return
        time.sleep(0.1)
    pytest.fail(f"{job} did not end: {run.outcome().log}")
