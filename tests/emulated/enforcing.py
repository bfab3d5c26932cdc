"""A MiniStack that enforces IAM: it checks signatures, and the policies of a role or user."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))
"""urlopen keeps the proxies of its first call, whichever test made that."""


@contextmanager
def enforcing(folder: Path) -> Iterator[str]:
    """Its address, while this is open. Without credentials of a role or user one is the account's root."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {key: value for key, value in os.environ.items() if not key.startswith("AWS_")}
    environment |= {"AUTH": "true", "BIND_HOST": "127.0.0.1", "GATEWAY_PORT": str(port)}
    log = folder / "ministack.log"
    with log.open("wb") as output:
        process = subprocess.Popen([sys.executable, "-m", "ministack"], env=environment, stdout=output, stderr=output)
    url = f"http://127.0.0.1:{port}"
    try:
        for _ in range(300):
            try:
                DIRECT.open(f"{url}/_localstack/health", timeout=5).close()
                break
            except OSError:
                time.sleep(0.1)
        else:
            pytest.fail(f"MiniStack did not start: {log.read_text()[-2000:]}")
        yield url
    finally:
        process.terminate()
        process.wait(10)
