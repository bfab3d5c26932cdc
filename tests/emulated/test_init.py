"""A project from nothing: started, its tests run, deployed, invoked, with a second function."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.emulated import command

Dollop = Callable[..., command.Result]


@pytest.fixture
def dollop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Dollop:
    """The command, in an empty folder."""
    (tmp_path / "shop").mkdir()
    monkeypatch.chdir(tmp_path / "shop")
    return lambda *arguments: command.run(*arguments, environment={})


def test_a_project_from_nothing(dollop: Dollop) -> None:
    """Two verbs, and it runs on the embedded AWS, with tests that pass."""
    Path(".gitignore").write_text("*.log\ndist/")
    assert 0 == dollop("init").code
    made = dollop("new", "two-words")
    assert (0, "functions/two-words/two_words.py\ntests/functions/test_two_words.py\n") == (made.code, made.out)
    assert "*.log\ndist/\n.dollop/\n__pycache__/\n" == Path(".gitignore").read_text()
    tests = subprocess.run((sys.executable, "-m", "pytest", "-q", "tests"), capture_output=True, text=True, check=False)
    assert "2 passed" in tests.stdout
    try:
        deployed = dollop("deploy", "test", "--local")
        assert 0 == deployed.code, deployed.err
        answers = [dollop("invoke", name, "--local", "--event", "{}").out for name in ("hello", "two-words")]
    finally:
        dollop("local", "stop")
    assert ["hello", "two-words"] == [json.loads(answer)["body"] for answer in answers]


def test_what_is_built_for_another_runtime_is_told(dollop: Dollop) -> None:
    """The embedded AWS runs functions in the Python it runs in: nothing to tell where that is what they say."""
    assert 0 == dollop("init", "--project", "p").code
    assert "embedded AWS" not in dollop("build", "--local").err
    file = Path("pipeline.yaml")
    file.write_text(file.read_text().replace(f"python3.{sys.version_info.minor}", "python3.9"))
    told = f"the embedded AWS is python3.{sys.version_info.minor} on "
    assert told in dollop("build", "--local").err


def test_nothing_is_replaced(dollop: Dollop) -> None:
    """Exit 2, and every file is as it was."""
    assert 0 == dollop("init", "--project", "p").code
    Path("functions/hello/hello.py").write_text("mine")
    before = {path: path.read_text() for path in Path().rglob("*") if path.is_file()}
    for arguments in (("init",), ("new", "hello"), ("new", "json")):
        assert 2 == dollop(*arguments).code
    Path("functions/other").mkdir()
    Path("functions/other/other.py").write_text("mine")
    assert 2 == dollop("new", "other").code
    assert "mine" == Path("functions/other/other.py").read_text()
    assert before == {path: path.read_text() for path in before}


@pytest.mark.parametrize("name", ["Hello", "x" * 63])
def test_what_pipeline_yaml_refuses_leaves_nothing(name: str, dollop: Dollop) -> None:
    """A name in AWS that is too long, or one of a function in other capitals: exit 2, everything is as it was."""
    assert 0 == dollop("init", "--project", "p").code
    before = {path: path.is_file() and path.read_bytes() for path in Path().rglob("*")}
    refused = dollop("new", name)
    assert (2, "") == (refused.code, refused.out)
    assert before == {path: path.is_file() and path.read_bytes() for path in Path().rglob("*")}


def test_line_ends_stay(dollop: Dollop) -> None:
    """Those of Windows, and the mark at the beginning that its editors leave is none of YAML."""
    assert 0 == dollop("init", "--project", "p").code
    file = Path("pipeline.yaml")
    file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes().replace(b"\n", b"\r\n"))
    assert 0 == dollop("new", "more").code
    assert file.read_bytes().endswith(b"\r\n  more:\r\n    handler: more.handle\r\n")
    assert b"\n" not in file.read_bytes().replace(b"\r\n", b"")


def test_the_runtime_is_that_of_this_python(dollop: Dollop) -> None:
    """So that handlers are tried, and what is deployed is what the tests ran in."""
    assert 0 == dollop("init", "--project", "p").code
    assert f"runtime: python3.{sys.version_info.minor}\n" in Path("pipeline.yaml").read_text()
