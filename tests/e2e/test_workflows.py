"""The workflow files, run by act against a GitHub and an AWS on loopback."""

from __future__ import annotations

import base64
import itertools
import json
import re
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import boto3
import pytest
from github.PullRequest import PullRequest

from tests.e2e.hub import BOT, GitHub
from tests.e2e.runner import HANDLER, PIPELINE, SECRET, Project, Run, caller, project
from tests.emulated.enforcing import enforcing

ACCOUNTS = itertools.count(700000000001)
HANDLER_FILE = "functions/echo/echo.py"


@pytest.fixture
def team(github: GitHub, aws_url: str, tmp_path: Path) -> Project:
    """A repository with one function, on an AWS with nothing in it."""
    return project(tmp_path, github, aws_url, str(next(ACCOUNTS)))


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


def test_drift_is_one_issue(team: Project) -> None:
    """Changed by hand, with our description or another: an issue is opened. Gone again: it is closed.

    What the deployment before it brought to AWS is what it attested.
    """
    deployed = team.run("deploy.yml", "push")
    assert deployed.succeeded, deployed.log
    runs = client(team).get_function(FunctionName="echo", Qualifier="test")["Configuration"]["CodeSha256"]
    lines = (team.folder.parent / "attested/1").read_text().splitlines()
    attested = {path: digest for digest, path in map(str.split, lines)}
    assert {"dist/echo.zip", "dist/echo.cdx.json"} == attested.keys()
    assert base64.b64decode(runs).hex() == attested["dist/echo.zip"]
    assert team.run("drift.yml", "schedule").succeeded
    assert "report-test" not in deployed.jobs
    assert [] == list(team.github.repository().get_issues(state="all"))

    was = client(team).get_alias(FunctionName="echo", Name="prod")["Description"]
    client(team).update_alias(FunctionName="echo", Name="prod", FunctionVersion="1", Description="by hand")
    for _ in range(2):
        assert not team.run("drift.yml", "workflow_dispatch").succeeded
    (issue,) = team.github.repository().get_issues(state="open")
    assert "echo: alias prod was pointed to version 1 by hand" in issue.body

    client(team).update_alias(FunctionName="echo", Name="prod", FunctionVersion="$LATEST", Description=was)
    assert not team.run("drift.yml", "workflow_dispatch").succeeded
    (issue,) = team.github.repository().get_issues(state="open")
    assert "echo: alias prod was pointed to version $LATEST by hand" in issue.body

    client(team).update_alias(FunctionName="echo", Name="prod", FunctionVersion="1", Description=was)
    assert team.run("drift.yml", "schedule").succeeded
    assert [] == list(team.github.repository().get_issues(state="open"))


def test_the_report_is_published_when_switched_on(team: Project) -> None:
    """One page on the branch gh-pages; the next report follows it there, and leaves what else is on the branch."""
    repository = team.github.repository()
    first = team.run("report.yml", "workflow_dispatch")
    assert first.succeeded, first.log
    assert "on the branch gh-pages; to be published it is to be chosen in the settings" in first.log
    page = repository.get_contents("index.html", ref="gh-pages").decoded_content.decode()
    assert "<h1>shop</h1>" in page and "There is none yet." in page

    repository.create_file("other.txt", "Another page", "kept", branch="gh-pages")
    repository.update_file("index.html", "Spoil it", "-", repository.get_contents("index.html", ref="gh-pages").sha,
                           branch="gh-pages")
    second = team.run("report.yml", "workflow_dispatch")
    assert second.succeeded, second.log
    assert "<h1>shop</h1>" in repository.get_contents("index.html", ref="gh-pages").decoded_content.decode()
    assert "kept" == repository.get_contents("other.txt", ref="gh-pages").decoded_content.decode()


def test_merge_to_prod_and_back(team: Project) -> None:
    """Two merges before one approval: what was approved is promoted, nothing newer; then prod goes back."""
    one = team.start("deploy.yml", "push")
    wait_for(one, "preview")
    assert {"test": "1"} == aliases(team)

    team.commit("Say two", {HANDLER_FILE: HANDLER.format("two")})
    two = team.start("deploy.yml", "push")
    wait_for(two, "preview")
    assert {"test": "2"} == aliases(team)

    team.approve(one)
    first = one.outcome()
    assert first.succeeded, first.log
    assert {"test": "2", "prod": "1"} == aliases(team)
    assert ("one", "two") == (answer(team, "prod"), answer(team, "test"))
    assert "Promote to `prod`" in first.summary

    team.approve(two)
    second = two.outcome()
    assert second.succeeded, second.log
    assert {"test": "2", "prod": "2"} == aliases(team)

    sha = team.commit("Say three | <b>aloud</b> @octo", {HANDLER_FILE: HANDLER.format("three")})
    three = team.start("deploy.yml", "push")
    wait_for(three, "preview")
    summary = three.so_far().summary
    shown = summary[summary.index("### Promote to `prod`"):]
    assert "| `echo` | code | " in shown and "2\u00a0→\u00a03" in shown
    assert f"- [`{sha[:7]}`](https://github.com/{team.github.name}/commit/{sha}) " in shown
    assert "`Say three | <b>aloud</b> @octo`" in shown and "Say two" not in shown
    three.cancel()

    back = team.run("redeploy.yml", "workflow_dispatch", stage="prod", functions="", what="previous", reason="it lies")
    assert back.succeeded, back.log
    assert {"test": "3", "prod": "1"} == aliases(team)
    assert "one" == answer(team, "prod")
    assert "build" not in back.jobs  # a way back must not depend on one
    assert "### Roll back `prod`: 1 to update" in back.summary and "2\u00a0→\u00a01" in back.summary
    assert re.search("^echo +3 .* 1 \\(behind\\) ", back.summary, re.MULTILINE)


def test_redeploy(team: Project) -> None:
    """Test gets the ref that is checked out; prod, what the stage before runs, or what a commit had."""
    first = team.git("rev-parse", "HEAD")
    assert team.run("deploy.yml", "push").succeeded
    team.commit("Say two", {HANDLER_FILE: HANDLER.format("two")})

    def redeploy(stage: str, what: str, functions: str = "") -> Mapping[str, str]:
        done = team.run("redeploy.yml", "workflow_dispatch", stage=stage, functions=functions, what=what, reason="-")
        assert done.succeeded, done.log
        return aliases(team)

    assert {"test": "2", "prod": "1"} == redeploy("test", "ref")
    assert {"test": "2", "prod": "2"} == redeploy("prod", "ref")
    assert {"test": "2", "prod": "1"} == redeploy("prod", first[:10], "ec*")


def test_many_functions_are_built_by_a_matrix(team: Project) -> None:
    """Beyond 25 functions the packages of several jobs are planned, deployed and promoted as those of one would be."""
    names = [f"tiny{number:02}" for number in range(30)]
    listed = "".join(f"  {name}: {{handler: {name}.handle}}\n" for name in names)
    sources = {f"functions/{name}/{name}.py": HANDLER.format(name) for name in names}
    sha = team.commit("Many more", {"pipeline.yaml": PIPELINE + listed, **sources})
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
