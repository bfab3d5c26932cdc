"""How long the verbs take for many functions, beside the floor that AWS's quotas give; with the quotas enforced.

``make bench ARGS='tests/benchmarks/test_scale.py -s'`` prints the table. ``DOLLOP_SCALE=100,300`` chooses other sizes.
"""

from __future__ import annotations

import os
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest

from ci import gather, local
from ci.apply import apply
from ci.aws import Limits
from ci.workspace import Workspace
from tests.benchmarks.measuring import most_memory
from tests.emulated import command
from tests.emulated.conftest import Account, Project
from tests.emulated.releasing import connect, silent
from tests.emulated.strict import CONTROL, GET_FUNCTION, Strict

SIZES = [int(size) for size in os.environ.get("DOLLOP_SCALE", "100,300,1000").split(",")]
CHANGED = 50
FACTOR, BUSY, MEMORY = 1.15, 1.3, 300
"""What is aimed at: at most this many times the floor, alone and beside others; at most this many MB."""


@dataclass(frozen=True)
class Row:
    """One verb: seconds in all and between first call and last, calls, refusals, peak memory in MB."""

    functions: int
    verb: str
    floor: float
    wall: float
    wire: float
    reads: int
    others: int
    refused: int
    memory: float

    HEAD = f"{'functions':>9}  {'verb':<26}{'floor s':>8}{'wall s':>8}{'wire s':>8}{'x floor':>8}" \
        f"{'Get':>6}{'other':>6}{'429':>5}{'MB':>6}"

    def __str__(self) -> str:
        return (
            f"{self.functions:>9}  {self.verb:<26}{self.floor:>8.1f}{self.wall:>8.1f}{self.wire:>8.1f}"
            f"{self.wire / self.floor:>8.2f}{self.reads:>6}{self.others:>6}{self.refused:>5}{self.memory:>6.0f}"
        )


def write(project: Project, size: int) -> None:
    """``size`` functions, each with a source file of its own."""
    head = (project.root / "pipeline.yaml").read_text().split("functions:")[0]
    names = [f"f{number:04}" for number in range(size)]
    project.write("pipeline.yaml", f"{head}functions:\n" + "".join(f"  {n}: {{handler: main.handle}}\n" for n in names))
    for name in names:
        project.write(f"functions/{name}/main.py", f"def handle(event, context):\n    return {name!r}\n")
    project.write(".gitignore", ".dollop/\n")
    project.commit()


def change(project: Project, size: int, what: str) -> None:
    """The code of 50 of them, spread evenly."""
    for number in range(0, size, size // CHANGED):
        name = f"f{number:04}"
        project.write(f"functions/{name}/main.py", f"def handle(event, context):\n    return {name + what!r}\n")
    project.commit()


def deployed(project: Project, account: Account) -> None:
    """Everything to test, as fast as the emulator takes it."""
    way = connect(account, Limits(look=0.02, get_function=10_000, control=10_000))
    workspace = Workspace(project.root, lambda message: None, lambda message: None, _ways={(None, None): way})
    apply(gather.to_deploy(workspace, workspace.stage("test"), ()), workspace.aws, silent)


def timed(arguments: str, floor: float, size: int, through: Account, strict: Strict, project: Project) -> Row:
    """One ``dollop``, as a process of its own."""
    strict.forget()
    start = time.monotonic()
    process = command.spawn(*arguments.split(), environment=through.environment, folder=project.root)
    out, err = [], []
    readers = [threading.Thread(target=lambda s, t: t.append(s.read()), args=pair, daemon=True)
               for pair in ((process.stdout, out), (process.stderr, err))]
    for reader in readers:
        reader.start()
    most = most_memory(process)
    wall = time.monotonic() - start
    for reader in readers:
        reader.join()
    assert 0 == process.returncode, err
    for stream in (process.stdout, process.stderr):
        assert stream is not None
        stream.close()
    calls = [call for call in strict.calls if call.operation != "Invoke"]
    refused = sum(call.status == 429 for call in calls)
    reads = sum(call.operation == "GetFunction" for call in calls)
    wire = calls[-1].at - calls[0].at
    row = Row(size, arguments, floor, wall, wire, reads, len(calls) - reads, refused, most)
    print(row, Counter(call.operation for call in calls if call.status == 429) or "")
    return row


@pytest.fixture(scope="module")
def taken() -> Iterator[list[Row]]:
    """The rows of all sizes; in the end one table of how the time grows, beside the growth of the floor."""
    rows: list[Row] = []
    yield rows
    head = "".join(f"{size:>9}" for size in SIZES)
    print(f"\n\n{'seconds on the wire':<26}{head}   most times the floor")
    for verb in dict.fromkeys(row.verb for row in rows):
        same = [row for row in rows if row.verb == verb]
        # One verb is timed twice where nothing and where 50 functions changed: each in its own place.
        for nth in range(len(same) // len({row.functions for row in same})):
            mine = [[row for row in same if row.functions == size][nth] for size in {row.functions: 0 for row in same}]
            times = "".join(f"{row.wire:>9.1f}" for row in mine)
            print(f"{verb:<26}{times}{max(row.wire / row.floor for row in mine):>9.2f}")


@pytest.mark.parametrize("size", SIZES)
def test_scale(
    size: int, account: Account, ministack: local.Endpoint, project: Project, taken: list[Row]
) -> None:
    """Every verb is within 1.15 times its floor, is not refused once in a quiet account, and stays below 300 MB."""
    write(project, size)
    with Strict(ministack.port, settle=0).running() as fast:
        deployed(project, Account(account.id, fast.url))
    get, control = size / GET_FUNCTION, 1 / CONTROL
    with Strict(ministack.port, settle=1.0, quotas=True).running() as strict:
        through = Account(account.id, strict.url)
        print(f"\n{Row.HEAD}")
        rows = [
            timed("plan test", 2 * get, size, through, strict, project),
            timed("status", max(2 * get, size * control), size, through, strict, project),  # and every alias
            timed("promote prod", 2 * size * control, size, through, strict, project),
            timed("promote prod --dry-run", 3 * get, size, through, strict, project),
        ]
        change(project, size, "!")
        planned = max(2 * get + CHANGED / GET_FUNCTION, 2 * CHANGED * control)
        rows += [
            timed("plan test", planned, size, through, strict, project),
            timed("deploy test", planned + 3 * CHANGED * control, size, through, strict, project),
            timed("promote prod", max(3 * get, CHANGED * control) + CHANGED * control, size, through, strict, project),
        ]
        strict.others = 8.0
        change(project, size, "?")
        left = 1 / (CONTROL - strict.others)
        planned = max(2 * get + CHANGED / GET_FUNCTION, 2 * CHANGED * left)
        busy = timed("deploy test", planned + 3 * CHANGED * left, size, through, strict, project)
    taken.extend((*rows, replace(busy, verb="deploy test, busy")))
    assert all(row.refused == 0 for row in rows)
    assert busy.wire <= BUSY * busy.floor + 1
    assert all(row.memory < MEMORY for row in (*rows, busy))
    assert all(row.wire <= FACTOR * row.floor + 1 for row in rows)
