"""Who releases, from what and when: read off a real git repository, or GitHub's variables."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from ci.origin import origin

Git = Callable[..., str]


@pytest.fixture
def git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Git:
    """Git in a repository with one commit, without this machine's configuration."""
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    for name in ("GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM"):
        monkeypatch.setenv(name, os.devnull)

    def run(*arguments: str) -> str:
        identity = ("-c", "user.name=a", "-c", "user.email=a@example.org")
        command = ["git", "-C", str(tmp_path), *identity, *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    run("init", "--quiet")
    (tmp_path / "a.py").write_text("1")
    run("add", "a.py")
    run("commit", "--quiet", "-m", "first")
    return run


def test_a_clean_work_tree(git: Git, tmp_path: Path) -> None:
    """The commit that is checked out."""
    assert git("rev-parse", "HEAD") == origin(tmp_path, {}).commit


@pytest.mark.parametrize("name", ["a.py", "new.py"])
def test_a_changed_work_tree(git: Git, tmp_path: Path, name: str) -> None:
    """What was built is not that commit: a plus says so, for a change as for a new file."""
    (tmp_path / name).write_text("2")
    assert git("rev-parse", "HEAD") + "+" == origin(tmp_path, {}).commit


def test_a_change_beside_the_project(git: Git, tmp_path: Path) -> None:
    """A project in a folder of a larger repository is its folder alone."""
    project = tmp_path / "project"
    project.mkdir()
    (project / "b.py").write_text("1")
    git("add", ".")
    git("commit", "--quiet", "-m", "second")
    (tmp_path / "a.py").write_text("2")
    assert git("rev-parse", "HEAD") == origin(project, {}).commit


def test_no_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It can be deployed all the same."""
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert "unknown" == origin(tmp_path, {}).commit


def test_no_commit_yet(tmp_path: Path) -> None:
    """An empty repository has none to name."""
    subprocess.run(["git", "init", "--quiet", str(tmp_path)], check=True)
    assert "unknown" == origin(tmp_path, {}).commit


def test_no_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not installed is no error."""
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "unknown" == origin(tmp_path, {}).commit


def test_in_a_workflow(git: Git, tmp_path: Path) -> None:
    """GitHub knows better than the checkout."""
    found = origin(tmp_path, {"GITHUB_SHA": "abc", "GITHUB_RUN_ID": "77"})
    assert ("abc", "77") == (found.commit, found.run)


def test_on_a_laptop(git: Git, tmp_path: Path) -> None:
    """No run; the time is UTC, to the second, and so sorts as text."""
    found = origin(tmp_path, {})
    assert "local" == found.run
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", found.at)
