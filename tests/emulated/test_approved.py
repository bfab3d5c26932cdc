"""``plan --out`` then ``deploy --plan``: exactly that plan, or nothing."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable

import pytest

from tests.emulated import command
from tests.emulated.conftest import Account, Project
from tests.emulated.strict import Strict

Dollop = Callable[..., command.Result]


@pytest.fixture
def dollop(through: Account, project: Project) -> Dollop:
    """The command, in ``project`` and with ``through``'s account."""
    return lambda *arguments: command.run(*arguments, environment=through.environment)


def test_the_plan_that_was_shown_is_carried_out(dollop: Dollop, strict: Strict, project: Project) -> None:
    """The writes are its actions, call by call."""
    assert 0 == dollop("plan", "test", "--out", "plan.json").code
    result = dollop("deploy", "test", "--plan", "plan.json")
    assert 0 == result.code, result.err
    planned = json.loads((project.root / "plan.json").read_text())
    actions = [(action["call"], entry["name"]) for entry in planned["functions"] for action in entry["actions"]]
    assert sorted(actions) == sorted((call.operation, call.function) for call in strict.writes())


def test_a_file_with_the_checksum_of_another_is_shown(dollop: Dollop, project: Project) -> None:
    """That of a zip's directory can be met on purpose: a comment that nobody looks at is enough."""
    words = ("1  # 8ZDXz9jh", "2  # 3YDjgmwL")
    before, after = (f"def handle(event, context):\n    return {word}\n" for word in words)
    assert zlib.crc32(before.encode()) == zlib.crc32(after.encode())
    project.write("functions/audit/audit.py", before)
    assert 0 == dollop("deploy", "test").code
    project.write("functions/audit/audit.py", after)
    planned = json.loads(dollop("plan", "test", "audit", "--json").out)
    assert [{"change": "~", "path": "audit.py"}] == planned["functions"][0]["code"]["files"]


@pytest.mark.parametrize("moved", ["source", "configuration", "console", "stage", "already done"])
def test_any_other_plan_is_refused(
    moved: str, dollop: Dollop, strict: Strict, account: Account, project: Project
) -> None:
    """Whatever moved since, here or there: exit 1, the function is named, nothing is written."""
    assert 0 == dollop("deploy", "test").code
    project.write("functions/audit/audit.py", "def handle(event, context):\n    return 2\n")
    assert 0 == dollop("plan", "test", "--out", "plan.json").code
    if moved == "source":
        project.write("functions/audit/audit.py", "def handle(event, context):\n    return 3\n")
    elif moved == "configuration":
        text = (project.root / "pipeline.yaml").read_text()
        project.write("pipeline.yaml", text.replace("audit.handle", "audit.handle\n    memory: 256"))
    elif moved == "console":
        account.client("lambda").update_function_configuration(FunctionName="audit", MemorySize=512)
    elif moved == "already done":
        assert 0 == dollop("deploy", "test").code
    strict.forget()
    verb = ("promote", "prod") if moved == "stage" else ("deploy", "test")
    result = dollop(*verb, "--plan", "plan.json")
    assert 1 == result.code
    assert "moved under the plan plan.json" in result.err
    assert ("it is to deploy test" if moved == "stage" else "audit") in result.err
    assert "plan again" in result.err
    assert [] == strict.writes()


@pytest.mark.parametrize("text", ["", "{}", "[]", "null", "{\"digest\": 1}", "[" * 100_000, "edited", "\udcff"])
def test_what_is_no_plan_is_bad_input(text: str, dollop: Dollop, strict: Strict, project: Project) -> None:
    """Empty, of another shape, bottomless, edited by hand, not text: exit 2, the file is named, nothing is written."""
    if text == "edited":
        assert 0 == dollop("plan", "test", "--out", "plan.json").code
        text = (project.root / "plan.json").read_text().replace("CreateAlias", "DeleteAlias")
    (project.root / "plan.json").write_bytes(text.encode("utf-8", "surrogateescape"))
    result = dollop("deploy", "test", "--plan", "plan.json")
    assert 2 == result.code
    assert "plan.json" in result.err
    assert [] == strict.writes()
