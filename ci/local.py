"""The embedded AWS (MiniStack, the extra ``local``): start, stop, and where its state is.

It listens on loopback only, outlives the command that started it, and keeps what it holds across a
clean stop. It runs functions as processes of the Python it runs in itself, whatever their runtime says.
"""

from __future__ import annotations

import fcntl
import http.client
import importlib.util
import os
import platform
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from ci.errors import DollopError

STATE = Path(".dollop", "local")
"""Where a repository's embedded AWS lives, from its root."""

REGION = "us-east-1"
"""For a pipeline that names none."""

CREDENTIALS = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
"""As boto3.Session takes them. An access key of twelve digits is an account of its own."""

_HOST = "127.0.0.1"
_START_SECONDS = 60.0
_STOP_SECONDS = 30.0
_SERVER = """
import os, runpy, signal, threading, time

def watch():
    try:
        while os.stat("server"):
            time.sleep(1)
    except FileNotFoundError:
        os.killpg(0, signal.SIGKILL)

threading.Thread(target=watch, daemon=True).start()
runpy.run_module("ministack", run_name="__main__", alter_sys=True)
"""
"""MiniStack, which ends, with the functions it runs, when its folder is removed: nobody could find it any more.

The folder is the one it works in, so that it may be renamed. There is nothing to save, and no place for it.
"""


@dataclass(frozen=True)
class Endpoint:
    """A running embedded AWS."""

    port: int
    pid: int

    @property
    def url(self) -> str:
        return f"http://{_HOST}:{self.port}"


def runtime() -> str:
    """The one runtime that the embedded AWS has: that of this Python, ``python3.13``."""
    return f"python{sys.version_info.major}.{sys.version_info.minor}"


def architecture() -> str:
    """The one architecture that it has, in AWS's words."""
    return "arm64" if platform.machine().lower() in ("arm64", "aarch64") else "x86_64"


def start(state: Path) -> Endpoint:
    """The embedded AWS of the folder ``state``: the one that runs, or a new one. Two starts at once give one server.

    Raises DollopError when the extra is not installed or the server does not come up.
    """
    state = state.absolute()
    state.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _alone(state):
        found = _found(state)
        if found is None:
            _spawn(state)
            found = _found(state)
        if found is None:
            raise DollopError(f"the embedded AWS ended before it answered; {_last_words(state)}")
        return found


def stop(state: Path) -> bool:
    """Stop it so that its state is saved. False: it did not run.

    Raises DollopError when it had to be killed: what changed since its start is lost.
    """
    if not state.is_dir():
        return False
    with _alone(state):
        if not _runs(state):
            return False
        _until(lambda: _address_file(state).exists(), 5)
        pid = _address(state).pid
        os.kill(pid, signal.SIGTERM)
        if _until(lambda: not _runs(state), _STOP_SECONDS):
            return True
        os.killpg(os.getpgid(pid), signal.SIGKILL)
        raise DollopError(
            f"the embedded AWS did not stop in {_STOP_SECONDS:.0f} s and was killed: its latest changes are lost",
            f"its log is {_log(state)}",
        )


def status(state: Path) -> Endpoint | None:
    """The embedded AWS of ``state``, None when it does not run. Raises DollopError when it runs but does not answer."""
    if not state.is_dir():
        return None
    with _alone(state):
        return _found(state)


@contextmanager
def _alone(state: Path) -> Iterator[None]:
    """One verb at a time."""
    with (state / "verb.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _server_lock(state: Path) -> Path:
    """Locked by the server, all its life: whether it runs is not a question of what a process id is used for now."""
    return state / "server.lock"


def _runs(state: Path) -> bool:
    with _server_lock(state).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        return False


def _spawn(state: Path) -> None:
    """Start the server: it inherits the lock, writes down where it is, and then becomes MiniStack.

    In that order, so that at no moment a server runs that nobody can find.
    """
    if importlib.util.find_spec("ministack") is None:
        raise DollopError("the embedded AWS is not installed", "pip install 'fluffy-dollop[local]'")
    scratch = state / "tmp"
    shutil.rmtree(scratch, ignore_errors=True)  # what ran there is left behind by the server
    scratch.mkdir()
    _address_file(state).unlink(missing_ok=True)
    environment = {
        # Functions inherit all of this, so nothing of the user's is in it, least of all credentials.
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(state),
        "TMPDIR": str(scratch),
        "LC_ALL": "C.UTF-8",
        "BIND_HOST": _HOST,
        "MINISTACK_HOST": _HOST,
        "GATEWAY_PORT": str(_free_port()),
        "IOT_MTLS_ENABLED": "0",  # would listen on every interface
        "SFTP_ENABLED": "0",  # likewise
        "LAMBDA_EXECUTOR": "local",
        "PERSIST_STATE": "1",
        "STATE_DIR": str(state / "aws"),
        "S3_PERSIST": "1",
        "S3_DATA_DIR": str(state / "s3"),
    }
    become = 'echo "$$ $GATEWAY_PORT" > "$1" && exec "$2" -P -c "$3"'
    server = ("sh", "-c", become, "sh", str(_address_file(state)), sys.executable, _SERVER)
    with _server_lock(state).open("w") as lock, _log(state).open("wb") as log:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        subprocess.run(
            ("sh", "-c", '"$@" &', "sh", *server),  # a child of nobody: it stays when this process ends
            cwd=state, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            start_new_session=True, pass_fds=(lock.fileno(),), check=True,
        )


def _found(state: Path) -> Endpoint | None:
    """The server once it answers, None when there is none. Raises DollopError when it runs and does not answer."""
    if not _until(lambda: not _runs(state) or _answers(state), _START_SECONDS):
        raise DollopError(
            f"the embedded AWS does not answer after {_START_SECONDS:.0f} s; {_last_words(state)}",
            "dollop local stop ends it; then start it again",
        )
    return _address(state) if _runs(state) else None


def _last_words(state: Path) -> str:
    lines = _log(state).read_text(errors="replace").splitlines()[-10:]
    return "\n  ".join((f"the end of {_log(state)}:", *lines))


def _answers(state: Path) -> bool:
    """Whether the server says that it is ready. A bare connection: no proxy may come between."""
    try:
        with closing(http.client.HTTPConnection(_HOST, _address(state).port, timeout=5)) as connection:
            connection.request("GET", "/_ministack/ready")
            return connection.getresponse().status == 200
    except (OSError, ValueError, http.client.HTTPException):  # ValueError: its address is being written
        return False


def _until(condition: Callable[[], bool], seconds: float) -> bool:
    """Whether ``condition`` came true in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def _address(state: Path) -> Endpoint:
    pid, port = _address_file(state).read_text().split()
    return Endpoint(port=int(port), pid=int(pid))


def _address_file(state: Path) -> Path:
    return state / "server"


def _log(state: Path) -> Path:
    return state / "log"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((_HOST, 0))
        return int(probe.getsockname()[1])
