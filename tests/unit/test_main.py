"""The end of the process: at once, and nothing is lost of what was printed."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest

from ci.config import schema
from ci.render import data

ROOT = Path(__file__).parents[2]


def dollop(*arguments: str, stdout: int = subprocess.PIPE) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "ci", *arguments], stdout=stdout, stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT)}, check=False, timeout=30,
    )


def test_all_of_it_arrives() -> None:
    """Into a pipe, which is written to in blocks."""
    done = dollop("schema")
    assert (0, data.to_json(schema.schema())) == (done.returncode, done.stdout.decode())


@pytest.mark.parametrize("arguments", [("schema",), ("--version",)])
def test_a_reader_that_has_seen_enough(arguments: tuple[str, ...]) -> None:
    """``dollop schema | head``: no traceback, whether it left before the first block or before the last."""
    reading, writing = os.pipe()
    os.close(reading)
    done = dollop(*arguments, stdout=writing)
    os.close(writing)
    assert (1, b"") == (done.returncode, done.stderr)


@pytest.mark.parametrize("arguments", [("schema",), ("--version",)])
def test_output_to_a_full_disk(arguments: tuple[str, ...]) -> None:
    """Said in a line, with code 1."""
    with open("/dev/full", "wb") as full:
        done = dollop(*arguments, stdout=full.fileno())
    assert 1 == done.returncode
    assert "   ⨯ the output cannot be written: there is no space left where it goes\n" == done.stderr.decode()


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-"])
def test_closed_by_the_caller(closed: str) -> None:
    """As good as /dev/null."""
    command = f'"{sys.executable}" -m ci schema {closed}'
    done = subprocess.run(command, shell=True, cwd=ROOT, capture_output=True, check=False, timeout=30)
    assert (0, b"") == (done.returncode, done.stderr)


def test_what_is_wrong_is_said_and_ends_with_its_code() -> None:
    """Usage is 2."""
    done = dollop("nothing")
    assert 2 == done.returncode
    assert b"No such command 'nothing'" in done.stderr


@pytest.mark.parametrize(("command", "code", "told"), [
    ("plan --nonsense", 2, "No such option '--nonsense'."),
    ("invoke", 2, "Missing argument 'FUNCTION'."),
    ("new orders", 3, "this is a bug of dollop's: please report it with the lines above"),
    ("--version >/dev/full", 1, "the output cannot be written: there is no space left where it goes"),
    ("-C /sys local start", 1, "/sys/.dollop: "),
])
def test_a_workflow_is_told_what_failed(command: str, code: int, told: str, tmp_path: Path) -> None:
    """Beside the run, whoever found it: the parser of the command line, the disk, or nobody."""
    (tmp_path / "yaml.py").write_text("raise RuntimeError\n")  # a bug, to who reads a pipeline.yaml
    failure = tmp_path / "output"
    environ = {"PYTHONPATH": str(tmp_path), "GITHUB_ACTIONS": "true", "GITHUB_OUTPUT": str(failure)}
    done = subprocess.run(
        f'exec "{sys.executable}" -m ci {command}', shell=True, cwd=ROOT, env=os.environ | environ,
        capture_output=True, text=True, check=False, timeout=30,
    )
    assert code == done.returncode, done.stderr
    shown = [line for line in done.stderr.splitlines() if line.startswith("::error")]
    assert 1 == len(shown) and f"::{told}" in shown[0], done.stderr
    assert told == failure.read_text().splitlines()[1][: len(told)]


@pytest.mark.parametrize(("variables", "coloured"), [
    ({}, True),
    ({"NO_COLOR": "1"}, False),
    ({"NO_COLOR": ""}, True),  # as https://no-color.org says
    ({"TERM": "dumb"}, False),
])
def test_colours_are_for_terminals_that_want_them(
    variables: dict[str, str], coloured: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Data and errors alike."""
    code = "from ci import console, errors; console.show('+ x'); console.error(errors.DollopError('y'))"
    for name, value in {"TERM": "xterm", **variables}.items():
        monkeypatch.setenv(name, value)
    ours, theirs = pty.openpty()
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, stdout=theirs, stderr=theirs, check=True, timeout=30)
    os.close(theirs)
    printed = os.read(ours, 1000)
    os.close(ours)
    assert (coloured, coloured) == (b"\x1b[32m+ x" in printed, b"\x1b[31m" in printed), printed


def test_interrupted_before_anything_was_begun(tmp_path: Path) -> None:
    """Ctrl-C while the command is still being loaded: code 130, and nothing is printed."""
    (tmp_path / "click.py").write_text("raise KeyboardInterrupt\n")
    done = subprocess.run(
        [sys.executable, "-m", "ci", "schema"], capture_output=True, cwd=ROOT, check=False, timeout=30,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
    )
    assert (130, b"", b"") == (done.returncode, done.stdout, done.stderr)


@pytest.mark.skipif(not Path("/sys").is_dir(), reason="a folder that nobody can write to is needed: /sys of Linux")
@pytest.mark.parametrize("arguments", [("local", "start"), ("init", "--project", "p")])
def test_a_disk_that_refuses_is_no_bug_of_ours(arguments: tuple[str, ...]) -> None:
    """Which file, and what to look at; no traceback."""
    done = dollop("-C", "/sys", *arguments)
    assert 1 == done.returncode
    assert re.fullmatch(r"   ⨯ /sys/\S+: .+\n     check the disk and who may write there\n", done.stderr.decode())


@pytest.mark.parametrize("verb", ["build", "build --licences", "build --json"])
def test_a_project_without_functions(verb: str, tmp_path: Path) -> None:
    """Said, with what adds one; a table without rows is not printed, and a program gets what it always gets."""
    (tmp_path / "pipeline.yaml").write_text("project: p\nstages: {test: {alias: test}}\nfunctions:\n")
    done = dollop("-C", str(tmp_path), *verb.split())
    assert 0 == done.returncode, done.stderr
    assert f"   ! {tmp_path}/pipeline.yaml has no functions: dollop new NAME adds one\n" == done.stderr.decode()
    assert (b"{}\n" if verb.endswith("--json") else b"") == done.stdout


def test_a_folder_that_is_gone(tmp_path: Path) -> None:
    """As a git checkout leaves a shell that was in it."""
    (tmp_path / "gone").mkdir()
    command = f'cd gone && rmdir ../gone && exec "{sys.executable}" -m ci plan'
    environ = {**os.environ, "PYTHONPATH": str(ROOT), "GITHUB_ACTIONS": "true"}
    done = subprocess.run(command, shell=True, cwd=tmp_path, env=environ, capture_output=True, check=False, timeout=30)
    assert (2, True) == (done.returncode, b"::the folder that this runs in is gone" in done.stderr), done.stderr


@pytest.mark.parametrize(("name", "told"), [
    ("echo", b"nobody is there to be asked"),
    ("typo", b"no function in pipeline.yaml matches 'typo'"),  # nobody should be sent for --force first
])
def test_nobody_is_asked_where_stdin_is_closed(name: str, told: bytes) -> None:
    """As where it is no terminal; and there is nothing to ask about a function that there is not."""
    command = f'exec "{sys.executable}" -m ci delete {name} <&-'
    done = subprocess.run(command, shell=True, cwd=ROOT, capture_output=True, check=False, timeout=30)
    assert (2, True) == (done.returncode, told in done.stderr), done.stderr


def test_a_file_where_the_state_should_be(tmp_path: Path) -> None:
    """Named, and no bug of ours."""
    assert 0 == dollop("-C", str(tmp_path), "init", "--project", "p").returncode
    (tmp_path / ".dollop").touch()
    done = dollop("-C", str(tmp_path), "build")
    assert (1, True) == (done.returncode, b"/.dollop/cache/" in done.stderr), done.stderr
    assert b"Traceback" not in done.stderr
