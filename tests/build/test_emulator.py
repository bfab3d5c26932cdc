"""A package runs as Lambda runs it: AWS's own runtime interface emulator and client, over HTTP on loopback."""

from __future__ import annotations

import json
import os
import platform
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from uv import find_uv_bin

from ci import local
from tests.emulated.enforcing import DIRECT

from .conftest import Build

MACHINE = {"x86_64": "x86_64", "aarch64": "arm64"}.get(platform.machine(), "")
pytestmark = [
    pytest.mark.network,
    pytest.mark.skipif(sys.platform != "linux" or not MACHINE, reason="the emulator is a program for Linux"),
]
CODE = """
import os
import sys

from markupsafe import _speedups, escape

print("importing")


def handle(event, context):
    task = os.environ["LAMBDA_TASK_ROOT"]
    return {
        "text": str(escape(event["text"])),
        "compiled": os.path.relpath(_speedups.__file__, task),
        "name": context.function_name,
    }
"""


@pytest.fixture(scope="module")
def tools(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The emulator and the client, pinned by their hashes."""
    folder = tmp_path_factory.mktemp("tools")
    pins = Path(__file__).with_name("emulator.txt")
    command = [find_uv_bin(), "pip", "install", "--quiet", "--no-deps", "--require-hashes", "--python", sys.executable]
    subprocess.run([*command, "--target", folder, "-r", pins], check=True)
    return folder


@contextmanager
def emulated(tools: Path, task: Path, handler: str) -> Iterator[str]:
    """The address of the function, as long as its emulator runs."""
    with socket.socket() as one, socket.socket() as other:  # both open: they must not be the same
        for probe in (one, other):
            probe.bind(("127.0.0.1", 0))
        ports = [probe.getsockname()[1] for probe in (one, other)]
    emulator = tools / f"samcli/local/rapid/aws-lambda-rie-{MACHINE}"
    emulator.chmod(0o755)
    environment = {
        "AWS_LAMBDA_FUNCTION_NAME": "app", "LAMBDA_TASK_ROOT": str(task), "PATH": os.environ["PATH"],
        "PYTHONPATH": str(tools),
    }
    process = subprocess.Popen(
        [
            emulator, "--runtime-interface-emulator-address", f"127.0.0.1:{ports[0]}",
            "--runtime-api-address", f"127.0.0.1:{ports[1]}", sys.executable, "-S", "-m", "awslambdaric", handler,
        ],
        cwd=task, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )
    try:
        yield f"http://127.0.0.1:{ports[0]}/2015-03-31/functions/function/invocations"
    finally:
        process.terminate()  # it ends the client too
        process.wait(10)


def invoke(address: str, event: Any) -> Any:
    """Waits for the emulator to listen."""
    until = time.monotonic() + 20
    while True:
        try:
            with DIRECT.open(address, json.dumps(event).encode(), timeout=20) as answer:
                return json.load(answer)
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.05)


def test_a_package_runs_as_on_lambda(tools: Path, package: Build, tmp_path: Path) -> None:
    """With a compiled dependency that comes out of the zip; a failure in it comes back as one."""
    built = package("markupsafe==3.0.3\n", local.runtime(), local.architecture(), CODE)
    task = tmp_path / "task"
    with ZipFile(built.path) as opened:
        opened.extractall(task)
    with emulated(tools, task, "app.handle") as address:
        answer = invoke(address, {"text": "<b>"})
        failed = invoke(address, {})
    compiled = [file.path for file in built.files if file.path.endswith(".so")]
    assert {"text": "&lt;b&gt;", "compiled": compiled[0], "name": "app"} == answer
    assert "KeyError" == failed["errorType"]
