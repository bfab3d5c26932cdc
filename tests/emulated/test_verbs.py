"""Every verb that changes something, in turn, against two emulators: MiniStack, and moto for a second opinion.

moto runs no functions (no smoke test, no invoke), knows no Pending, and neither tells nor enforces revision ids.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from ci import console
from tests.emulated import command
from tests.emulated.conftest import Account, Project

Dollop = Callable[..., command.Result]


@pytest.fixture(params=["account", "moto"])
def somewhere(request: pytest.FixtureRequest) -> Account:
    """An account on either emulator."""
    found: Account = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def dollop(somewhere: Account, project: Project) -> Dollop:
    """The command, in ``project`` without its smoke test; it must succeed."""
    lines = (project.root / "pipeline.yaml").read_text().splitlines(keepends=True)
    project.write("pipeline.yaml", "".join(line for line in lines if "smoke:" not in line))

    def run(*arguments: str) -> command.Result:
        result = command.run(*arguments, environment=somewhere.environment)
        assert 0 == result.code, result.err
        return result

    return run


def versions(account: Account, name: str) -> list[str]:
    client = account.client("lambda")
    return [item["Version"] for item in client.list_versions_by_function(FunctionName=name)["Versions"]]


def stage(dollop: Dollop, name: str) -> dict[str, Any]:
    """Function -> version, as status says it."""
    found = json.loads(dollop("status", "--json").out)["stages"][name]
    return {function: running and running["version"] for function, running in found.items()}


def test_the_whole_life(dollop: Dollop, project: Project, somewhere: Account) -> None:
    """Create, change, promote, roll back, go to a version and a commit, prune and delete: each does what it says."""
    first = project.commit()
    assert "2 to create" in dollop("deploy", "test").out
    assert {"audit": "1", "echo": "1"} == stage(dollop, "test")
    assert {"audit": None, "echo": None} == stage(dollop, "prod")

    dollop("promote", "prod")
    text = (project.root / "pipeline.yaml").read_text()
    for number in (2, 3):
        memory = f"audit.handle\n    memory: {number * 128}"
        project.write("pipeline.yaml", text.replace("Guten tag", f"Moin {number}").replace("audit.handle", memory))
        project.commit()
        assert "GREETING: changed" in dollop("deploy", "test").out
    assert {"audit": "3", "echo": "3"} == stage(dollop, "test")
    assert "nothing to do: 2 unchanged" in dollop("deploy", "test").out

    assert "    version: 1 -> 3" in dollop("promote", "prod").out
    dollop("rollback", "prod")
    assert {"audit": "1", "echo": "1"} == stage(dollop, "prod")
    dollop("redeploy", "prod", "--what", "2")
    assert {"audit": "2", "echo": "2"} == stage(dollop, "prod")
    dollop("rollback", "test", "--to", first[:10])
    assert {"audit": "1", "echo": "1"} == stage(dollop, "test")

    kept = {"$LATEST", "1", "2", "3"}  # test: 1, and 3 to go back to; prod: 2, and 1
    dollop("prune", "--retain", "1")
    assert kept == set(versions(somewhere, "audit"))
    assert "- function audit" in dollop("delete", "audit", "--force").out
    assert {"audit": None, "echo": "1"} == stage(dollop, "test")
    assert "nothing to do" in dollop("prune", "echo").out


def test_globs_choose(dollop: Dollop) -> None:
    """Only what matches is built, shown and released."""
    result = dollop("deploy", "test", "ec*")
    assert "audit" not in result.out + result.err
    assert {"audit": None, "echo": "1"} == stage(dollop, "test")


def test_long_work_shows_how_far_it_is(dollop: Dollop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is done for many functions: a line now and then, where there is no terminal."""
    monkeypatch.setattr(console, "_EVERY", -1.0)  # as if every item took longer than that
    assert "   • reading test              done=1/2\n" in dollop("plan", "test").err
