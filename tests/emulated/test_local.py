"""The embedded AWS is one server a folder, on loopback only, and keeps its state over a clean stop."""

from __future__ import annotations

import fcntl
import io
import os
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TextIO

import boto3
import pytest

from ci import local
from ci.aws import connect
from ci.errors import AbsentError, DollopError
from tests.emulated import command

ROLE = "arn:aws:iam::000000000000:role/lambda"


@pytest.fixture
def state(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / local.STATE
    yield folder
    local.stop(folder)


def client(endpoint: local.Endpoint, service: str) -> Any:
    return boto3.client(service, endpoint_url=endpoint.url, region_name=local.REGION, **local.CREDENTIALS)


def package(answer: str, first: str = "") -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("kept.py", f"{first}\ndef handle(event, context):\n    return {answer!r}\n")
    return buffer.getvalue()


def test_a_second_start_finds_the_first(state: Path) -> None:
    """Starting is idempotent, and status tells the same."""
    started = local.start(state)
    assert started == local.start(state)
    assert started == local.status(state)


def test_many_starts_at_once_give_one_server(state: Path) -> None:
    """Commands started together share one server: there is one address, and one process of that folder."""
    start = f"from ci import local; from pathlib import Path; print(local.start(Path({str(state)!r})).port)"

    def in_a_process(_: int) -> int:
        return int(subprocess.run([sys.executable, "-c", start], check=True, text=True, capture_output=True).stdout)

    with ThreadPoolExecutor(4) as pool:
        ports = set(pool.map(in_a_process, range(4)))
    running = local.status(state)
    assert running is not None
    assert {running.port} == ports


def test_it_keeps_its_state_over_a_stop(state: Path) -> None:
    """Code, versions, aliases and tags are there after stop and start, and the alias answers from its own version."""
    first = client(local.start(state), "lambda")
    first.create_function(
        FunctionName="kept", Runtime=local.runtime(), Handler="kept.handle", Role=ROLE,
        Code={"ZipFile": package("first")}, Tags={"team": "blue"}, Publish=True,
    )
    first.create_alias(FunctionName="kept", Name="test", FunctionVersion="1", Description="release 1")
    first.get_waiter("function_active_v2").wait(FunctionName="kept", WaiterConfig={"Delay": 1})
    first.update_function_code(FunctionName="kept", ZipFile=package("second"))
    assert local.stop(state) is True

    again = client(local.start(state), "lambda")
    found = again.get_function(FunctionName="kept", Qualifier="test")
    assert "1" == found["Configuration"]["Version"]
    assert {"team": "blue"} == found["Tags"]
    assert "release 1" == again.get_alias(FunctionName="kept", Name="test")["Description"]
    assert b'"first"' == again.invoke(FunctionName="kept", Qualifier="test")["Payload"].read()
    assert b'"second"' == again.invoke(FunctionName="kept")["Payload"].read()


def test_folders_have_servers_of_their_own(state: Path, tmp_path: Path) -> None:
    """Two repositories do not share an AWS."""
    other = tmp_path / "other"
    try:
        assert local.start(state).port != local.start(other).port
        local.stop(other)
        assert local.status(state) is not None
    finally:
        local.stop(other)


def test_nothing_runs_before_start_and_after_stop(state: Path) -> None:
    """Status and stop of a server that does not run are no error, and make nothing."""
    assert local.status(state) is None
    assert local.stop(state) is False
    assert not state.exists()
    local.start(state)
    assert local.stop(state) is True
    assert local.stop(state) is False
    assert local.status(state) is None


def test_a_killed_server_is_not_taken_for_a_running_one(state: Path) -> None:
    """Its process id, and even its port, may be somebody else's by now."""
    killed = local.start(state)
    os.kill(killed.pid, signal.SIGKILL)
    deadline = time.monotonic() + 10
    while local.status(state) and time.monotonic() < deadline:
        time.sleep(0.01)
    (state / "server").write_text(f"{os.getpid()} {killed.port}\n")
    assert local.stop(state) is False
    assert killed != local.start(state)


@pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="reads Linux's table of sockets")
def test_it_listens_on_loopback_only(state: Path) -> None:
    """Every socket that the server listens at, whatever it is for, is bound to 127.0.0.1."""
    pid = local.start(state).pid
    sockets = {os.readlink(entry).strip("socket:[]") for entry in Path(f"/proc/{pid}/fd").iterdir() if entry.exists()}
    listening = [
        line.split()[1].split(":")[0]
        for table in ("tcp", "tcp6")
        for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]
        if line.split()[3] == "0A" and line.split()[9] in sockets
    ]
    assert ["0100007F"] == listening


def test_functions_do_not_see_the_environment_of_the_user(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A function runs as a child of the server: credentials of the shell that started it must not be there."""
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "the user's own")
    monkeypatch.setenv("SOME_TOKEN", "the user's own")
    pid = local.start(state).pid
    assert b"the user's own" not in Path(f"/proc/{pid}/environ").read_bytes()


def test_a_server_that_ends_at_once_says_why(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message carries the end of the server's own log."""
    monkeypatch.setattr(local, "_free_port", lambda: 0)
    monkeypatch.setattr(sys, "executable", "/bin/false-is-not-python")
    with pytest.raises(DollopError, match=r"(?s)ended before it answered.*false-is-not-python"):
        local.start(state)


def test_without_the_extra_it_says_how_to_get_it(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """MiniStack is optional."""
    monkeypatch.setattr(local.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(DollopError) as caught:
        local.start(state)
    assert "pip install 'fluffy-dollop[local]'" == caught.value.hint


def test_the_profile_and_the_proxy_of_the_user_do_not_count(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """--local works for who has AWS_PROFILE set to something else, behind a proxy that cannot reach loopback."""
    for name in ("http_proxy", "HTTP_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_PROFILE", "somebody-else")
    connection = connect("eu-west-1", None, local.start(state).url, local.CREDENTIALS)
    with pytest.raises(AbsentError):
        connection.call("get_function", FunctionName="echo")


def test_it_ends_when_its_folder_is_removed(state: Path, tmp_path: Path) -> None:
    """A clone that somebody throws away leaves nothing running: not the server, not what it runs for its functions."""
    runs = client(local.start(state), "lambda")
    lock = f"import fcntl; run = open({str(tmp_path / 'run')!r}, 'w'); fcntl.flock(run, fcntl.LOCK_EX)"
    runs.create_function(
        FunctionName="runs", Runtime=local.runtime(), Handler="kept.handle", Role=ROLE,
        Code={"ZipFile": package("yes", lock)},
    )
    runs.get_waiter("function_active_v2").wait(FunctionName="runs", WaiterConfig={"Delay": 1})
    assert b'"yes"' == runs.invoke(FunctionName="runs")["Payload"].read()
    with (state / "server.lock").open() as server, (tmp_path / "run").open() as function:
        assert _locked(server) and _locked(function)
        shutil.rmtree(tmp_path / ".dollop")
        deadline = time.monotonic() + 20
        while _locked(server) or _locked(function):
            assert time.monotonic() < deadline
            time.sleep(0.1)
    assert not state.exists()


def _locked(file: TextIO) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    fcntl.flock(file, fcntl.LOCK_UN)
    return False


def test_that_of_a_test_run_ends_with_it(state: Path) -> None:
    """Also when the run is killed, and can stop nothing itself."""
    run = f"""
import os, signal
from pathlib import Path
from tests.emulated import embedded
with embedded.running(Path({str(state)!r})):
    os.kill(os.getpid(), signal.SIGKILL)
"""
    done = subprocess.run([sys.executable, "-c", run], cwd=command.ROOT)
    assert -signal.SIGKILL == done.returncode
    deadline = time.monotonic() + 20
    while local.status(state) is not None:
        assert time.monotonic() < deadline
        time.sleep(0.1)
