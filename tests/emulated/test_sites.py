"""Stages in other regions and accounts: the same bytes there, all sites of a stage or none."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from typing import Any

import boto3
import pytest

from tests.emulated.command import Result, run
from tests.emulated.conftest import Account, Project

HOME, ABROAD = "eu-west-1", "us-east-1"


@pytest.fixture
def dollop(account: Account) -> Callable[..., Result]:
    """The command, in ``account``."""
    return functools.partial(run, environment={**account.environment, "AWS_REGION": ""})


@pytest.fixture
def other(project: Project, account: Account) -> str:
    """``test`` is at home; ``prod`` is in another account, in two regions. Gives the number of that account."""
    number = str(int(account.id) + 100_000_000_000)
    role = f"arn:aws:iam::{number}:role/deploy"
    prod = f"alias: prod, from: test, regions: [{HOME}, {ABROAD}], role: '{role}', defaults: {{role: '{role}'}}"
    text = (project.root / "pipeline.yaml").read_text()
    project.write("pipeline.yaml", f"region: {HOME}\n" + text.replace("alias: prod, from: test", prod))
    project.commit()
    return number


def client(account: str, url: str, region: str) -> Any:
    """To look from outside."""
    return boto3.client(
        "lambda", endpoint_url=url, region_name=region, aws_access_key_id=account, aws_secret_access_key="test"
    )


FAILS_ABROAD = """\
import os


def handle(event, context):
    if os.environ["AWS_REGION"] == "us-east-1":
        raise RuntimeError("no such table here")
    return {"message": "Guten tag robert!"}
"""


def test_a_promotion_publishes_the_same_bytes_elsewhere(
    project: Project, account: Account, other: str, dollop: Callable[..., Result]
) -> None:
    """In each region of the other account the alias runs the code and the variables of test; once more is nothing.

    When the smoke test of the next one fails in one region, every alias goes back in the other, too.
    """
    def running(name: str) -> list[str]:
        clients = (client(other, account.url, region) for region in (HOME, ABROAD))
        return [one.get_alias(FunctionName=name, Name="prod")["FunctionVersion"] for one in clients]

    assert 0 == dollop("deploy", "test").code
    promoted = dollop("promote", "prod", "--record", "release.json")
    assert (0, 4) == (promoted.code, promoted.out.count("+ function"))
    tested = client(account.id, account.url, HOME).get_function(FunctionName="echo", Qualifier="test")["Configuration"]
    for region in (HOME, ABROAD):
        found = client(other, account.url, region).get_function(FunctionName="echo", Qualifier="prod")["Configuration"]
        same = ("CodeSha256", "Environment", "Description", "Timeout", "Handler")
        assert [tested[key] for key in same] == [found[key] for key in same]
        assert f"arn:aws:iam::{other}:role/deploy" == found["Role"]
    assert "  nothing to do: 4 unchanged\n" == dollop("promote", "prod", "--dry-run").out
    verified = dollop("build", "echo", "--verify", "--stage", "prod")
    assert 0 == verified.code, verified.err
    assert [f"  = echo in {region}/{other}: version 1" for region in (HOME, ABROAD)] == [
        line.partition(" of ")[0] for line in verified.out.splitlines()
    ]
    assert f"echo in {ABROAD}/{other}&nbsp;<b>1</b>" in dollop("report", "--html").out

    project.write("functions/echo/echo.py", FAILS_ABROAD)
    project.write("functions/audit/audit.py", "def handle(event, context):\n    return 2\n")
    assert 0 == dollop("deploy", "test").code
    failed = dollop("promote", "prod")
    assert 1 == failed.code
    assert f"{ABROAD}/{other}: echo: " in failed.err
    assert "every alias of the release is back where it was" in failed.err
    assert ["1", "1"] == running("echo") == running("audit")
    published = client(other, account.url, HOME).list_versions_by_function(FunctionName="echo")["Versions"]
    assert "2" == published[-1]["Version"]
    shown = dollop("status", "--json")
    place = json.loads(shown.out)["stages"][f"prod {ABROAD}/{other}"]["echo"]["place"]
    assert (0, "differs") == (shown.code, place)
    assert 0 == dollop("build", "--out", "dist").code
    assert 0 == dollop("promote", "prod", "audit", "--packages", "dist").code
    assert ["2", "2"] == running("audit")
    assert 2 == dollop("rollback", "prod", "--to", "1").code
    assert 0 == dollop("rollback", "prod").code
    assert ["1", "1"] == running("audit")
    asked = dollop("invoke", "audit", "--stage", "prod", "--region", ABROAD, "--event", "1")
    assert {"seen": 1, "arn": f"arn:aws:lambda:{ABROAD}:{other}:function:audit:prod"} == json.loads(asked.out)
    gone = dollop("delete", "audit", "--dry-run").out
    assert 3 == gone.count("- function audit in ")
    there = dollop("status", "--region", ABROAD).out.splitlines()[0]
    assert "function  prod us-east-1" in there and "test" not in there
    assert 2 == dollop("deploy", "test", "--region", ABROAD, "--dry-run").code


def test_each_region_has_numbers_of_its_own(
    project: Project, account: Account, dollop: Callable[..., Result]
) -> None:
    """Where a stage is in the regions of its source, its alias moves to the version that is recorded for there."""
    text = (project.root / "pipeline.yaml").read_text()
    regions = f"regions: [{HOME}, {ABROAD}]"
    text = text.replace("from: test", f"from: test, {regions}").replace("alias: test}", f"alias: test, {regions}}}")
    project.write("pipeline.yaml", text)
    assert 0 == dollop("deploy", "test", "audit").code
    abroad = client(account.id, account.url, ABROAD)
    abroad.update_function_configuration(FunctionName="audit", MemorySize=256)
    abroad.get_waiter("function_updated_v2").wait(FunctionName="audit")
    abroad.publish_version(FunctionName="audit")
    project.write("functions/audit/audit.py", "def handle(event, context):\n    return 2\n")
    assert 0 == dollop("deploy", "test", "audit", "--record", "release.json").code
    recorded = json.loads((project.root / "release.json").read_text())
    assert {HOME: {"audit": "2"}, ABROAD: {"audit": "3"}} == recorded["sites"]
    planned = json.loads(dollop("promote", "prod", "--release", "release.json", "--json").out)
    assert [["CreateAlias"], ["CreateAlias"]] == [[each["call"] for each in f["actions"]] for f in planned["functions"]]
    assert "3" == abroad.get_alias(FunctionName="audit", Name="prod")["FunctionVersion"]


def test_concurrency_set_by_hand_where_every_stage_is_promoted(
    project: Project, account: Account, other: str, dollop: Callable[..., Result]
) -> None:
    """Of another account no plan of a deploy tells: drift and status do, for the region where it happened."""
    text = (project.root / "pipeline.yaml").read_text().partition("  echo:")[0]
    project.write("pipeline.yaml", f"{text}  audit: {{handler: audit.handle, concurrency: 3}}\n")
    assert 0 == dollop("deploy", "test").code
    assert 0 == dollop("promote", "prod").code
    assert 0 == dollop("drift").code
    client(other, account.url, ABROAD).put_function_concurrency(FunctionName="audit", ReservedConcurrentExecutions=7)
    found = dollop("drift")
    assert (1, 1) == (found.code, found.err.count("by hand"))
    assert f"! {ABROAD}/{other}: audit: concurrency was changed by hand" in found.err
    assert {f"audit in {ABROAD}/{other}": ["concurrency"]} == json.loads(dollop("status", "--json").out)["drift"]
    assert "by hand: concurrency: 3 -> 7" in dollop("promote", "prod", "--dry-run").out
    assert 0 == dollop("promote", "prod").code
    assert 0 == dollop("drift").code
