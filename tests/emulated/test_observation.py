"""Functions are really invoked; what they logged and how often they ran is read back.

Where MiniStack 1.5.33 differs from AWS: its events have no eventId, its log arrives at once, and an invocation counts
in CloudWatch for the function only, not for the alias that it came through. The counts of an alias are therefore put
there by the test, in the shape in which Lambda does it
(https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-view.html).
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.emulated import command
from tests.emulated.conftest import Account, Project

Dollop = Callable[..., command.Result]

TALKATIVE = """\
def handle(event, context):
    print("heard", event.get("say"))
    if event.get("say") == "boom":
        raise ValueError("boom")
    return {"version": context.function_version}
"""


@pytest.fixture
def dollop(account: Account, project: Project) -> Dollop:
    """The command, in ``project``, whose function ``audit`` logs what it hears."""
    project.write("functions/audit/audit.py", TALKATIVE)
    project.commit()
    return lambda *arguments: command.run(*arguments, environment=account.environment)


def done(result: command.Result) -> command.Result:
    assert 0 == result.code, result.err
    return result


def heard(output: str) -> list[tuple[str, str, str]]:
    """Function, version and words of each line that says what was heard."""
    lines = [json.loads(line) for line in output.splitlines()]
    return [(line["function"], line["version"], line["message"]) for line in lines if "heard" in line["message"]]


def say(dollop: Dollop, words: str, stage: str = "test") -> None:
    dollop("invoke", "audit", "--stage", stage, "--event", json.dumps({"say": words}))


def test_the_log_of_a_stage_is_that_of_the_version_it_runs(dollop: Dollop, project: Project) -> None:
    """After a deploy, what the version before said is prod's log and no longer test's."""
    done(dollop("deploy", "test", "audit"))
    done(dollop("promote", "prod", "audit"))
    say(dollop, "old", "prod")
    project.write("functions/audit/audit.py", TALKATIVE + "# new\n")
    done(dollop("deploy", "test", "audit"))
    say(dollop, "new")
    assert [("audit", "2", "heard new")] == heard(done(dollop("logs", "--json", "audit")).out)
    assert [("audit", "1", "heard old")] == heard(done(dollop("logs", "--json", "--stage", "prod", "audit")).out)


def test_two_stages_on_one_version_share_its_log_and_are_told_so(dollop: Dollop) -> None:
    """AWS keeps one log a version: what prod's users caused is in test's log, with a word about it."""
    done(dollop("deploy", "test", "audit"))
    done(dollop("promote", "prod", "audit"))
    say(dollop, "hello", "prod")
    shown = done(dollop("logs", "--json", "audit"))
    assert [("audit", "1", "heard hello")] == heard(shown.out)
    assert "audit: prod runs the same version" in shown.err


def test_the_logs_of_several_functions_are_one_stream_in_the_order_of_time(
    dollop: Dollop, project: Project
) -> None:
    """Whatever the order of the functions."""
    project.write("functions/echo/echo.py", TALKATIVE)
    project.write("pipeline.yaml", (project.root / "pipeline.yaml").read_text().replace("    smoke:", "    #"))
    done(dollop("deploy", "test"))
    for name, words in (("echo", "1"), ("audit", "2"), ("echo", "3"), ("audit", "4")):
        dollop("invoke", name, "--event", json.dumps({"say": words}))
    shown = done(dollop("logs", "--json"))
    assert [
        ("echo", "1", "heard 1"), ("audit", "1", "heard 2"), ("echo", "1", "heard 3"), ("audit", "1", "heard 4"),
    ] == heard(shown.out)
    times = [json.loads(line)["at"] for line in shown.out.splitlines()]
    assert sorted(times) == times


def test_a_filter_is_cloudwatchs_pattern(dollop: Dollop) -> None:
    """Only the lines that match come."""
    done(dollop("deploy", "test", "audit"))
    say(dollop, "yes")
    say(dollop, "no")
    lines = done(dollop("logs", "audit", "--filter", "heard yes")).out.splitlines()
    assert ["heard yes"] == [line.split(maxsplit=3)[3] for line in lines]


@pytest.mark.parametrize(
    ("since", "what"), [("1s", "nothing since"), ("2020-01-01", "")]
)
def test_since_is_an_age_or_a_moment(dollop: Dollop, since: str, what: str) -> None:
    """What is older is left out, and an empty log is not silent about why."""
    done(dollop("deploy", "test", "audit"))
    say(dollop, "hello")
    time.sleep(1.1)
    shown = done(dollop("logs", "--json", "audit", "--since", since))
    assert ([] if what else [("audit", "1", "heard hello")]) == heard(shown.out)
    assert what in shown.err


@pytest.mark.parametrize(("stage", "verb"), [("test", "deploy"), ("prod", "promote")])
def test_what_the_stage_does_not_have_cannot_be_invoked(stage: str, verb: str, dollop: Dollop) -> None:
    """Exit 1, and how it gets there."""
    result = dollop("invoke", "audit", "--stage", stage, "--event", "{}")
    assert (1, True) == (result.code, f"dollop {verb} {stage} audit" in result.err), result.err


def test_a_function_that_was_never_invoked_or_deployed_has_no_lines(dollop: Dollop) -> None:
    """Its log group does not exist yet: that is no failure."""
    done(dollop("deploy", "test", "audit"))
    shown = done(dollop("logs"))
    assert "" == shown.out
    assert "echo: the stage test does not have it" in shown.err
    assert "nothing since" in shown.err


def test_following_shows_each_line_once_until_ctrl_c(dollop: Dollop, account: Account, project: Project) -> None:
    """Also lines that are equal."""
    done(dollop("deploy", "test", "audit"))
    say(dollop, "first")
    following = command.spawn(
        "logs", "-f", "--json", "audit", environment=account.environment, folder=project.root
    )

    def until(words: str) -> None:
        assert following.stdout
        while (line := following.stdout.readline()) and f"heard {words}" not in line:
            pass
        assert line, "it ended"

    try:
        until("first")
        for words in ("second", "second"):
            say(dollop, words)
            until(words)
        time.sleep(2.5)  # two polls, in which nothing may come again
        following.send_signal(signal.SIGINT)
        rest, errors = following.communicate(timeout=20)
    finally:
        following.kill()
    assert (0, "") == (following.returncode, errors)
    assert [] == heard(rest)


def put(account: Account, function: str, alias: str, **values: list[float]) -> None:
    """Count as Lambda does for an invocation through an alias."""
    dimensions = [{"Name": "FunctionName", "Value": function}, {"Name": "Resource", "Value": f"{function}:{alias}"}]
    account.client("cloudwatch").put_metric_data(
        Namespace="AWS/Lambda",
        MetricData=[
            {"MetricName": name, "Dimensions": dimensions, "Timestamp": datetime.now(UTC), "Value": value}
            for name, numbers in values.items()
            for value in numbers
        ],
    )


def test_metrics_count_every_invocation_and_those_of_each_stage(dollop: Dollop, account: Account) -> None:
    """Three invocations, one of which fails; the stage's own numbers are those under its alias."""
    done(dollop("deploy", "test", "audit"))
    for words in ("a", "b", "boom"):
        say(dollop, words)
    put(account, "audit", "prod", Invocations=[1, 1], Errors=[0, 1], Throttles=[0, 3], Duration=[10, 1500])
    shown = done(dollop("metrics", "--json", "audit", "--since", "1h"))
    found = {each["stage"]: each for each in json.loads(shown.out)["metrics"]}
    assert [None, "test", "prod"] == list(found)
    assert (3, 1, 0) == tuple(found[None][key] for key in ("invocations", "errors", "throttles"))
    assert 0 < found[None]["p50"] <= found[None]["p95"]
    nothing = {"invocations": 0, "errors": 0, "throttles": 0, "p50": None, "p95": None}
    assert {"function": "audit", "stage": "test", **nothing} == found["test"]
    assert (2, 1, 3) == tuple(found["prod"][key] for key in ("invocations", "errors", "throttles"))
    assert 10 <= found["prod"]["p50"] < found["prod"]["p95"] <= 1500
    rows = done(dollop("metrics", "audit", "--stage", "prod", "--since", "1h")).out.splitlines()
    assert ["audit", "prod", "2", "1", "(50.0%)", "3"] == rows[2].split()[:6]
    assert [" ms", " s"] == [cell.lstrip("0123456789.") for cell in rows[2].split("  ") if cell][-2:]


def test_a_stream_of_events_gives_a_line_each(dollop: Dollop, account: Account, project: Project) -> None:
    """In their order; the exit code says that one of them failed, the log goes to stderr."""
    done(dollop("deploy", "test", "audit"))
    ran = subprocess.run(
        (sys.executable, "-m", "ci", "invoke", "audit", "--logs"),
        input='{"say": "a"}\n{"say":\n"boom"} {"say": "c"}',
        env={**os.environ, **account.environment, "PYTHONPATH": str(Path(__file__).parents[2])},
        cwd=project.root, capture_output=True, text=True, check=False,
    )
    answers = [json.loads(line) for line in ran.stdout.splitlines()]
    assert [{"version": "1"}, "boom", {"version": "1"}] == [each.get("errorMessage", each) for each in answers]
    assert 1 == ran.returncode
    assert ["heard a", "heard boom", "heard c"] == [line for line in ran.stderr.splitlines() if "heard" in line]
    assert "1 of 3 failed" in ran.stderr


def test_interrupted_it_says_what_was_sent(dollop: Dollop, account: Account, project: Project) -> None:
    """Nothing is sent twice by itself, and nobody is told to send it again."""
    done(dollop("deploy", "test", "audit"))
    with subprocess.Popen(
        (sys.executable, "-m", "ci", "invoke", "audit"), cwd=project.root, text=True,
        env={**os.environ, **account.environment, "PYTHONPATH": str(Path(__file__).parents[2])},
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as process:
        assert process.stdin and process.stdout and process.stderr
        process.stdin.write('{"say": "a"}\n')
        process.stdin.flush()
        assert {"version": "1"} == json.loads(process.stdout.readline())
        process.send_signal(signal.SIGINT)
        assert "interrupted: events that were sent: 1;" in process.stderr.read()
    assert 130 == process.returncode


def test_an_event_that_is_no_json_is_not_sent(dollop: Dollop) -> None:
    """Exit code 2: it is the caller's mistake."""
    done(dollop("deploy", "test", "audit"))
    result = dollop("invoke", "audit", "--event", "{'a'}")
    assert (2, "") == (result.code, result.out)
    assert "event 1 is not JSON" in result.err
