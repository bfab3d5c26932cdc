"""SIGKILL at every call of a release: nobody can put anything back then, but run again it is finished.

All of them with ``make soak``; a sample of each scenario, drawn with a fixed seed, in ``make test``.
"""

from __future__ import annotations

import signal
import threading
import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from tests.emulated import killed
from tests.emulated.conftest import Account
from tests.emulated.embedded import Servers
from tests.emulated.releasing import edition
from tests.emulated.scenarios import SCENARIOS, sample
from tests.emulated.strict import Call
from tests.emulated.test_faults import CALLS

SAMPLE = 1
MOVING = {"deploy": 3, "promote": 3, "redeploy": 2, "around": 12, "fed": 7, "codedeploy": 6, "canary": 6, "sites": 4}
"""The last calls of a release, from the first alias on: those before leave everything as it is for users."""


@dataclass(frozen=True)
class Case:
    """The end, once the ``call``-th call took effect and before its answer."""

    scenario: str
    call: int

    def __str__(self) -> str:
        return f"{self.scenario}-{self.call}-SIGKILL"


@cache
def cases() -> list[Case]:
    return [Case(scenario, n) for scenario, calls in CALLS.items() for n in range(1, sum(calls.values()) + 1)]


def play(case: Case, servers: Servers, account: Account, folder: Path) -> tuple[str, str]:
    """``untouched``, ``half`` or ``whole``, by what is there then; and what running it again gives."""
    editions = edition(1, folder), edition(2, folder)
    with SCENARIOS[case.scenario].staged(servers, account, editions) as stand:
        started = threading.Event()

        def kill(call: Call) -> None:
            if call.number == case.call:
                started.wait(10)
                process.kill()

        stand.strict.after = kill
        process = killed.start(case.scenario, stand.through, folder)
        started.set()
        _, errors = process.communicate(timeout=60)
        assert -signal.SIGKILL == process.returncode, errors
        time.sleep(0.1)  # what was on its way still arrives
        now = stand.see()
        found = "untouched" if now == stand.before else "whole" if stand.scenario.has_landed(now) else "half"
        return found, stand.again()


@pytest.mark.parametrize("case", sample(cases(), SAMPLE), ids=str)
def test_killed_at_any_call_and_run_again_it_finishes(
    case: Case, servers: Servers, account: Account, tmp_path: Path
) -> None:
    """Before the aliases move nothing has; afterwards running it again gives each alias its version, and no other."""
    found, again = play(case, servers, account, tmp_path)
    if case.call < sum(CALLS[case.scenario].values()) - MOVING[case.scenario]:
        assert "untouched" == found
    assert "whole" == again
