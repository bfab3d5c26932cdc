"""The JSON Schema for editors agrees with what the configuration accepts, and is current."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from ci import settings
from ci.config import check, schema, shape

ROLE = "arn:aws:iam::123456789012:role/lambda"


@pytest.fixture(scope="module")
def validator() -> Draft202012Validator:
    made = schema.schema()
    Draft202012Validator.check_schema(made)
    return Draft202012Validator(made)


def test_current(root: Path) -> None:
    """ci/schema.json is what the model gives today."""
    assert schema.text() == (root / "ci" / "schema.json").read_text(), "run: dollop schema > ci/schema.json"


def test_named_by_the_example(root: Path, validator: Draft202012Validator) -> None:
    """pipeline.yaml names the schema in its first line, for editors, and follows it."""
    text = (root / "pipeline.yaml").read_text()
    named = re.match(r"# yaml-language-server: \$schema=(\S+)\n", text)
    assert named and (root / named[1]).samefile(root / "ci" / "schema.json")
    assert [] == list(validator.iter_errors(yaml.safe_load(text)))


def test_portable() -> None:
    """Every pattern is one that the engines of editors read: no Unicode classes, no look-behind."""
    patterns = re.findall(r'"pattern": "(.*)"', schema.text())
    assert len(patterns) > 20
    assert [] == [pattern for pattern in patterns if r"\\p" in pattern or "(?<" in pattern]
    assert all(re.compile(json.loads(f'"{pattern}"')) for pattern in patterns)


def test_described() -> None:
    """Every key of a function explains itself."""
    [function] = schema.schema()["properties"]["functions"]["anyOf"][0]["patternProperties"].values()
    keys = shape.keys(("functions", "echo"))
    assert set(keys) == set(function["properties"])
    assert [] == [key for key in keys if len(function["properties"][key].get("description", "")) < 10]


def document(**function: Any) -> dict[str, Any]:
    return {"project": "p", "stages": {"test": {"alias": "test"}}, "functions": {"echo": function}}


GOOD = [
    document(),
    document(memory=128, timeout=900, architecture="arm64", tracing="Active", role=ROLE),
    document(architecture=["arm64"], tracing={"mode": "Active"}, ephemeral_storage={"size": 512}),
    document(vpc={"subnet_ids": ["subnet-1"], "security_group_ids": ["${ssm:/group}"]}, role="${env:ROLE}"),
    document(environment={"KEY": ""}, tags={"cost centre": "übung"}, max_size="40 MB"),
    document(smoke={"event": None, "expect": [1]}, concurrency=0, exclude=["*.md"]),
    {"project": "p", "stages": {"test": {"alias": "test"}}, "functions": None},
]
BAD = [
    document(memory=127),
    document(memory="128"),
    document(memory=True),
    document(memroy=128),
    document(architecture="arm"),
    document(architecture=[]),
    document(tracing="On"),
    document(role="lambda"),
    document(handler="with space.handle"),
    document(runtime="nodejs20.x"),
    document(vpc={"subnets": []}),
    document(environment={"1": "x"}),
    document(environment={"KEY": 5}),
    document(layers=["arn:aws:lambda:eu-west-1:123456789012:layer:a:1"] * 6),
    document(smoke={"event": {}}),
    document(max_size="40 TB"),
    document(retain=0),
    document(description="x" * (settings.DESCRIPTION_LIMIT + 1)),
    {"project": "p", "stages": {"test": {"alias": "12"}}, "functions": {}},
    {"project": "p", "stages": {"test": {}}, "functions": {}},
    {"project": "p", "stages": {}, "functions": {}},
    {"project": "p", "functions": {}},
    {"project": "p", "stages": {"bad name": {"alias": "test"}}, "functions": {}},
    {"project": "p", "stages": {"test": {"alias": "test"}}, "functions": {"-x": {}}},
    {"project": "p", "stages": {"test": {"alias": "test"}}, "functions": {}, "defaults": {"source": "x"}},
    {"project": "p", "stages": {"test": {"alias": "test"}}, "functions": {}, "region": "Europe"},
]


@pytest.mark.parametrize(("value", "expected"), [*((good, True) for good in GOOD), *((bad, False) for bad in BAD)])
def test_agrees(value: dict[str, Any], expected: bool, validator: Draft202012Validator) -> None:
    """An editor's check says no where the configuration's own says no, and only there."""
    _, wrong = check.document(value)
    assert (expected, expected) == (wrong == [], validator.is_valid(value)), wrong
