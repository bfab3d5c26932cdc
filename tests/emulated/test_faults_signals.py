"""Signals at every call of a release: it stops with every alias where it was; a second signal changes nothing of that.

All of them with ``make soak``; a sample of each scenario, drawn with a fixed seed, in ``make test``.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache

import pytest

from ci.apply import apply
from ci.errors import ReleaseError
from tests.emulated import command
from tests.emulated.conftest import Account, Project
from tests.emulated.embedded import Servers
from tests.emulated.releasing import TEST, Edition, aliases, attempt, connect, edition, silent
from tests.emulated.scenarios import SCENARIOS, sample
from tests.emulated.strict import Call, Fault, Strict
from tests.emulated.test_faults import CALLS

SAMPLE = 2


@dataclass(frozen=True)
class Case:
    """A signal while the ``call``-th call of a release is answered, and perhaps a second one while it goes back."""

    scenario: str
    call: int
    signal: signal.Signals
    twice: bool

    def __str__(self) -> str:
        return f"{self.scenario}-{self.call}-{self.signal.name}{'-twice' * self.twice}"


@cache
def cases() -> list[Case]:
    return [
        Case(scenario, call, number, twice)
        for scenario, calls in CALLS.items()
        for call in range(1, sum(calls.values()) + 1)
        for number in (signal.SIGINT, signal.SIGTERM)
        for twice in (False, True)
    ]


@pytest.fixture(scope="module")
def editions(tmp_path_factory: pytest.TempPathFactory) -> tuple[Edition, Edition]:
    folder = tmp_path_factory.mktemp("packages")
    return edition(1, folder), edition(2, folder)


@contextmanager
def as_the_command_does() -> Iterator[None]:
    """Both signals raise KeyboardInterrupt, where nobody else handles them."""
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, signal.default_int_handler) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)


def play(case: Case, servers: Servers, account: Account, editions: tuple[Edition, Edition]) -> tuple[str, str]:
    """The verdict on the release that was interrupted, and what running it again gives."""
    with SCENARIOS[case.scenario].staged(servers, account, editions) as stand, as_the_command_does():
        sent: list[int] = []

        def send(call: Call) -> None:
            """While a call is under way this process's main thread is in the release."""
            back = case.twice and len(sent) == 1 and call.writes
            if call.number == case.call or back:
                sent.append(call.number)
                os.kill(os.getpid(), case.signal)
                time.sleep(0.25)  # its answer comes when the signal has been heard

        stand.strict.after = send
        error = stand.release()
        found = stand.verdict(error)
        again = stand.again()
    if found != "whole":
        assert isinstance(error, KeyboardInterrupt) or isinstance(error and error.__cause__, KeyboardInterrupt)
    return found, again


@pytest.mark.parametrize("case", sample(cases(), SAMPLE), ids=str)
def test_a_signal_leaves_a_release_untouched(
    case: Case, servers: Servers, account: Account, editions: tuple[Edition, Edition]
) -> None:
    """At whichever call: no alias has moved in the end, and running it again finishes. The last may be too late."""
    last = sum(CALLS[case.scenario].values())
    accepted = {"untouched", "whole"} if case.call == last else {"untouched"}
    found, again = play(case, servers, account, editions)
    assert found in accepted
    assert "whole" == again


def test_nothing_is_sent_again_after_a_signal(
    servers: Servers, account: Account, editions: tuple[Edition, Edition]
) -> None:
    """Nor to a service beside Lambda: what comes late could cross the way back, and stay when all is said to be
    back."""
    with SCENARIOS["around"].staged(servers, account, editions) as stand, as_the_command_does():
        stand.strict.faults.append(Fault("internal error", "PutRule", "alpha", times=None))
        stand.strict.before = lambda call: (
            os.kill(os.getpid(), signal.SIGINT) if call.operation == "PutRule" and call.nth == 1 else None
        )
        error = stand.release()
        assert isinstance(error and error.__cause__, KeyboardInterrupt)
        assert "untouched" == stand.verdict(error)
        assert 1 == [call.operation for call in stand.strict.calls].count("PutRule")


def eight(project: Project) -> None:
    """Eight functions, so that a release is under way for a while."""
    head = (project.root / "pipeline.yaml").read_text().split("functions:")[0]
    entries = "".join(f"  f{n}: {{handler: audit.handle, source: functions/audit}}\n" for n in range(8))
    project.write("pipeline.yaml", f"{head}functions:\n{entries}")


@pytest.mark.parametrize("last", [signal.SIGTERM, signal.SIGKILL])
def test_a_cancelled_job(
    last: signal.Signals, strict: Strict, account: Account, through: Account, project: Project
) -> None:
    """What GitHub sends: SIGINT, SIGTERM, SIGKILL. All is back before SIGKILL, or the log has said what may not be.

    Run again, the release is finished.
    """
    eight(project)
    assert 0 == command.run("deploy", "test", environment=through.environment).code
    project.write("functions/audit/audit.py", "def handle(event, context):\n    return 2\n")
    names = [f"f{n}" for n in range(8)]
    before = aliases(account, TEST, names)
    strict.forget()
    seen: list[str] = []
    one_at_a_time = threading.Lock()
    started = threading.Event()

    def cancel(call: Call) -> None:
        """SIGINT at the fourth alias that moves, the other at the third that goes back."""
        started.wait(10)
        if call.operation == "UpdateAlias":
            with one_at_a_time:
                seen.append(call.body["FunctionVersion"])
                if "2" == seen[-1] and 4 == seen.count("2"):
                    process.send_signal(signal.SIGINT)
                if "1" == seen[-1] and 3 == seen.count("1"):
                    process.send_signal(last)
            time.sleep(0.3)

    strict.before = cancel
    process = command.spawn("deploy", "test", environment=through.environment, folder=project.root)
    started.set()
    _, errors = process.communicate(timeout=60)
    time.sleep(0.6)  # calls that were under way still arrive
    after = aliases(account, TEST, names)
    if last is signal.SIGKILL:
        assert -signal.SIGKILL == process.returncode
        moved = [name for name in names if before[name] != after[name]]
        line = next(line for line in errors.splitlines() if "putting back" in line)
        assert all(f"{name}: alias test" in line for name in moved)
    else:
        assert 130 == process.returncode, errors
        assert before == after
        assert "interrupted" in errors
        assert "every alias of the release is back where it was" in errors
    strict.forget()
    assert 0 == command.run("deploy", "test", environment=through.environment).code
    assert {"2"} == {version for version, *_ in aliases(account, TEST, names).values()}


def test_a_second_signal_before_anything_moved_just_ends_it(
    strict: Strict, account: Account, through: Account, editions: tuple[Edition, Edition]
) -> None:
    """While preparing, a signal ends the run with KeyboardInterrupt, which the command exits with 130 for."""
    aws = connect(through)
    strict.before = lambda call: os.kill(os.getpid(), signal.SIGINT) if call.operation == "CreateFunction" else None
    with as_the_command_does():
        error = attempt(lambda: apply(SCENARIOS["deploy"].plan(aws, editions[0]), aws, silent))
    assert isinstance(error, KeyboardInterrupt)
    assert not isinstance(error, ReleaseError)
    assert {} == aliases(account, TEST, ["alpha", "beta"])
