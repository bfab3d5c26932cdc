from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cfnlint
import pytest

from ci import doctor
from tests.unit.test_policy import function, pipeline

COMMIT = "a" * 40


def found(path: Path, text: str) -> list[str]:
    workflow = path / ".github/workflows/w.yml"
    workflow.parent.mkdir(parents=True, exist_ok=True)
    workflow.write_text(text)
    return [finding.what for finding in doctor.pins(path)]


@pytest.mark.parametrize("uses", [f"actions/checkout@{COMMIT} # v7.0.1", "$/.github/actions/dollop", "./x"])
def test_pinned(tmp_path: Path, uses: str) -> None:
    """A full commit, or something of this repository, is as it should be."""
    assert [] == found(tmp_path, f"    - uses: {uses}\n")


@pytest.mark.parametrize("uses", ["actions/checkout@v7", "actions/checkout@main", "actions/checkout@abc1234"])
def test_not_pinned(tmp_path: Path, uses: str) -> None:
    """A tag, a branch or half a commit can be moved: file and line are named."""
    expected = f".github/workflows/w.yml:2: {uses} is not pinned by its commit"
    assert [expected] == found(tmp_path, f"x:\n  - uses: {uses}\n")


GOOD = {"protection_rules": [{"type": "required_reviewers"}], "deployment_branch_policy": {"protected_branches": True}}


@pytest.mark.parametrize(
    ("prod", "expected"),
    [
        (GOOD, []),
        (None, ["GitHub has no environment prod: every branch gets its AWS role"]),
        (GOOD | {"protection_rules": []}, ["the environment prod waits for nobody's approval"]),
        (GOOD | {"deployment_branch_policy": None}, ["the environment prod may be used from every branch"]),
    ],
)
def test_environments(prod: dict[str, Any] | None, expected: list[str]) -> None:
    """An environment that is not there, that nobody approves or that any branch may use is a finding."""
    answers = {"/repos/o/r/environments/test": GOOD, "/repos/o/r/environments/prod": prod}
    findings = doctor.environments(pipeline(function("echo")), "o/r", lambda path: answers[path])
    assert expected == [finding.what for finding in findings]


CHECKS = {"required_status_checks": [{"context": "Pull request"}]}


@pytest.mark.parametrize(
    ("rules", "count"),
    [([{"type": "required_status_checks", "parameters": CHECKS}], 0), ([{"type": "deletion"}], 1), ([], 1), (None, 1)],
)
def test_branch_rule(rules: list[dict[str, Any]] | None, count: int) -> None:
    """The branch must require the last job of the pull request's workflow."""
    answers = {"/repos/o/r": {"default_branch": "master"}, "/repos/o/r/rules/branches/master": rules}
    assert count == len(list(doctor.branch("o/r", "master", lambda path: answers[path])))


def test_another_default_branch() -> None:
    """A push to it would deploy nothing, and nobody would say why."""
    answers = {"/repos/o/r": {"default_branch": "main"}, "/repos/o/r/rules/branches/master": [
        {"type": "required_status_checks", "parameters": CHECKS}
    ]}
    (found,) = doctor.branch("o/r", "master", lambda path: answers[path])
    assert "the default branch is main, and the workflows deploy master" == found.what
    assert "gh api -X POST repos/o/r/branches/main/rename -f new_name=master" == found.fix


@pytest.mark.parametrize(("today", "count"), [("2026-10-30", 0), ("2026-10-31", 1)])
def test_deprecated_runtime(today: str, count: int) -> None:
    """From the day on which AWS stops patching it, a runtime is a finding."""
    line = pipeline(function("echo", Runtime="python3.10"))
    assert count == len(list(doctor.runtimes(line, today)))


def test_dates_are_those_of_another_source() -> None:
    """cfn-lint keeps the same table."""
    path = Path(cfnlint.__file__).parent / "data/AdditionalSpecs/LmbdRuntimeLifecycle.json"
    theirs = json.loads(path.read_text())
    assert {name: theirs[name]["deprecated"] for name in doctor.DEPRECATED} == doctor.DEPRECATED


@pytest.mark.parametrize(("text", "count"), [("{}", 0), ("{ }", 1)])
def test_schema(tmp_path: Path, text: str, count: int) -> None:
    """A schema that another version wrote is a finding."""
    (tmp_path / "ci").mkdir()
    (tmp_path / "ci/schema.json").write_text(text)
    assert count == len(list(doctor.schema(tmp_path, "{}")))
