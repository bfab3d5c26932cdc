"""``make soak``: every fault and every signal at every call of a release, and many races. Prints a table.

It goes on where an earlier run of the same commit was broken off (``.dollop/soak``), so that it can be taken in parts.
Arguments choose scenarios by a part of their name and play them anew: ``make soak ARGS='deploy-UpdateAlias'``. Exits
with 1 when a release is lost: neither whole nor untouched, and nobody said so; or when running it again did not
finish it.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TypeVar

from ci.apply import apply
from tests.emulated import command, embedded, test_faults, test_faults_killed, test_faults_signals, test_races
from tests.emulated.conftest import Account
from tests.emulated.embedded import Servers
from tests.emulated.releasing import PROD, TEST, Edition, connect, edition, silent, to_deploy, to_promote
from tests.emulated.strict import Strict

_WORKERS = 6
_RACES = 60
_COLUMNS = ("tried", "whole", "untouched", "told", "half", "lost", "again")


Case = TypeVar("Case")


@dataclass(frozen=True)
class Row:
    """``again``: whether running it again finished the release."""

    name: str
    kind: str
    verdict: str
    again: bool


class Soak:
    """One run: what is to be played, and what has been."""

    def __init__(self, servers: Servers, url: str, folder: Path, words: list[str], done: Path) -> None:
        self.servers = servers
        self.folder = folder
        self.words = words
        self.done = done
        self.rows: list[Row] = []
        if not words and done.is_file():
            self.rows = [Row(**json.loads(line)) for line in done.read_text().splitlines()]
        self.earlier = {row.name for row in self.rows}
        self._accounts = (Account(f"{number:012}", url) for number in itertools.count(111_111_111_111))
        self._lock = threading.Lock()

    def play(self, cases: Iterable[Case], one: Callable[[Case, Account], Row], workers: int = 1) -> None:
        """Those of ``cases`` that are wanted and have not been played."""
        todo = [case for case in cases if self._is_wanted(str(case))]
        jobs = [(case, next(self._accounts)) for case in todo]
        if workers == 1:
            for case, account in jobs:
                self._keep(one(case, account))
            return
        with ThreadPoolExecutor(workers) as pool:
            futures = [pool.submit(lambda job: self._keep(one(*job)), job) for job in jobs]
            try:
                for future in futures:
                    future.result()
            finally:
                pool.shutdown(cancel_futures=True)

    def _is_wanted(self, name: str) -> bool:
        if self.words:
            return any(word in name for word in self.words)
        return name not in self.earlier

    def _keep(self, row: Row) -> None:
        with self._lock:
            self.rows.append(row)
            if not self.words:
                with self.done.open("a") as file:
                    file.write(json.dumps(row.__dict__) + "\n")
            if row.verdict == "lost" or not row.again:
                print(f"LOST {row}", flush=True)
            if len(self.rows) % 100 == 0:
                print(f"{len(self.rows)} releases", flush=True)

    # ------------------------------------------------------------ what is played

    def faults(self) -> None:
        editions = edition(1, self.folder), edition(2, self.folder)

        def one(case: test_faults.Case, account: Account) -> Row:
            outcome = test_faults.play(case, self.servers, account, editions)
            try:
                test_faults.check(case, outcome)
            except AssertionError as error:
                print(f"NOT AS EXPECTED {case}: {outcome} {error}", flush=True)
                return Row(str(case), case.fault.kind, "lost", False)
            return Row(str(case), case.fault.kind, outcome.verdict, outcome.again == "whole")

        self.play(test_faults.cases(), one, _WORKERS)

    def signals(self) -> None:
        """One after the other: only a process's main thread gets signals."""
        editions = edition(1, self.folder), edition(2, self.folder)

        def one(case: test_faults_signals.Case, account: Account) -> Row:
            verdict, again = test_faults_signals.play(case, self.servers, account, editions)
            return Row(str(case), f"{case.signal.name}{', twice' * case.twice}", verdict, again == "whole")

        self.play(test_faults_signals.cases(), one)

    def kills(self) -> None:
        def one(case: test_faults_killed.Case, account: Account) -> Row:
            verdict, again = test_faults_killed.play(case, self.servers, account, self.folder / str(case))
            return Row(str(case), "SIGKILL", verdict, again == "whole")

        self.play(test_faults_killed.cases(), one, _WORKERS)

    def races(self) -> None:
        editions = [edition(number, self.folder, test_races.NAMES) for number in range(4)]
        for kind, race in RACES.items():
            names = [f"race-{kind}-{seed}" for seed in range(_RACES)]
            self.play(names, partial(self._race, kind, race, editions))

    def _race(self, kind: str, race: Race, editions: list[Edition], name: str, account: Account) -> Row:
        seed = int(name.rpartition("-")[2])
        with Strict(self.servers.ministack).running() as strict:
            through = Account(account.id, strict.url)
            aws = connect(through)
            apply(to_deploy(aws, editions[1]), aws, silent)
            verdict = race(seed, strict, through, editions)
            strict.forget()
            aws = connect(through)
            apply(to_deploy(aws, editions[3]), aws, silent)
            again = test_races.code(through, "test") == test_races.wanted(editions[3])
        return Row(name, f"race: {kind}", verdict, again)


Race = Callable[[int, Strict, Account, list[Edition]], str]


def _of_deploys(seed: int, strict: Strict, through: Account, editions: list[Edition]) -> str:
    """Two deploys of one stage at once. When nobody wins the stage is untouched, and it is counted as that."""
    rivals = (editions[2], replace(editions[2 + seed % 2], run="another"))
    plans = [to_deploy(connect(through), rival) for rival in rivals]
    strict.before = test_races.jitter(seed)
    errors = test_races.race(through, *plans)
    runs = test_races.code(through, "test")
    won = [rival for rival, error in zip(rivals, errors, strict=True) if error is None]
    if not won and runs == test_races.wanted(editions[1]):
        return "untouched"
    return "whole" if len(won) == 1 and runs == test_races.wanted(won[0]) else "lost"


def _with_a_promotion(seed: int, strict: Strict, through: Account, editions: list[Edition]) -> str:
    """A deploy during a promotion: each lands in its own stage."""
    plans = to_promote(connect(through), editions[1]), to_deploy(connect(through), editions[2])
    strict.before = test_races.jitter(seed)
    errors = test_races.race(through, *plans)
    wanted = (PROD, editions[1]), (TEST, editions[2])
    landed = all(test_races.code(through, stage.alias) == test_races.wanted(each) for stage, each in wanted)
    return "whole" if errors == [None, None] and landed else "lost"


RACES: dict[str, Race] = {"two deploys": _of_deploys, "and a promotion": _with_a_promotion}


# ---------------------------------------------------------------- the whole of it


def main(words: list[str]) -> int:
    """Play everything, or what has one of ``words`` in its name."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    os.environ["AWS_EC2_METADATA_DISABLED"] = "true"
    start = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        with embedded.running(Path(folder, "aws")) as ministack, embedded.moto() as moto:
            soak = Soak(Servers(ministack.port, moto), ministack.url, Path(folder), words, _done())
            for part in (soak.faults, soak.signals, soak.kills, soak.races):
                part()
    lost = _table(soak.rows)
    print(f"\n{len(soak.rows)} releases, {len(soak.rows) - len(soak.earlier)} of them in this run, "
          f"in {time.monotonic() - start:.0f} s; {lost} lost")
    return 1 if lost else 0


def _done() -> Path:
    """What has been played of these sources: the commit, and what was changed since."""
    git = ("git", "-C", str(command.ROOT))
    states = [subprocess.run([*git, *words], capture_output=True, check=True).stdout
              for words in (("rev-parse", "HEAD:ci"), ("diff", "HEAD", "--", "ci"))]
    name = states[0].decode().strip()[:12] + (f"-{hashlib.sha256(states[1]).hexdigest()[:8]}" if states[1] else "")
    path = command.ROOT / ".dollop" / "soak" / f"{name}.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def _table(rows: Iterable[Row]) -> int:
    """Print it; how many are lost."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for row in rows:
        for total in (row.kind, "all"):
            counts[total].update({"tried": 1, row.verdict: 1, "again": int(row.again)})
    kinds = [*(kind for kind in counts if kind != "all"), "all"]
    print(f"{'fault':<22}" + "".join(f"{column:>11}" for column in _COLUMNS))
    for kind in kinds:
        print(f"{kind:<22}" + "".join(f"{counts[kind][column]:>11}" for column in _COLUMNS))
    return counts["all"]["lost"] + sum(row.verdict != "lost" and not row.again for row in rows)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
