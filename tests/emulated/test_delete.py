"""Deleting asks first, on a real terminal; where nobody can answer it wants to be told."""

from __future__ import annotations

import os
import pty
import subprocess
import sys

import pytest

from tests.emulated import command
from tests.emulated.conftest import Account, Project


@pytest.fixture(autouse=True)
def deployed(account: Account, project: Project) -> None:
    """The function audit, on the stage test."""
    assert 0 == command.run("deploy", "test", "audit", environment=account.environment).code


def functions(account: Account) -> list[str]:
    return [each["FunctionName"] for each in account.client("lambda").list_functions()["Functions"]]


def answer(said: str, account: Account, project: Project) -> tuple[int, str]:
    """Exit code and stderr of a deletion that is answered with ``said``, typed."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        (sys.executable, "-m", "ci", "delete", "audit"), cwd=project.root, text=True,
        env={**os.environ, **account.environment, "PYTHONPATH": str(command.ROOT)},
        stdin=theirs, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
    )
    os.write(ours, said.encode())
    _, errors = process.communicate(timeout=60)
    os.close(ours)
    os.close(theirs)
    return process.returncode, errors


def test_no_is_no(account: Account, project: Project) -> None:
    """Exit 1, and the function is there."""
    code, errors = answer("n\n", account, project)
    assert (1, True) == (code, "nothing was deleted" in errors), errors
    assert ["audit"] == functions(account)


def test_yes_is_yes(account: Account, project: Project) -> None:
    """Exit 0, and the function is gone."""
    code, errors = answer("y\n", account, project)
    assert 0 == code, errors
    assert [] == functions(account)


def test_where_nobody_can_answer(account: Account, project: Project) -> None:
    """Exit 2 and the way out; a dry run asks nothing."""
    process = command.spawn("delete", "audit", environment=account.environment, folder=project.root)
    _, errors = process.communicate(timeout=60)
    assert (2, True) == (process.returncode, "--force deletes without asking" in errors)
    dry = command.spawn("delete", "audit", "--dry-run", environment=account.environment, folder=project.root)
    assert "- function audit" in dry.communicate(timeout=60)[0]
    assert ["audit"] == functions(account)
