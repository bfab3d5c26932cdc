"""Setting up: GitHub's side on a server that keeps what it is sent, AWS's side on the embedded CloudFormation."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import boto3
import jsonschema
import pytest

from ci import policy
from ci.github.setup import carry_out
from ci.setup import aws, github
from tests.e2e.hub import client
from tests.unit.test_policy import function, pipeline

SCHEMAS = json.loads((Path(__file__).parents[1] / "unit/github_api.json").read_text())
"""Request bodies of the calls that are made, from GitHub's own description of its API (@octokit/openapi 23.0.2)."""

ROLES = {"plan": "arn:p", "deploy-test": "arn:t", "promote-prod": "arn:r"}
STEPS = github.steps(pipeline(function("echo")), "octo/shop", [583231], ROLES)


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


class Wire(BaseHTTPRequestHandler):
    """Lists what was created, as GitHub does: some lists bare, some wrapped."""

    kept: dict[str, list[dict[str, Any]]] = {}
    calls: list[str] = []

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        items = self.kept.get(path, [])
        self.answer(200, items if path.endswith("rulesets") else {"total_count": len(items), "items": items})

    def do_POST(self) -> None:
        body = self.body()
        items = self.kept.setdefault(self.path, [])
        items.append({**body, "id": len(items) + 1})
        self.answer(201, {})

    def do_PUT(self) -> None:
        self.body()
        self.answer(200, {})

    do_PATCH = do_PUT

    def body(self) -> dict[str, Any]:
        self.calls.append(f"{self.command} {self.path}")
        return dict(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

    def answer(self, status: int, data: Any) -> None:
        text = json.dumps(data).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, format: str, *arguments: Any) -> None:
        pass


@pytest.fixture
def wire() -> Iterator[str]:
    Wire.kept.clear()
    Wire.calls.clear()
    with ThreadingHTTPServer(("127.0.0.1", 0), Wire) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://localhost:{server.server_port}"
        server.shutdown()


def test_setting_up_twice_creates_once(wire: str) -> None:
    """What is there is updated by its name or number; nothing is created a second time."""
    api = client(wire, "octo")
    first = [carry_out(api, step) for step in STEPS]
    created = [call for call in Wire.calls if call.startswith("POST")]
    Wire.calls.clear()
    second = [carry_out(api, step) for step in STEPS]
    assert "created" in first and "created" not in second
    assert 6 == len(created)
    assert [] == [call for call in Wire.calls if call.startswith("POST")]
    assert "PUT /repos/octo/shop/rulesets/1" in Wire.calls
    assert "PATCH /repos/octo/shop/environments/prod/variables/AWS_ROLE" in Wire.calls


def test_prod_waits_for_its_reviewers_and_each_stage_has_its_role() -> None:
    """Only a stage that is promoted waits; the variable AWS_ROLE is another one in each environment."""
    bodies = {step.update[1]: step.body for step in STEPS if step.update[1]}
    assert [] == bodies["/repos/octo/shop/environments/test"]["reviewers"]
    assert [{"type": "User", "id": 583231}] == bodies["/repos/octo/shop/environments/prod"]["reviewers"]
    values = {path: body["value"] for path, body in bodies.items() if "variables" in path}
    assert {
        "/repos/octo/shop/environments/test/variables/AWS_ROLE": "arn:t",
        "/repos/octo/shop/environments/prod/variables/AWS_ROLE": "arn:r",
        "/repos/octo/shop/actions/variables/AWS_ROLE": "arn:p",
    } == values


def test_template_makes_the_roles(aws_url: str) -> None:
    """CloudFormation takes the template, and the roles come out with their policies attached.

    MiniStack's CloudFormation has no AWS::IAM::OIDCProvider, so that the account has a provider already here.
    """
    line = pipeline(function("echo"))
    template = aws.template(line, policy.roles(line, policy.place(line)), aws.repository("octo/shop"))
    del template["Resources"]["Provider"]
    provider = {"ParameterKey": "ProviderArn", "ParameterValue": "arn:aws:iam::700000009999:oidc-provider/github"}
    session = boto3.Session("700000009999", "test", region_name="eu-west-1")
    stacks = session.client("cloudformation", endpoint_url=aws_url)
    stacks.create_stack(
        StackName="dollop",
        TemplateBody=json.dumps(template),
        Parameters=[provider],
        Capabilities=["CAPABILITY_NAMED_IAM"],
    )
    stacks.get_waiter("stack_create_complete").wait(StackName="dollop", WaiterConfig={"Delay": 1, "MaxAttempts": 30})
    (stack,) = stacks.describe_stacks(StackName="dollop")["Stacks"]
    outputs = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
    iam = session.client("iam", endpoint_url=aws_url)
    names = {"Plan": "shop-plan", "DeployTest": "shop-deploy-test", "PromoteProd": "shop-promote-prod"}
    for output, name in names.items():
        assert outputs[output].endswith(f":role/{name}")
        assert 1 == len(iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"])
