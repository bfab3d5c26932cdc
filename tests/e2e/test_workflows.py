"""The workflow files, run by act against a GitHub and an AWS on loopback: pull requests, and what is built for them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pytest
from github.PullRequest import PullRequest

from tests.e2e.hub import BOT, GitHub
from tests.e2e.runner import HANDLER, PIPELINE, SECRET, Project, caller, project
from tests.e2e.team import HANDLER_FILE, about, client, comments, opened
from tests.emulated.enforcing import enforcing


def test_pull_request_gets_one_comment_that_is_kept_current(team: Project) -> None:
    """The plan is posted, and the same comment follows the next push. What was built is not built again."""
    pull = opened(team)
    first = team.run("pull-request.yml", "pull_request", about(pull, team.git("rev-parse", "HEAD"), team.github.name))
    assert first.succeeded, first.log
    (body,) = comments(pull)
    assert "### Deploy to `test`: 1 to create" in body
    assert "Deploy to `test`: 1 to create" in first.summary
    assert '  s0["test<br>nothing yet"]' in first.summary and "nothing yet" in body
    assert SECRET not in first.log + body

    assert "built echo: " in first.log

    again = team.run("pull-request.yml", "pull_request", about(pull, team.git("rev-parse", "HEAD"), team.github.name))
    assert again.succeeded and "built echo: " not in again.log, again.log

    sha = team.commit("Say two", {HANDLER_FILE: HANDLER.format("two")})
    second = team.run("pull-request.yml", "pull_request", about(pull, sha, team.github.name))
    assert second.succeeded, second.log
    (updated,) = comments(pull)
    assert sha[:7] in updated and "actions/runs/3" in updated and "built echo: " in second.log


def test_plan_that_fails_says_why(team: Project) -> None:
    """The check is red, the line of the file is annotated, and the comment tells the same."""
    pull = opened(team)
    sha = team.commit("Add a token", {"pipeline.yaml": PIPELINE + "    environment: {TOKEN: '${env:TOKEN}'}\n"})
    outcome = team.run("pull-request.yml", "pull_request", about(pull, sha, team.github.name))
    assert not outcome.succeeded
    assert {"check": "success", "build": "success", "plan": "failure", "required": "failure"} == outcome.jobs
    (body,) = comments(pull)
    assert "### No plan for `test`" in body
    assert "pipeline.yaml:13: functions.echo.environment.TOKEN: the environment variable TOKEN is not set" in body
    assert "file=pipeline.yaml,line=13" in outcome.errors


def test_build_that_fails_says_why(team: Project) -> None:
    """Each problem is shown beside its line and in the comment; the check is red. The next good push mends both."""
    team.call_no_workflow()
    pull = opened(team)
    sha = team.commit("Break it", {"pipeline.yaml": PIPELINE.replace("handler: echo.handle", "memory: lots")})
    outcome = team.run("pull-request.yml", "pull_request", about(pull, sha, team.github.name))
    assert {"check": "success", "build": "failure", "plan": "success", "required": "failure"} == outcome.jobs
    (body,) = comments(pull)
    assert "### No plan for `test`" in body and sha[:7] in body
    for line, where in ((10, "functions.echo.handler"), (11, "functions.echo.memory")):
        assert f"::error file=pipeline.yaml,line={line}::{where}: " in outcome.errors
        assert f"- `pipeline.yaml:{line}: {where}: " in body

    key = "functions/echo/id_rsa"
    sha = team.commit("Leave a key", {"pipeline.yaml": PIPELINE, key: "-----BEGIN RSA PRIVATE KEY-----\n"})
    assert not team.run("pull-request.yml", "pull_request", about(pull, sha, team.github.name)).succeeded
    (body,) = comments(pull)
    assert "### No plan for `test`" in body and "id_rsa" in body and "memory" not in body

    team.git("rm", "--quiet", key)
    sha = team.commit("Mend it", {})
    assert team.run("pull-request.yml", "pull_request", about(pull, sha, team.github.name)).succeeded
    (body,) = comments(pull)
    assert "### Deploy to `test`: 1 to create" in body and "No plan" not in body


def test_plan_without_access_says_what_to_allow(github: GitHub, tmp_path: Path) -> None:
    """An AWS that refuses: the comment names the call and the permission, the check is red."""
    (tmp_path / "aws").mkdir()
    with enforcing(tmp_path / "aws") as url:
        iam = boto3.Session("test", "test", region_name="eu-west-1").client("iam", endpoint_url=url)
        iam.create_user(UserName="nobody")
        key = iam.create_access_key(UserName="nobody")["AccessKey"]
        team = project(tmp_path, github, url, key["AccessKeyId"])
        team.secret = key["SecretAccessKey"]
        pull = opened(team)
        event = about(pull, team.git("rev-parse", "HEAD"), team.github.name)
        outcome = team.run("pull-request.yml", "pull_request", event)
    assert {"check": "success", "build": "success", "plan": "failure", "required": "failure"} == outcome.jobs
    (body,) = comments(pull)
    assert "### No plan for `test`" in body
    assert "echo: GetFunction: " in body and "allow lambda:GetFunction" in body
    assert team.secret not in outcome.log + body


def test_token_that_may_not_comment(team: Project) -> None:
    """The job stays green, and a line says which permission is missing."""
    pull = opened(team)
    team.github.repository().remove_from_collaborators(BOT)
    team.github.repository().edit(private=True)
    event = about(pull, team.git("rev-parse", "HEAD"), team.github.name)
    outcome = team.run("pull-request.yml", "pull_request", event)
    assert outcome.succeeded, outcome.log
    assert "GitHub: could not find the pull request: 40" in outcome.log
    assert "give the job `pull-requests: read`" in outcome.log
    assert "1 to create" in outcome.summary


def test_pull_request_of_a_fork(team: Project) -> None:
    """Its own run builds and plans nothing. The run after it plans on the default branch, from the packages alone."""
    pull = opened(team)
    sha = pull.head.sha
    first = team.run("pull-request.yml", "pull_request", about(pull, sha, "mallory/shop"))
    assert first.succeeded, first.log
    assert "plan" not in first.jobs and [] == comments(pull)

    second = team.run("plan-fork.yml", "workflow_run", of_fork(pull))
    assert second.succeeded, second.log
    (body,) = comments(pull)
    assert "### Deploy to `test`: 1 to create" in body
    assert "Of a fork only the packages are planned" in body


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (lambda folder: (folder / "echo.zip").write_bytes(b"PK not a zip"), "not a zip that can be read"),
        (lambda folder: (folder / "manifest.json").write_text("{}"), "not a manifest of packages"),
    ],
)
def test_hostile_artifact_of_a_fork(team: Project, spoil: Callable[[Path], object], why: str) -> None:
    """What the fork uploaded is believed only as far as its bytes prove it; the comment says what is wrong."""
    pull = opened(team)
    first = team.run("pull-request.yml", "pull_request", about(pull, pull.head.sha, "mallory/shop"))
    assert first.succeeded, first.log
    (packages,) = (team.folder.parent / "artifacts" / "1").glob("*-packages")
    spoil(packages)
    assert not team.run("plan-fork.yml", "workflow_run", of_fork(pull)).succeeded
    (body,) = comments(pull)
    assert "### No plan for `test`" in body and why in body


def of_fork(pull: PullRequest) -> dict[str, Any]:
    """The event after the first run, whose pull request was opened from another repository."""
    owner, _, branch = pull.head.label.partition(":")
    head = {"full_name": "mallory/shop", "owner": {"login": owner}}
    run = {"id": 1, "event": "pull_request", "head_repository": head, "head_branch": branch, "head_sha": pull.head.sha}
    return {"action": "completed", "workflow_run": run}


def test_many_functions_are_built_by_a_matrix(team: Project) -> None:
    """Beyond 25 functions the packages of several jobs are planned, deployed and promoted as those of one would be.

    Not those of a folder ``dist`` that somebody committed.
    """
    names = [f"tiny{number:02}" for number in range(30)]
    listed = "".join(f"  {name}: {{handler: {name}.handle}}\n" for name in names)
    sources = {f"functions/{name}/{name}.py": HANDLER.format(name) for name in names}
    given = {".gitignore": ".dollop/\n", "dist/manifest.json": '{"format": 1, "packages": {}}'}
    sha = team.commit("Many more", {"pipeline.yaml": PIPELINE + listed, **sources, **given})
    pull = opened(team)
    planned = team.run("pull-request.yml", "pull_request", about(pull, sha, team.github.name))
    assert planned.succeeded, planned.log
    (body,) = comments(pull)
    assert "### Deploy to `test`: 31 to create" in body
    assert len(names) == planned.log.count("built tiny")

    team.commit("Say it aloud", {"functions/tiny07/tiny07.py": HANDLER.format("TINY07")})
    deployed = team.run("deploy.yml", "push")
    assert deployed.succeeded, deployed.log
    assert "success" == deployed.jobs["collect"]
    assert 1 == deployed.log.count("built tiny") and "built tiny07: " in deployed.log
    for name in names:
        listed_aliases = client(team).list_aliases(FunctionName=name)["Aliases"]
        assert {"test": "1", "prod": "1"} == {each["Name"]: each["FunctionVersion"] for each in listed_aliases}
    said = client(team).invoke(FunctionName="tiny29", Qualifier="prod", Payload=b"{}")["Payload"].read()
    assert "tiny29" == json.loads(said)["body"]


def test_workflows_called_from_another_repository(github: GitHub, tmp_path: Path) -> None:
    """A team that holds no copy checks and builds with the workflows of this repository, and gets their outputs."""
    team = caller(tmp_path, github)
    done = team.run("team.yml", "push")
    assert done.succeeded, done.log
    assert {"check": "success", "build": "success", "use": "success"} == done.jobs
    (packages,) = (tmp_path / "artifacts" / "1").iterdir()
    assert {"echo.zip", "echo.cdx.json", "manifest.json"} == {file.name for file in packages.iterdir()}
    assert not (team.folder / "ci").exists()

    team.commit("Break it", {"pipeline.yaml": PIPELINE.replace("handler: echo.handle", "memory: lots")})
    broken = team.run("team.yml", "push")
    assert not broken.succeeded
    assert "::error file=pipeline.yaml,line=11::functions.echo.memory: " in broken.errors
