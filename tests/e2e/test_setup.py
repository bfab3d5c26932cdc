"""Setting up: GitHub's side on a server that keeps what it is sent, AWS's side on the embedded CloudFormation."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import jsonschema
import pytest

from ci.aws import connect
from ci.errors import AwsError, UsageError
from ci.github.setup import carry_out
from ci.setup import github, stack
from tests.e2e.hub import OWNER, GitHub, client, token
from tests.e2e.runner import PIPELINE
from tests.e2e.wire import Wire, listening
from tests.emulated.command import Result, run
from tests.unit.test_policy import function, pipeline

SCHEMAS = json.loads((Path(__file__).parents[1] / "unit/github_api.json").read_text())
"""Request bodies of the calls that are made, from GitHub's own description of its API (@octokit/openapi 23.0.2)."""

ROLES = {"plan": "arn:p", "deploy-test": "arn:t", "promote-prod": "arn:r"}
STEPS = github.steps(pipeline(function("echo")), "octo/shop", [583231], ROLES, "make check")


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.what)
def test_requests_are_what_github_describes(step: github.Step) -> None:
    """Every body fits the schema of the call that it is sent to, and that call exists."""
    requests = [request for request in (step.create, step.update) if request and request[0]]
    assert requests
    for method, path in requests:
        found = [name for name in SCHEMAS if matches(name, f"{method} {path}")]
        assert 1 == len(found), f"{method} {path}"
        jsonschema.Draft202012Validator(SCHEMAS[found[0]]).validate(dict(step.body))


def matches(name: str, request: str) -> bool:
    return re.fullmatch(re.sub(r"\\{[a-z_]+\\}", "[^/]+", re.escape(name)), request) is not None


@pytest.fixture
def wire() -> Iterator[str]:
    with listening() as url:
        yield url


def test_setting_up_twice_creates_once(wire: str) -> None:
    """What is there is updated by its name or number; nothing is created a second time."""
    api = client(wire, "octo")
    first = [carry_out(api, step) for step in STEPS]
    created = [call for call in Wire.calls if call.startswith("POST")]
    Wire.calls.clear()
    second = [carry_out(api, step) for step in STEPS]
    assert "created" in first and "created" not in second
    assert 7 == len(created)
    assert [] == [call for call in Wire.calls if call.startswith("POST")]
    assert "PUT /repos/octo/shop/rulesets/1" in Wire.calls
    assert "PATCH /repos/octo/shop/environments/prod/variables/AWS_ROLE" in Wire.calls


@pytest.mark.parametrize("count", [0, 7])
def test_somebody_approves_what_is_promoted(count: int) -> None:
    """Nobody, by an option that was forgotten, would take the reviewers away that are there."""
    with pytest.raises(UsageError, match=f"prod: {count} reviewers"):
        github.steps(pipeline(function("echo")), "octo/shop", range(count), {})


def test_prod_waits_for_its_reviewers_and_each_stage_has_its_role() -> None:
    """Only a stage that is promoted waits; AWS_ROLE is another one in each environment, CHECK the repository's."""
    bodies = {step.update[1]: step.body for step in STEPS if step.update[1]}
    assert [] == bodies["/repos/octo/shop/environments/test"]["reviewers"]
    assert [{"type": "User", "id": 583231}] == bodies["/repos/octo/shop/environments/prod"]["reviewers"]
    values = {path: body["value"] for path, body in bodies.items() if "variables" in path}
    assert {
        "/repos/octo/shop/environments/test/variables/AWS_ROLE": "arn:t",
        "/repos/octo/shop/environments/prod/variables/AWS_ROLE": "arn:r",
        "/repos/octo/shop/actions/variables/AWS_ROLE": "arn:p",
        "/repos/octo/shop/actions/variables/CHECK": "make check",
    } == values


def test_the_command_of_the_check_is_left_alone_until_it_is_named() -> None:
    """Setting up once more, without it, keeps what somebody has set."""
    steps = github.steps(pipeline(function("echo")), "octo/shop", [583231], ROLES)
    assert [] == [step for step in steps if "CHECK" in step.what]


@pytest.fixture
def account(aws_url: str, tmp_path: Path) -> Iterator[dict[str, str]]:
    """The environment of an administrator of an AWS account, in which other repositories deploy from GitHub already.

    MiniStack's CloudFormation has no AWS::IAM::OIDCProvider, so that the provider has to be there here; everything
    else of the template is deployed as it is.
    """
    (tmp_path / "functions/echo").mkdir(parents=True)
    (tmp_path / "functions/echo/echo.py").write_text("def handle(event, context):\n    return 1\n")
    (tmp_path / "pipeline.yaml").write_text(PIPELINE)
    number = str(next(ACCOUNTS))
    session = boto3.Session(number, "test", region_name="eu-west-1")
    issuer = "https://token.actions.githubusercontent.com"
    session.client("iam", endpoint_url=aws_url).create_open_id_connect_provider(Url=issuer)
    keys = {"AWS_ACCESS_KEY_ID": number, "AWS_SECRET_ACCESS_KEY": "test"}
    yield {**keys, "AWS_ENDPOINT_URL": aws_url, "FOLDER": str(tmp_path)}


ACCOUNTS = itertools.count(700000009001)
ROLE_NAMES = ("plan", "deploy-test", "promote-prod")


def deploy(account: dict[str, str], *options: str) -> Result:
    setup = ("setup", "aws", "--repository", "octo/shop", "--deploy", *options)
    return run("-C", account["FOLDER"], *setup, environment=account)


def iam(account: dict[str, str]) -> Any:
    session = boto3.Session(account["AWS_ACCESS_KEY_ID"], "test", region_name="eu-west-1")
    return session.client("iam", endpoint_url=account["AWS_ENDPOINT_URL"])


def test_deploying_the_roles(account: dict[str, str]) -> None:
    """The stack comes out whole, and stdout is what dollop setup github takes. Again: unchanged; narrower: updated."""
    first = deploy(account)
    assert 0 == first.code, first.err
    number = account["AWS_ACCESS_KEY_ID"]
    roles = [f"--role {name}=arn:aws:iam::{number}:role/shop-{name}" for name in ROLE_NAMES]
    assert f"{' '.join(roles)}\n" == first.out
    assert "create complete           resource=PlanRole" in first.err
    for name in ROLE_NAMES:
        assert 1 == len(iam(account).list_attached_role_policies(RoleName=f"shop-{name}")["AttachedPolicies"])
    trust = iam(account).get_role(RoleName="shop-plan")["Role"]["AssumeRolePolicyDocument"]
    provider = f"arn:aws:iam::{number}:oidc-provider/token.actions.githubusercontent.com"
    assert {"Federated": provider} == trust["Statement"][0]["Principal"]

    second = deploy(account)
    assert (0, first.out) == (second.code, second.out)
    assert "stack unchanged" in second.err

    third = deploy(account, "--owner-id", "1", "--repository-id", "2")
    assert (0, first.out) == (third.code, third.out), third.err
    assert "update complete" in third.err
    trust = iam(account).get_role(RoleName="shop-plan")["Role"]["AssumeRolePolicyDocument"]
    assert "repo:octo@1/shop@2:pull_request" in json.dumps(trust)


def test_two_repositories_with_one_name_for_their_project(account: dict[str, str]) -> None:
    """The second would take the roles over: the workflows of the first could not log in any more."""
    assert 0 == deploy(account).code
    setup = ("setup", "aws", "--repository", "octo/other", "--deploy")
    done = run("-C", account["FOLDER"], *setup, environment=account)
    assert (1, "") == (done.code, done.out)
    assert "the stack dollop-shop is another repository's: The roles of the workflows of octo/shop" in done.err
    trust = iam(account).get_role(RoleName="shop-plan")["Role"]["AssumeRolePolicyDocument"]
    assert "octo/shop" in json.dumps(trust)


def test_numbers_come_from_github(github_api: str, github: GitHub, account: dict[str, str]) -> None:
    """With a token nobody has to look them up."""
    token_of = {"GITHUB_TOKEN": token(OWNER), "GITHUB_API_URL": github_api}
    setup = ("-C", account["FOLDER"], "setup", "aws", "--repository", github.name)
    done = run(*setup, environment={**account, **token_of})
    there = github.repository()
    assert 0 == done.code, done.err
    assert f"repo:{OWNER}@{there.owner.id}/{there.name}@{there.id}:environment:prod" in done.out


def test_stack_that_fails_says_why(account: dict[str, str]) -> None:
    """CloudFormation's own reason for the resource that failed, and how to go on after a stack that was never whole.

    (A role that is there already fails in AWS but not in MiniStack; a signal that never comes does in both.)
    """
    keys = {"aws_access_key_id": account["AWS_ACCESS_KEY_ID"], "aws_secret_access_key": "test"}
    aws = connect("eu-west-1", None, account["AWS_ENDPOINT_URL"], keys)
    handle = {"Type": "AWS::CloudFormation::WaitConditionHandle"}
    waits = {"Handle": {"Ref": "Handle"}, "Timeout": "1"}
    broken = {
        "Parameters": {"ProviderArn": {"Type": "String"}},
        "Resources": {"Handle": handle, "Broken": {"Type": "AWS::CloudFormation::WaitCondition", "Properties": waits}},
    }
    with pytest.raises(AwsError, match="the stack dollop-shop was not deployed: Broken: .*timed out"):
        stack.deploy(aws, "dollop-shop", broken, lambda message, **fields: None)
    again = deploy(account)
    assert (1, "") == (again.code, again.out)
    assert "aws cloudformation delete-stack --stack-name dollop-shop, then run it again" in again.err


def test_account_without_a_provider(account: dict[str, str]) -> None:
    """It is to be made by the stack: the one resource that this emulator does not know."""
    provider = f"arn:aws:iam::{account['AWS_ACCESS_KEY_ID']}:oidc-provider/token.actions.githubusercontent.com"
    iam(account).delete_open_id_connect_provider(OpenIDConnectProviderArn=provider)
    done = deploy(account)
    assert (1, "") == (done.code, done.out)
    assert "Unrecognized resource types: [AWS::IAM::OIDCProvider]" in done.err
