"""A canary before the aliases of a release move: passed, taken back, broken off, gone on with. Alarms set by hand."""

from __future__ import annotations

import json
import os
import re
import signal
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ci import record
from ci.apply import apply
from ci.errors import Refused, ReleaseError
from ci.model import Canary
from tests.emulated import command
from tests.emulated.conftest import AUDIT, Account, Project
from tests.emulated.releasing import (
    NEW,
    PROD,
    Aliases,
    Edition,
    aliases,
    attempt,
    connect,
    edition,
    silent,
    to_deploy,
    to_promote,
)
from tests.emulated.strict import Call, Fault, Strict
from tests.emulated.test_faults_signals import as_the_command_does

CANARY = replace(PROD, rollout=Canary(10, 1, ("errors", "whole")))
SPLIT = {"2": 0.1}


@pytest.fixture(scope="module")
def editions(tmp_path_factory: pytest.TempPathFactory) -> tuple[Edition, Edition]:
    folder = tmp_path_factory.mktemp("packages")
    return edition(1, folder), edition(2, folder)


@pytest.fixture
def promotable(through: Account, editions: tuple[Edition, Edition]) -> Account:
    """prod runs the first edition, test the second, in which ``gamma`` is new; a metric and a composite alarm."""
    aws = connect(through)
    apply(to_deploy(aws, editions[0]), aws, silent)
    apply(to_promote(aws, editions[0]), aws, silent)
    apply(to_deploy(aws, editions[1]), aws, silent)
    alarms = through.client("cloudwatch")
    alarms.put_metric_alarm(
        AlarmName="errors", MetricName="Errors", Namespace="AWS/Lambda", Statistic="Sum", Period=60,
        EvaluationPeriods=1, Threshold=1, ComparisonOperator="GreaterThanThreshold",
    )
    alarms.put_composite_alarm(AlarmName="whole", AlarmRule='ALARM("errors")')
    return through


def ring(account: Account, state: str = "ALARM") -> None:
    account.client("cloudwatch").set_alarm_state(AlarmName="errors", StateValue=state, StateReason="set by hand")


def prod(account: Account, names: tuple[str, ...] = ("alpha", "beta", NEW)) -> Aliases:
    return aliases(account, PROD, names)


def versions(account: Account) -> dict[str, Any]:
    return {name: (version, weights) for name, (version, weights, _) in prod(account).items()}


def once(strict: Strict, operation: str, action: Callable[[], Any], nth: int = 1) -> None:
    """Do ``action`` once, right after the ``nth`` such call took effect."""
    seen: list[Call] = []

    def after(call: Call) -> None:
        if call.operation == operation:
            seen.append(call)
            if len(seen) == nth:
                action()

    strict.after = after


def test_a_canary_that_passes(strict: Strict, promotable: Account, editions: tuple[Edition, Edition]) -> None:
    """Each alias sends its share to the new version, then moves: two writes; one that is new is made at the start.

    An alarm that has no data yet is no alarm that rings.
    """
    states = promotable.client("cloudwatch").describe_alarms()["MetricAlarms"]
    assert ["INSUFFICIENT_DATA"] == [alarm["StateValue"] for alarm in states]
    seen: list[Any] = []
    aws, strict.calls = connect(promotable), []
    once(strict, "DescribeAlarms", lambda: seen.append(versions(promotable)), nth=3)
    began = time.monotonic()
    plan = to_promote(aws, editions[1], CANARY)
    apply(plan, aws, silent)
    assert time.monotonic() - began > 1
    assert [{"alpha": ("1", SPLIT), "beta": ("1", SPLIT), NEW: ("1", {})}] == seen
    assert {"alpha": ("2", {}), "beta": ("2", {}), NEW: ("1", {})} == versions(promotable)
    assert ["CreateAlias", *["UpdateAlias"] * 4] == sorted(call.operation for call in strict.writes())
    noted = record.read_alias(prod(promotable)["alpha"][2])
    assert noted and (plan.release, "1", "2") == (noted.release, noted.previous, noted.version)


@pytest.mark.parametrize("rings", ["errors", "whole"])
def test_an_alarm_takes_everything_back(
    rings: str, strict: Strict, promotable: Account, editions: tuple[Edition, Edition]
) -> None:
    """A metric alarm as well as a composite one, in the middle of the watch: each alias is as it was before."""
    before, aws = prod(promotable), connect(promotable)
    client = promotable.client("cloudwatch")
    alarm = {"AlarmName": rings, "StateValue": "ALARM", "StateReason": "by hand"}
    once(strict, "DescribeAlarms", lambda: client.set_alarm_state(**alarm), nth=4)
    error = attempt(lambda: apply(to_promote(aws, editions[1], CANARY), aws, silent))
    assert isinstance(error, ReleaseError) and error.restored
    assert f"canary: the alarm {rings} is in the state ALARM" in error.message
    assert "every alias of the release is back where it was" in error.message
    assert before == prod(promotable)


def test_what_cannot_be_watched_is_not_begun(
    strict: Strict, promotable: Account, editions: tuple[Edition, Edition]
) -> None:
    """An alarm that does not exist, one that rings already: refused, by name, before anything is written."""
    aws, strict.calls = connect(promotable), []
    unknown = replace(PROD, rollout=Canary(10, 1, ("errors", "erors")))
    missing = attempt(lambda: apply(to_promote(aws, editions[1], unknown), aws, silent))
    assert isinstance(missing, Refused) and "there is no alarm erors in eu-west-1" in missing.message
    ring(promotable)
    ringing = attempt(lambda: apply(to_promote(aws, editions[1], CANARY), aws, silent))
    assert isinstance(ringing, Refused) and "alarm errors is in the state ALARM (set by hand)" in ringing.message
    assert {"SetAlarmState"} >= {call.operation for call in strict.writes()}


def test_a_signal_takes_everything_back(
    strict: Strict, promotable: Account, editions: tuple[Edition, Edition]
) -> None:
    """SIGTERM while it is watched: as at any other time."""
    before, aws = prod(promotable), connect(promotable)
    once(strict, "DescribeAlarms", lambda: os.kill(os.getpid(), signal.SIGTERM), nth=4)
    with as_the_command_does():
        error = attempt(lambda: apply(to_promote(aws, editions[1], CANARY), aws, silent))
    assert isinstance(error, ReleaseError) and isinstance(error.__cause__, KeyboardInterrupt)
    assert before == prod(promotable)


def test_an_alias_that_somebody_moves_during_the_canary(
    strict: Strict, promotable: Account, editions: tuple[Edition, Edition]
) -> None:
    """It is noticed long before the canary would end. That alias stays as it was left, the others go back."""
    before, aws = prod(promotable), connect(promotable)
    client = promotable.client("lambda")
    theirs = {"FunctionName": "beta", "Name": "prod", "FunctionVersion": "2", "Description": "mine"}
    once(strict, "DescribeAlarms", lambda: client.update_alias(**theirs), nth=3)
    long = replace(CANARY, rollout=Canary(10, 600, ("errors",)))
    error = attempt(lambda: apply(to_promote(aws, editions[1], long), aws, silent))
    assert isinstance(error, ReleaseError) and "beta: alias prod: live moved under the plan" in error.message
    assert before["alpha"] == prod(promotable)["alpha"]
    assert ("2", "mine") == (prod(promotable)["beta"][0], prod(promotable)["beta"][2])


def test_a_lost_answer_of_each_write(
    strict: Strict, promotable: Account, editions: tuple[Edition, Edition]
) -> None:
    """A write that took effect without an answer is sent again, and its refusal is known for an echo."""
    aws = connect(promotable)
    strict.faults += [Fault("reset after", "UpdateAlias", name, nth) for name in ("alpha", "beta") for nth in (1, 3)]
    apply(to_promote(aws, editions[1], CANARY), aws, silent)
    assert {"alpha": ("2", {}), "beta": ("2", {}), NEW: ("1", {})} == versions(promotable)


# ---------------------------------------------------------------- the job dies


Dollop = Callable[..., command.Result]


@pytest.fixture
def dollop(through: Account, project: Project) -> Dollop:
    """The command; prod runs both functions at 1, test at 2, and prod has a canary of some seconds."""

    def run(*arguments: str) -> command.Result:
        return command.run(*arguments, environment=through.environment)

    assert 0 == run("deploy", "test").code
    assert 0 == run("promote", "prod").code
    pipeline = (project.root / "pipeline.yaml").read_text()
    rollout = "prod: {alias: prod, from: test, rollout: {canary: 10%, for: 4s}}"
    pipeline = pipeline.replace("prod: {alias: prod, from: test}", rollout).replace("Guten tag", "Hello")
    project.write("pipeline.yaml", pipeline)
    project.write("functions/audit/audit.py", AUDIT + "# more\n")
    assert 0 == run("deploy", "test").code
    return run


def killed(strict: Strict, through: Account, project: Project, nth: int) -> None:
    """A promotion that SIGKILL ends right after its ``nth`` UpdateAlias took effect."""
    strict.forget()
    process = command.spawn("promote", "prod", environment=through.environment, folder=project.root)
    once(strict, "UpdateAlias", process.kill, nth)
    process.communicate(timeout=60)
    assert -signal.SIGKILL == process.returncode
    time.sleep(0.2)  # a call that was under way still arrives
    strict.after = lambda call: None


def states(account: Account) -> list[tuple[str, dict[str, float]]]:
    """What the aliases of both functions do, in no order."""
    found = prod(account, ("audit", "echo")).values()
    return sorted(((version, weights) for version, weights, _ in found), key=str)


def test_killed_in_the_watch_and_run_again(
    dollop: Dollop, strict: Strict, through: Account, project: Project
) -> None:
    """The next run knows its own canary, says since when it is under way, waits for the rest of its time, finishes."""
    killed(strict, through, project, 2)
    assert [("1", SPLIT)] * 2 == states(through)
    began = [call.at for call in strict.calls if call.operation == "UpdateAlias"]
    assert "1 (behind), 2 10%" in dollop("status").out
    time.sleep(1)
    planned = dollop("plan", "prod").out
    assert 2 == len(re.findall(r"canary: 10% for 4 s, since 20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ\n", planned))
    assert "that ends" not in planned
    strict.calls.clear()
    result = dollop("promote", "prod")
    assert 0 == result.code, result.err
    assert re.search(r"watching the canary +alarms=none env=prod left=[123] s", result.err)
    moved = [call for call in strict.calls if call.operation == "UpdateAlias"]
    assert ["2", "2"] == [call.body["FunctionVersion"] for call in moved]
    # The moment is kept to the second.
    assert 3 <= moved[0].at - max(began)
    assert [("2", {})] * 2 == states(through)
    assert "nothing to do" in dollop("promote", "prod").out


def test_killed_while_it_begins_and_rolled_back(
    dollop: Dollop, strict: Strict, through: Account, project: Project
) -> None:
    """One alias has its share, the other has not: a rollback ends the canary and leaves what ran, and its record."""
    before = prod(through, ("audit", "echo"))
    killed(strict, through, project, 1)
    assert [("1", SPLIT), ("1", {})] == states(through)
    planned = json.loads(dollop("rollback", "prod", "--dry-run", "--json").out)
    assert [("1", "1")] == [
        (action["before"], action["after"]) for each in planned["functions"] for action in each["actions"]
    ]
    assert any("sends 10 % of its calls to version 2: that ends" in note for note in planned["notes"])
    assert 0 == dollop("rollback", "prod").code
    assert [("1", {})] * 2 == states(through)
    assert before == prod(through, ("audit", "echo"))


def shorter(project: Project) -> None:
    said = (project.root / "pipeline.yaml").read_text()
    project.write("pipeline.yaml", said.replace("for: 4s", "for: 1s"))


@pytest.mark.parametrize(("verb", "left"), [("promote", "2"), ("rollback", "1")])
def test_killed_while_the_aliases_move(
    verb: str, left: str, dollop: Dollop, strict: Strict, through: Account, project: Project
) -> None:
    """One alias has moved, the other is in its canary, which has lasted its time: finished at once, or all back."""
    shorter(project)
    killed(strict, through, project, 3)
    assert [("1", SPLIT), ("2", {})] == states(through)
    result = dollop(verb, "prod")
    assert 0 == result.code, result.err
    assert [(left, {})] * 2 == states(through)


def test_the_new_version_is_asked_before_it_gets_a_share(
    dollop: Dollop, strict: Strict, through: Account, project: Project
) -> None:
    """By its number, because the alias would mostly answer as before. A wrong answer, and no alias is touched."""
    shorter(project)
    said = (project.root / "pipeline.yaml").read_text()
    said = said.replace("test: {alias: test}", "test: {alias: test, rollout: {canary: 10%, for: 1s}}")
    project.write("pipeline.yaml", said.replace("GREETING: Hello", "GREETING: Good day"))
    strict.forget()
    failed = dollop("deploy", "test")
    assert 1 == failed.code
    assert "echo: smoke test: answer.message is \"Good day robert!\", expected \"Hello robert!\"" in failed.err
    assert ["3"] == [call.qualifier for call in strict.calls if call.operation == "Invoke"]
    assert [] == [call for call in strict.calls if call.operation == "UpdateAlias"]
    project.write("pipeline.yaml", said.replace("Hello", "Good day"))
    assert 0 == dollop("deploy", "test").code
    assert ["3", "3", "test"] == [call.qualifier for call in strict.calls if call.operation == "Invoke"]


def test_the_summary_of_a_run_tells_how_it_went(
    dollop: Dollop, through: Account, project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a workflow: the plan, then what happened to the release as a whole, with the time of day."""
    shorter(project)
    summary = tmp_path / "summary.md"
    variables = {"ACTIONS": "true", "STEP_SUMMARY": str(summary), "REPOSITORY": "octo/shop"}
    variables |= {"RUN_ID": "42", "SHA": "a" * 40}
    for name, value in variables.items():
        monkeypatch.setenv(f"GITHUB_{name}", value)
    said = (project.root / "pipeline.yaml").read_text()
    project.write("pipeline.yaml", said.replace("for: 1s", "for: 1s, alarms: [errors]"))
    assert 1 == dollop("promote", "prod").code
    text = summary.read_text()
    assert "canary: 10% of the calls for 1 s, while these alarms are watched: errors; then all, or all back" in text
    assert "- `stages.prod.rollout.alarms: there is no alarm errors in eu-west-1: nothing was changed`\n" in text
    project.write("pipeline.yaml", said)
    assert 0 == dollop("promote", "prod").code
    told = "".join(re.findall(r"^- \d\d:\d\d:\d\d (`.*`)$", summary.read_text(), re.MULTILINE))
    assert "`watching the canary alarms=none env=prod left=1 s``the canary has passed env=prod lasted=1 s`" == told
