"""MiniStack and moto for a run of the tests: they end with it, however it ends."""

from __future__ import annotations

import logging
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ci import local


@dataclass(frozen=True)
class Servers:
    """What stands for AWS: MiniStack, and moto where that has no such service. Their ports."""

    ministack: int
    moto: int


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


@contextmanager
def moto() -> Iterator[int]:
    """moto as a server in this process: its port."""
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        yield server.get_host_and_port()[1]
    finally:
        server.stop()
