"""MiniStack for a run of the tests: it ends with them, however they end."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ci import local


@contextmanager
def running(state: Path) -> Iterator[local.Endpoint]:
    """The embedded AWS of the folder ``state``. It outlives who starts it, so somebody waits for that one's end.

    The pipe closes when this process is gone, also by SIGKILL; nobody else holds its other end.
    """
    endpoint = local.start(state)
    ending = ("sh", "-c", 'read _; kill "$1" 2>/dev/null', "sh", str(endpoint.pid))
    with subprocess.Popen(ending, stdin=subprocess.PIPE, start_new_session=True) as watcher:
        try:
            yield endpoint
        finally:
            watcher.kill()
            local.stop(state)
