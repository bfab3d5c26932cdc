"""The README tells the truth."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from ci import local
from ci.cli import verbs

from . import readme

TEXT = (readme.ROOT / "README.md").read_text()


@pytest.mark.network
def test_every_command_gives_the_output_shown(tmp_path: Path) -> None:
    """The commands are run in a copy of the repository; what they print is what the README shows."""
    readme.copy(tmp_path)
    try:
        assert readme.settled(TEXT) == readme.settled(readme.rerun(TEXT, tmp_path))
    finally:
        local.stop(tmp_path / local.STATE)


def test_who_replaces_the_examples_has_a_check_that_passes(tmp_path: Path) -> None:
    """As steps 1 and 3 say: what tests dollop itself needs the examples, and is left out."""
    readme.copy(tmp_path)
    environ = {**os.environ, "PATH": f"{tmp_path / '.venv/bin'}:{os.environ['PATH']}"}
    (take_out,) = re.findall(r"`(git rm -r [^`]+)`", TEXT)
    (checked,) = set(re.findall(r"--check 'make test ARGS=([^']+)'", TEXT))
    tests = f'"{sys.executable}" -m pytest -q {checked}'
    for command in (take_out, "dollop init --project shop", "dollop new orders", tests):
        done = subprocess.run(
            command, shell=True, cwd=tmp_path, env=environ, capture_output=True, text=True, timeout=60, check=False,
        )
        assert 0 == done.returncode, done.stdout + done.stderr
    assert "2 passed" in done.stdout


def needing_an_account() -> list[str]:
    """The commands of the ``bash`` blocks that call dollop."""
    blocks = re.findall(r"^```bash\n(.*?)^```$", TEXT, re.DOTALL | re.MULTILINE)
    return [line for block in blocks for line in block.splitlines() if line.startswith("dollop ")]


@pytest.mark.parametrize("command", needing_an_account())
def test_what_needs_an_account_is_at_least_a_command(command: str) -> None:
    """What cannot be run here (a real AWS account, a real repository) is parsed: verbs and options exist."""
    found: click.Command = verbs
    words = shlex.split(re.sub(r"\$\(.*?\)", "", command))[1:]  # what a command within it prints comes in its place
    while isinstance(found, click.Group):
        name = words.pop(0)
        assert name in found.commands
        found = found.commands[name]
    assert found.make_context(command, words)


def test_every_verb_is_told_of() -> None:
    """A verb that the README does not show in its help block does not exist for a reader."""
    missing = [name for name in verbs.commands if not re.search(rf"^  {name} ", TEXT, re.MULTILINE)]
    assert [] == missing


def test_the_two_commands_come_first_and_are_those_of_ci() -> None:
    """The README starts with make demo and make test, and what must pass before anything lands is exactly those."""
    first = [block[2].strip() for block in readme.BLOCK.finditer(TEXT)][:2]
    script = (readme.ROOT / ".ci/run").read_text()
    assert ["make demo", "make test"] == first
    assert {"make demo", "make test"} == set(re.findall(r"^make \w+", script, re.MULTILINE))


@pytest.mark.parametrize("name", list(verbs.commands))
def test_every_verb_has_help(name: str) -> None:
    """dollop VERB --help answers, and says what the verb does."""
    result = CliRunner().invoke(verbs, [name, "--help"])
    assert (0, True) == (result.exit_code, bool(verbs.commands[name].help))
