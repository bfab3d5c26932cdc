"""CodeDeploy moves the aliases of a release: done, taken back, broken off, gone on with when nobody watches.

moto is CodeDeploy's API, MiniStack has functions and alarms; ``strict/codedeploy.py`` says what is played beside them.
"""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from ci import live
from ci.apply import apply
from ci.errors import Refused, ReleaseError, Unwatched
from ci.live import answers, codedeploy
from ci.model import CodeDeploy
from ci.model.live import LiveAlias
from ci.plan import rollback
from ci.plan.plan import Plan
from tests.emulated import command
from tests.emulated.conftest import AUDIT, REGION, Account, Project, post
from tests.emulated.releasing import NEW, PROD, Edition, attempt, connect, silent, to_promote
from tests.emulated.strict import Call, Fault, Strict
from tests.emulated.strict.codedeploy import CodeDeploy as Played
from tests.emulated.test_canary import Dollop, editions, once, prod, promotable, ring, versions
from tests.emulated.test_faults_signals import as_the_command_does

__all__ = ["editions", "promotable"]

SERVICE = "arn:aws:iam::123456789012:role/codedeploy"
BY = CodeDeploy("CodeDeployDefault.LambdaCanary10Percent5Minutes", SERVICE, "dollop-demo", ("errors",))
STAGE = replace(PROD, rollout=BY)
SPLIT = {"2": 0.1}
MOVED = {"alpha": ("2", {}), "beta": ("2", {}), NEW: ("1", {})}


@pytest.fixture
def played(strict: Strict, account: Account, moto_port: int) -> Any:
    behind = Played(moto_port, account.client)
    strict.elsewhere = behind.answer
    yield behind
    post(moto_port, "/moto-api/reset")


def planned(account: Account, wanted: Edition, by: CodeDeploy = BY) -> Plan:
    aws = connect(account)
    return codedeploy.with_groups(aws, to_promote(aws, wanted, replace(PROD, rollout=by)))


def promote(account: Account, wanted: Edition, by: CodeDeploy = BY) -> Any:
    return apply(planned(account, wanted, by), connect(account), silent)


def aliases(account: Account, wanted: Edition) -> dict[str, LiveAlias]:
    found = live.read(connect(account), STAGE, wanted.functions, aliases=True).functions
    return {name: one.aliases["prod"] for name, one in found.items() if one and one.aliases and "prod" in one.aliases}


def back(account: Account, wanted: Edition, meanwhile: Callable[[], None] = lambda: None) -> Plan:
    """Roll the stage back; ``meanwhile`` happens between the plan and what is done."""
    aws = connect(account)
    found = live.read(aws, STAGE, wanted.functions, aliases=True)
    numbers = rollback.targets(STAGE, wanted.functions, found, whole=True)
    _, there = live.compare(aws, STAGE, wanted.functions, numbers, found)
    plan = rollback.rollback(STAGE, REGION, wanted.functions, numbers, there, found, wanted.origin)
    meanwhile()
    apply(plan, aws, silent)
    return plan


def test_codedeploy_moves_the_aliases(
    played: Played, strict: Strict, promotable: Account, editions: tuple[Edition, Edition]
) -> None:
    """An application, a group for each function, a description each, a deployment each; a new alias is ours to make.

    The record is right at every moment: while a share goes to the new version, and once CodeDeploy is done.
    """
    strict.calls, seen = [], list[Any]()
    once(strict, "BatchGetDeployments", lambda: seen.append((versions(promotable), aliases(promotable, editions[1]))))
    plan = planned(promotable, editions[1])
    apply(plan, connect(promotable), silent)
    assert MOVED == versions(promotable)
    assert sorted([
        "CreateApplication", *["CreateDeploymentGroup"] * 2, *["UpdateAlias"] * 2, "CreateAlias",
        *["CreateDeployment"] * 2,
    ]) == sorted(call.operation for call in strict.writes())
    ((shares, under_way),) = seen
    assert {"alpha": ("1", SPLIT), "beta": ("1", SPLIT), NEW: ("1", {})} == shares
    left = under_way["alpha"]
    assert left.handed and ("1", "2", plan.release) == (left.handed.before, left.handed.version, left.handed.release)
    assert left.record and ("1", None) == (left.record.version, left.record.previous)
    done = aliases(promotable, editions[1])["alpha"]
    assert done.handed is None and done.record
    assert (plan.release, "1", "2") == (done.record.release, done.record.previous, done.record.version)
    assert ["alpha", "beta"] == sorted(each.moved["Name"] for each in played.deployments.values())
    back(promotable, editions[1])
    assert {"alpha": ("1", {}), "beta": ("1", {}), NEW: ("1", {})} == versions(promotable)


def test_what_is_there_is_not_made_again(
    played: Played, strict: Strict, promotable: Account, editions: tuple[Edition, Edition]
) -> None:
    """The second time only aliases and deployments are written; another role is."""
    promote(promotable, editions[1])
    back(promotable, editions[1])
    other = replace(BY, role=f"{SERVICE}-2", config="CodeDeployDefault.LambdaAllAtOnce")
    strict.calls = []
    promote(promotable, editions[1], other)
    assert MOVED == versions(promotable)
    assert {"UpdateDeploymentGroup", "UpdateAlias", "CreateDeployment"} == {each.operation for each in strict.writes()}
    assert {"prod-alpha": other.role, "prod-beta": other.role} == played.roles


def test_an_alarm_takes_everything_back(
    played: Played, strict: Strict, promotable: Account, editions: tuple[Edition, Edition]
) -> None:
    """CodeDeploy takes back its own; the new alias goes, and every description is as it was."""
    before = prod(promotable)
    once(strict, "BatchGetDeployments", lambda: ring(promotable))
    error = attempt(lambda: promote(promotable, editions[1]))
    assert isinstance(error, ReleaseError) and error.restored
    assert "CodeDeploy did not move the alias: deployment " in error.message
    assert "One or more alarms have been activated" in error.message
    assert before == prod(promotable)


@pytest.mark.parametrize(("config", "other"), [("Canary10Percent5Minutes", "Succeeded"), (
    "Linear10PercentEvery1Minute", "Stopped")])
def test_a_deployment_that_fails_alone(
    config: str, other: str, played: Played, strict: Strict, promotable: Account, editions: tuple[Edition, Edition]
) -> None:
    """One function's deployment fails; the other's has a share and is stopped, or is done already: both go back."""
    before = prod(promotable)

    def fail() -> None:
        beta = next(each for each in played.deployments.values() if each.moved["Name"] == "beta")
        played._point(beta, "CurrentVersion")
        beta.status, beta.why = "Failed", "a hook failed"

    once(strict, "BatchGetDeployments", fail)
    by = replace(BY, config=f"CodeDeployDefault.Lambda{config}")
    error = attempt(lambda: promote(promotable, editions[1], by))
    assert isinstance(error, ReleaseError) and error.restored and "beta: CodeDeploy did not" in error.message
    assert before == prod(promotable)
    assert {other, "Failed"} == {each.status for each in played.deployments.values()}


def test_a_signal_takes_everything_back(
    played: Played, strict: Strict, promotable: Account, editions: tuple[Edition, Edition]
) -> None:
    """SIGTERM while it is watched: what is under way is stopped, not left to cross the way back."""
    before = prod(promotable)
    once(strict, "BatchGetDeployments", lambda: os.kill(os.getpid(), signal.SIGTERM))
    with as_the_command_does():
        error = attempt(lambda: promote(promotable, editions[1]))
    assert isinstance(error, ReleaseError) and isinstance(error.__cause__, KeyboardInterrupt)
    assert before == prod(promotable)


def test_what_cannot_be_watched_goes_on(
    played: Played, strict: Strict, promotable: Account, editions: tuple[Edition, Edition]
) -> None:
    """Credentials expire while CodeDeploy is at it: the release fails to be seen, not to be made."""
    strict.faults.append(Fault("expired", "BatchGetDeployments", "", 2))
    error = attempt(lambda: promote(promotable, editions[1]))
    assert isinstance(error, Unwatched) and "it goes on by itself" in error.message
    strict.heal()
    played.to_the_end()
    assert MOVED == versions(promotable)
    done = aliases(promotable, editions[1])["beta"]
    assert done.record and ("1", "2") == (done.record.previous, done.record.version)


@pytest.mark.parametrize(("operation", "name"), [("UpdateAlias", "alpha"), ("CreateDeployment", "alpha")])
def test_a_lost_answer(
    operation: str, name: str, played: Played, strict: Strict, promotable: Account, editions: tuple[Edition, Edition]
) -> None:
    """A write that took effect without an answer is sent again, and its refusal is known for an echo."""
    strict.faults.append(Fault("reset after", operation, name))
    promote(promotable, editions[1])
    assert MOVED == versions(promotable)
    assert 2 == len(played.deployments)


def test_while_codedeploy_is_at_it(
    played: Played, strict: Strict, promotable: Account, editions: tuple[Edition, Edition]
) -> None:
    """The runner is gone: a plan says so, another release is refused, and a rollback stops it, however far it is."""
    before, linear = prod(promotable), replace(BY, config="CodeDeployDefault.LambdaLinear10PercentEvery1Minute")
    strict.faults.append(Fault("expired", "BatchGetDeployments", "", 2))
    attempt(lambda: promote(promotable, editions[1], linear))
    strict.heal()
    played.waits = True
    plan = planned(promotable, editions[1])
    assert any("alpha: CodeDeploy moves the alias prod from version 1 to 2 since" in note for note in plan.notes)
    written = len(strict.writes())
    error = attempt(lambda: apply(plan, connect(promotable), silent))
    assert isinstance(error, Refused) and "beta: CodeDeploy is moving the alias prod (deployment " in error.message
    assert written == len(strict.writes())
    plain = attempt(lambda: to_promote(connect(promotable), editions[1], PROD))
    assert isinstance(plain, Refused) and "stages.prod.rollout.codedeploy stay" in plain.hint

    def goes_on() -> None:
        for each in played.deployments.values():
            played.step(each)

    back(promotable, editions[1], goes_on)
    assert {"alpha": before["alpha"], "beta": before["beta"]} == prod(promotable, ("alpha", "beta"))
    assert {"Stopped"} == {each.status for each in played.deployments.values()}


# ---------------------------------------------------------------- the command


@pytest.fixture
def dollop(played: Played, through: Account, project: Project) -> Dollop:
    """The command; prod runs both functions at 1, test at 2."""
    def run(*arguments: str) -> command.Result:
        return command.run(*arguments, environment=through.environment)

    assert 0 == run("deploy", "test").code
    assert 0 == run("promote", "prod").code
    said = (project.root / "pipeline.yaml").read_text()
    rollout = f"{{codedeploy: Linear10PercentEvery1Minute, role: '{SERVICE}'}}"
    said = said.replace("from: test}", f"from: test, rollout: {rollout}}}").replace("Guten tag", "Hello")
    project.write("pipeline.yaml", said)
    project.write("functions/audit/audit.py", AUDIT + "# more\n")
    assert 0 == run("deploy", "test").code
    return run


def test_killed_and_codedeploy_goes_on(
    dollop: Dollop, played: Played, strict: Strict, through: Account, project: Project
) -> None:
    """SIGKILL once CodeDeploy has all: it is shown how far that is; when it is done, there is nothing left to do."""
    planned = dollop("plan", "prod")
    assert "  + CodeDeploy application\n    name: dollop-demo\n" in planned.out
    assert "  + CodeDeploy deployment group\n    name: prod-audit\n" in planned.out
    assert "    CodeDeploy: CodeDeployDefault.LambdaLinear10PercentEvery1Minute\n" in planned.out
    process = command.spawn("promote", "prod", environment=through.environment, folder=project.root)
    once(strict, "BatchGetDeployments", process.kill, 1)
    process.communicate(timeout=60)
    assert -signal.SIGKILL == process.returncode
    strict.after = lambda call: None
    told = dollop("status").out
    assert "1 (behind), 2 10%" in told and "alias prod sends 10% to version 2, CodeDeploy moves it since 20" in told
    played.to_the_end()
    assert "nothing to do" in dollop("promote", "prod").out
    told = dollop("status", "--json").out
    assert [] == json.loads(told)["strays"]
    planned_back = json.loads(dollop("rollback", "prod", "--dry-run", "--json").out)
    assert {("2", "1")} == {
        (each["before"], each["after"]) for one in planned_back["functions"] for each in one["actions"]
    }


def test_regions_land_together(
    dollop: Dollop, played: Played, strict: Strict, account: Account, project: Project
) -> None:
    """A deployment that fails in one region takes the release back in the other, which has groups of its own."""
    regions, both = ("eu-west-1", "us-east-1"), "regions: [eu-west-1, us-east-1]"
    said = (project.root / "pipeline.yaml").read_text().replace("alias: test}", f"alias: test, {both}}}")
    said = said.replace("from: test,", f"from: test, {both},").replace("Linear10PercentEvery1Minute", "AllAtOnce")
    project.write("pipeline.yaml", said)

    def running() -> list[tuple[Any, ...]]:
        found = [account.client("lambda", region).get_alias(FunctionName="audit", Name="prod") for region in regions]
        return [(each.version, each.record, each.handed) for each in map(answers.alias, found)]

    def fail(call: Call) -> None:
        for each in played.deployments.values():
            if call.operation == "BatchGetDeployments" and each.region == "us-east-1":
                each.status = "Failed"

    def deploy() -> int:
        # Past the strict proxy, to which a function of one name is one function in all regions.
        return command.run("deploy", "test", environment=account.environment).code

    assert (0, 0) == (deploy(), dollop("promote", "prod").code)
    project.write("functions/audit/audit.py", AUDIT + "# still more\n")
    assert 0 == deploy()
    before, strict.before = running(), fail
    assert ["2", "1"] == [version for version, _, _ in before]
    failed = dollop("promote", "prod")
    assert 1 == failed.code and "audit in us-east-1: CodeDeploy did not move the alias" in failed.err
    assert before == running()
    strict.before = lambda call: None
    done = dollop("promote", "prod")
    assert 0 == done.code, done.err
    assert ["3", "2"] == [version for version, _, _ in running()]
