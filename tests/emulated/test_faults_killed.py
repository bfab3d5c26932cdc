"""SIGKILL at every call of a release: nobody can put anything back then, but run again it is finished.

All of them with ``make soak``; a sample, drawn with a fixed seed, in ``make test``.
"""

from __future__ import annotations

import random
import signal
import threading
import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from ci import local
from ci.apply import apply
from tests.emulated import killed
from tests.emulated.conftest import Account
from tests.emulated.releasing import SCENARIOS, aliases, attempt, connect, edition, silent
from tests.emulated.strict import Call, Strict
from tests.emulated.test_faults import CALLS

SAMPLE = 3


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


def play(case: Case, ministack: local.Endpoint, account: Account, folder: Path) -> tuple[str, str]:
    """``untouched``, ``half`` or ``whole``, by the aliases that moved; and what running it again gives."""
    scenario, first, second = SCENARIOS[case.scenario], edition(1, folder), edition(2, folder)
    names = [function.name for function in second.functions]
    with Strict(ministack.port, settle=0).running() as strict:
        through = Account(account.id, strict.url)
        scenario.before(connect(through), first, second)
        before = aliases(account, scenario.stage, names)
        strict.forget()
        started = threading.Event()

        def kill(call: Call) -> None:
            if call.number == case.call:
                started.wait(10)
                process.kill()

        strict.after = kill
        process = killed.start(case.scenario, through, folder)
        started.set()
        _, errors = process.communicate(timeout=60)
        assert -signal.SIGKILL == process.returncode, errors
        time.sleep(0.1)  # what was on its way still arrives
        now = aliases(account, scenario.stage, names)
        strict.heal()
        aws = connect(through)
        failed = attempt(lambda: apply(scenario.plan(aws, second), aws, silent))
        after = aliases(account, scenario.stage, names)
        whole = scenario.plan(aws, second).empty and len(after) == 3
    moved = sum(before.get(name) != now.get(name) for name in names)
    found = {0: "untouched", 3: "whole"}.get(moved, "half")
    return found, f"failed: {failed}" if failed else "whole" if whole else "lost"


@pytest.mark.parametrize("case", random.Random(0).sample(cases(), SAMPLE), ids=str)
def test_killed_at_any_call_and_run_again_it_finishes(
    case: Case, ministack: local.Endpoint, account: Account, tmp_path: Path
) -> None:
    """Before the aliases move nothing has; afterwards running it again gives each alias its version, and no other."""
    found, again = play(case, ministack, account, tmp_path)
    calls = CALLS[case.scenario]
    moving = sum(count for call, count in calls.items() if call.startswith(("UpdateAlias", "CreateAlias")))
    if case.call < sum(calls.values()) - moving:
        assert "untouched" == found
    assert "whole" == again
