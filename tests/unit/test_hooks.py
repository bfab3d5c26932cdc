"""Hooks: real commands in a copy of the function's files; what they leave is packaged, what fails stops everything."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from ci import build, config
from ci.errors import BuildError, ConfigError
from ci.model import Hooks, Package

HEAD = "project: p\nstages: {test: {alias: test}}\nfunctions:\n  echo:\n    runtime: python3.13\n    role: "
HEAD += "arn:aws:iam::123456789012:role/lambda\n    handler: echo.handle\n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """One function, with a file that is there for its hook alone."""
    source = tmp_path / "functions/echo"
    source.mkdir(parents=True)
    (source / "echo.py").write_text("from words import WORD\n\n\ndef handle(event, context):\n    return WORD\n")
    (source / "words.txt").write_text("Guten tag")
    return tmp_path


def make(project: Path, hooks: str, said: list[str] | None = None, more: str = "") -> Package:
    (project / "pipeline.yaml").write_text(f"{HEAD}    exclude: ['*.txt']\n    hooks: {hooks}\n{more}")
    pipeline = config.load(project / "pipeline.yaml")
    functions = pipeline.functions.values()
    return build.build(pipeline, functions, project / ".dollop", said.append if said is not None else None)["echo"]


GENERATE = """{build: "echo making words; printf 'WORD = \\"%s\\"\\\\n' \\"$(cat words.txt)\\" > words.py"}"""


def test_what_a_build_hook_makes_is_packaged(project: Path) -> None:
    """From files that are excluded themselves; its output is shown, and the source folder stays as it was."""
    before = sorted(path.name for path in (project / "functions/echo").iterdir())
    said: list[str] = []
    package = make(project, GENERATE, said)
    assert ["echo.py", "words.py"] == [file.path for file in package.files]
    assert "echo: making words" in said
    assert before == sorted(path.name for path in (project / "functions/echo").iterdir())
    assert [] == list((project / ".dollop/tmp").iterdir())


def test_a_build_hook_runs_when_something_changed(project: Path) -> None:
    """The same files and command: the package is known. Another file or another command: it is built."""
    first = make(project, GENERATE)
    said: list[str] = []
    assert first.digest == make(project, GENERATE, said).digest
    assert [] == said
    (project / "functions/echo/words.txt").write_text("Hello")
    assert first.digest != make(project, GENERATE, said).digest
    assert said
    again: list[str] = []
    make(project, GENERATE.replace("making", "baking"), again)
    assert "echo: baking words" in again


def test_a_handler_that_a_hook_makes(project: Path) -> None:
    """It need not be in the source folder; it must be in the package."""
    (project / "functions/echo/echo.py").unlink()
    made = make(project, "{build: 'echo \"def handle(e, c): return 1\" > echo.py'}")
    assert ["echo.py"] == [file.path for file in made.files]
    with pytest.raises(BuildError, match="there is no echo.py in the package"):
        make(project, "{build: touch other.py}")


def test_a_build_hook_that_fails(project: Path) -> None:
    """What it said is shown, nothing is built and nothing kept."""
    said: list[str] = []
    with pytest.raises(BuildError, match="function echo: the build hook failed with exit code 3: echo no; exit 3"):
        make(project, "{build: 'echo no; exit 3'}", said)
    assert "echo: no" in said
    assert not (project / ".dollop/packages").exists()


def test_a_hook_that_does_not_end(project: Path) -> None:
    """It is ended after its time, with whatever it has started."""
    pids = project / "pids"
    started = time.monotonic()
    with pytest.raises(BuildError, match="still running after 1 s"):
        make(project, f"{{build: 'sleep 61 & echo $! > {pids}; wait', timeout: 1}}")
    assert time.monotonic() - started < 20
    with pytest.raises(ProcessLookupError):
        for _ in range(100):
            os.kill(int(pids.read_text()), 0)
            time.sleep(0.05)


def test_a_hook_sees_no_credentials(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it takes to run is passed on, and nothing that opens AWS or GitHub."""
    for name in ("AWS_SECRET_ACCESS_KEY", "GITHUB_TOKEN", "ACTIONS_ID_TOKEN_REQUEST_TOKEN", "SLACK"):
        monkeypatch.setenv(name, "hunter2")
    monkeypatch.setenv("PIP_NO_INPUT", "1")
    said: list[str] = []
    make(project, "{build: 'env; echo WORD=1 > words.py'}", said)
    assert "hunter2" not in "\n".join(said)
    assert {"echo: PIP_NO_INPUT=1", f"echo: PATH={os.environ['PATH']}"} <= set(said)


def test_hooks_of_defaults_are_every_functions(project: Path) -> None:
    """Key by key: a function replaces what it says itself."""
    (project / "pipeline.yaml").write_text(f"{HEAD}    hooks: {{deploy: make check}}\n"
                                           "defaults: {hooks: {build: make, deploy: make all, timeout: 60}}\n")
    assert Hooks("make", "make check", 60) == config.load(project / "pipeline.yaml").functions["echo"].hooks


def test_what_hooks_cannot_be(project: Path) -> None:
    """Each with its line."""
    with pytest.raises(ConfigError) as raised:
        make(project, "{build: '', clean: rm, timeout: 0}")
    assert [
        "functions.echo.hooks.build: must have at least 1 characters",
        "functions.echo.hooks.clean: is not a known key",
        "functions.echo.hooks.timeout: must be at least 1",
    ] == [f"{problem.where}: {problem.what}" for problem in raised.value.problems]
