"""``make soak``: every fault and every signal at every call of a release, and many races. Prints a table.

Arguments choose scenarios by a part of their name: ``make soak ARGS='deploy-UpdateAlias'``. Exits with 1 when a
release is lost: neither whole nor untouched, and nobody said so; or when running it again did not finish it.
"""

from __future__ import annotations

import itertools
import os
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from ci import local
from ci.apply import apply
from tests.emulated import test_faults, test_faults_signals, test_races
from tests.emulated.conftest import Account
from tests.emulated.releasing import connect, edition, silent, to_deploy
from tests.emulated.strict import Strict

_WORKERS = 3
_RACES = 100
_COLUMNS = ("tried", "whole", "untouched", "told", "lost", "again")

Row = tuple[str, str, bool]
"""Kind, verdict, whether running it again finished the release."""


def main(words: list[str]) -> int:
    """Play everything whose name has one of ``words`` in it."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    os.environ["AWS_EC2_METADATA_DISABLED"] = "true"
    start = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        state = Path(folder, "aws")
        ministack = local.start(state)
        accounts = (Account(f"{number:012}", ministack.url) for number in itertools.count(111_111_111_111))
        try:
            rows: list[Row] = []
            for part in (_faults, _signals, _races):
                rows += part(words, ministack, accounts, Path(folder))
        finally:
            local.stop(state)
    lost = _table(rows)
    print(f"\n{len(rows)} releases in {time.monotonic() - start:.0f} s, {lost} lost")
    return 1 if lost else 0


def _chosen(name: object, words: list[str]) -> bool:
    return not words or any(word in str(name) for word in words)


def _faults(words: list[str], ministack: local.Endpoint, accounts: Iterator[Account], folder: Path) -> list[Row]:
    editions = edition(1, folder), edition(2, folder)

    def one(job: tuple[test_faults.Case, Account]) -> Row:
        case, account = job
        outcome = test_faults.play(case, ministack, account, editions)
        try:
            test_faults.check(case, outcome)
        except AssertionError:
            print(f"NOT AS EXPECTED {case}: {outcome}", flush=True)
        return case.fault.kind, outcome.verdict, outcome.again == "whole"

    cases = [case for case in test_faults.cases() if _chosen(case, words)]
    with ThreadPoolExecutor(_WORKERS) as pool:
        return list(pool.map(one, [(case, next(accounts)) for case in cases]))


def _signals(words: list[str], ministack: local.Endpoint, accounts: Iterator[Account], folder: Path) -> Iterator[Row]:
    """One after the other: only a process's main thread gets signals."""
    editions = edition(1, folder), edition(2, folder)
    for case in test_faults_signals.cases():
        if _chosen(case, words):
            verdict, again = test_faults_signals.play(case, ministack, next(accounts), editions)
            yield f"{case.signal.name}{', twice' * case.twice}", verdict, again == "whole"


def _races(words: list[str], ministack: local.Endpoint, accounts: Iterator[Account], folder: Path) -> Iterator[Row]:
    """Two deploys of one stage at once. A race that nobody wins leaves the stage untouched, and is counted as that."""
    editions = [edition(number, folder, test_races.NAMES) for number in range(4)]
    for seed in range(_RACES if _chosen("race", words) else 0):
        account = next(accounts)
        with Strict(ministack.port).running() as strict:
            through = Account(account.id, strict.url)
            aws = connect(through)
            apply(to_deploy(aws, editions[1]), aws, silent)
            rivals = (editions[2], replace(editions[2 + seed % 2], run="another"))
            plans = [to_deploy(connect(through), rival) for rival in rivals]
            strict.before = test_races.jitter(seed)
            errors = test_races.race(through, *plans)
            runs = test_races.code(through, "test")
            strict.forget()
            won = [rival for rival, error in zip(rivals, errors, strict=True) if error is None]
            untouched = not won and runs == test_races.wanted(editions[1])
            whole = len(won) == 1 and runs == test_races.wanted(won[0])
            aws = connect(through)
            apply(to_deploy(aws, editions[3]), aws, silent)
            again = test_races.code(through, "test") == test_races.wanted(editions[3])
        yield "race", "whole" if whole else "untouched" if untouched else "lost", again


def _table(rows: Iterable[Row]) -> int:
    """Print it; how many are lost."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for kind, verdict, again in rows:
        for total in (kind, "all"):
            counts[total].update({"tried": 1, verdict: 1, "again": int(again)})
    kinds = [kind for kind in counts if kind != "all"] + ["all"]
    print(f"{'fault':<18}" + "".join(f"{column:>11}" for column in _COLUMNS))
    for kind in kinds:
        print(f"{kind:<18}" + "".join(f"{counts[kind][column]:>11}" for column in _COLUMNS))
    return counts["all"]["lost"] + counts["all"]["tried"] - counts["all"]["again"]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
