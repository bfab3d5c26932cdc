"""Environment variables from the command line reach AWS, and nothing else."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.emulated import command
from tests.emulated.conftest import Account, Project

Dollop = Callable[..., command.Result]


@pytest.fixture
def dollop(account: Account, project: Project) -> Dollop:
    """The command, in ``project``."""
    return lambda *arguments: command.run(*arguments, environment=account.environment)


def test_they_go_over_those_of_the_file_and_are_never_shown(
    dollop: Dollop, account: Account, project: Project
) -> None:
    """Plan and deploy agree on them, and only the chosen functions get them."""
    project.write("prod.env", "TOKEN=hunter2\nGREETING=Moin\n")
    options = ("--env-file", "prod.env", "--set", "LEVEL=hunter3")
    planned = dollop("plan", "test", "audit", *options)
    deployed = dollop("deploy", "test", "audit", *options)
    assert (0, 0) == (planned.code, deployed.code), planned.err + deployed.err
    assert planned.out == deployed.out
    assert {"TOKEN: added", "LEVEL: added", "GREETING: added"} <= {line.strip() for line in planned.out.splitlines()}
    assert "hunter" not in "".join((planned.out, planned.err, deployed.out, deployed.err))
    configuration = account.client("lambda").get_function_configuration(FunctionName="audit")
    assert {"TOKEN": "hunter2", "LEVEL": "hunter3", "GREETING": "Moin"} == configuration["Environment"]["Variables"]
    assert 0 == dollop("plan", "test", "audit", *options, "--exit-code").code


def test_one_replaces_a_reference_that_could_not_be_looked_up(dollop: Dollop, project: Project) -> None:
    """The variable that the reference names need not be set then."""
    text = (project.root / "pipeline.yaml").read_text()
    project.write("pipeline.yaml", text.replace("Guten tag}", "'${env:NOBODY_SET_THIS}'}", 1))
    assert 2 == dollop("plan", "test", "echo").code
    assert 0 == dollop("plan", "test", "echo", "--set", "GREETING=Guten tag").code


def test_a_promoted_stage_takes_none(dollop: Dollop) -> None:
    """A version carries its configuration: prod gets what test has."""
    assert 0 == dollop("deploy", "test", "audit").code
    refused = dollop("plan", "prod", "audit", "--set", "LEVEL=1")
    assert 2 == refused.code
    assert "the stage prod is promoted" in refused.err
