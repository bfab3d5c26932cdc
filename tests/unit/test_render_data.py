"""A plan as data: every action by the name of its call, no secret, and a digest over what it changes."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from ci import remembered
from ci.model import Secret
from ci.model.live import LiveFunction
from ci.plan import deploy, removal
from ci.plan.actions import TagFunction
from ci.plan.plan import Origin, Plan
from ci.render import data
from tests.unit import given
from tests.unit.given import REGION, TEST, found, function, package, version

CHANGED = package({"echo.py": "v2"}, size=782)
WANTED = function(environment={"GREETING": "Guten tag"}, tags={"team": "a"}, concurrency=5, MemorySize=256)
LANDED = remembered.landed(WANTED, LiveFunction())
UNTIL_THEN = LANDED.replace("concurrency:5 ", "concurrency:none/5 ")


def planned(wanted: Any = WANTED, origin: Origin | None = None, live: Any = None) -> Plan:
    live = live or found(version("7", environment={"GREETING": "Hello"}), tags={"old": "1"})
    return deploy.deploy(
        TEST, REGION, [wanted], {"echo": CHANGED}, given.live({"echo": live}), origin or given.origin()
    )


def test_whole_plan() -> None:
    """What a program may rely on."""
    told = data.plan(planned())
    expected = {
        "verb": "deploy",
        "stage": "test",
        "region": "eu-west-1",
        "functions": [
            {
                "function": "echo",
                "name": "echo",
                "version": "7",
                "digest": CHANGED.digest,
                "changes": [
                    {"key": "memory", "before": "128", "after": "256"},
                    {"key": "GREETING", "change": "changed"},
                    {"key": "tag old", "before": "1", "after": None},
                    {"key": "tag team", "before": None, "after": "a"},
                    {"key": "concurrency", "before": None, "after": "5"},
                ],
                "code": {
                    "size": {"before": 641, "after": 782},
                    "files": [{"change": "~", "path": "echo.py"}],
                    "dependencies": [],
                },
                "drift": [],
                "actions": [
                    {"call": "UntagResource", "tags": ["old"]},
                    {"call": "TagResource", "tags": {"dollop": UNTIL_THEN, "team": "a"}},
                    {"call": "UpdateFunctionConfiguration", "settings": ["Environment", "MemorySize"]},
                    {"call": "UpdateFunctionCode", "digest": CHANGED.digest, "size": 782},
                    {"call": "PublishVersion", "version": "8"},
                    {"call": "PutFunctionConcurrency", "before": None, "after": 5},
                    {"call": "UpdateAlias", "alias": "test", "before": "7", "after": "8"},
                    {
                        "attach": "mark",
                        "alias": "",
                        "id": "",
                        "before": {"Value": UNTIL_THEN},
                        "after": {"Value": LANDED},
                    },
                ],
            }
        ],
        "notes": ["echo: tags and concurrency are not part of a version: a rollback leaves them"],
        "canary": None,
        "layers": [],
        "commit": given.COMMIT,
        "run": "1234",
        "at": "2026-01-31T09:00:00Z",
    }
    assert expected == {key: value for key, value in told.items() if key not in ("digest", "release")}
    assert told == json.loads(data.to_json(told))


def test_creation() -> None:
    """A new function, its first version, its alias."""
    live = given.live({"echo": None})
    plan = deploy.deploy(TEST, REGION, [function()], {"echo": package()}, live, given.origin())
    assert ["CreateFunction", "PublishVersion", "CreateAlias"] == calls(plan)


def test_removal() -> None:
    """Of a version and of a function; the API has one call for both."""
    live = given.live({"echo": found(version("6"), version("7"))})
    pruned = data.plan(removal.prune(REGION, [function()], live, given.origin(), 1))
    assert [{"call": "DeleteFunction", "version": "6"}] == pruned["functions"][0]["actions"]
    deleted = data.plan(removal.delete(REGION, [function()], live, given.origin()))
    assert [{"call": "DeleteFunction", "aliases": {"test": "7"}}] == deleted["functions"][0]["actions"]


def calls(plan: Plan) -> list[str]:
    return [action["call"] for one in data.plan(plan)["functions"] for action in one["actions"]]


def test_digest_leaves_out_who_and_when() -> None:
    """The plan of a pull request and that of its merge are equal when they do the same."""
    later = Origin("another commit", "77", "2027-01-01T00:00:00Z")
    assert data.digest(planned()) == data.digest(planned(origin=later))


@pytest.mark.parametrize(
    "changed",
    [
        {"verb": "promote"},
        {"stage": "prod"},
        {"region": "us-east-1"},
        {"notes": ("a note",)},
        {"functions": ()},
    ],
)
def test_digest_is_over_the_plan(changed: dict[str, Any]) -> None:
    """Whatever it does otherwise, and wherever, is another digest."""
    assert data.digest(planned()) != data.digest(replace(planned(), **changed))


@pytest.mark.parametrize(
    "changed",
    [
        {"aws_name": "other"},
        {"version": "6"},
        {"digest": "other"},
        {"changes": ()},
        {"code": None},
        {"prepare": (TagFunction({"team": "b"}),)},
        {"shift": ()},
    ],
)
def test_digest_is_over_each_function(changed: dict[str, Any]) -> None:
    """And so is whatever is done to a function."""
    plan = planned()
    assert data.digest(plan) != data.digest(replace(plan, functions=(replace(plan.functions[0], **changed),)))


def test_digest_does_not_give_secrets_away() -> None:
    """It is the same whatever the secrets are: nobody can try values against it."""
    one, two = (function(environment={"A": value}, KMSKeyArn=Secret(value)) for value in ("one", "two"))
    assert data.digest(planned(one)) == data.digest(planned(two))
