"""One release as a process of its own, so that it can be killed: ``python -m tests.emulated.killed SCENARIO ...``."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.emulated import command
from tests.emulated.conftest import Account
from tests.emulated.releasing import connect, edition
from tests.emulated.scenarios import SCENARIOS


def start(scenario: str, account: Account, folder: Path) -> subprocess.Popen[str]:
    """The second edition of ``scenario`` over the first, not waited for. ``folder``: where its packages are put."""
    words = (sys.executable, "-m", "tests.emulated.killed", scenario, account.id, account.url, str(folder))
    return subprocess.Popen(words, cwd=command.ROOT, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def main(scenario: str, account: str, url: str, folder: str) -> None:
    aws = connect(Account(account, url))
    SCENARIOS[scenario].release(aws, edition(2, Path(folder)))


if __name__ == "__main__":
    main(*sys.argv[1:])
