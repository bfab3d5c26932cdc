"""What a shell completes."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ci.config.completion import names

ROOT = Path(__file__).parents[2]
PIPELINE = """\
stages:
  test: {alias: test}
  prod: {alias: prod, from: test}
functions:
  echo: {handler: a.b}
  audit: {handler: of no kind, memory: -1}
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "pipeline.yaml").write_text(PIPELINE)
    return tmp_path


@pytest.mark.parametrize(
    ("expected", "key", "start"),
    [
        (["test", "prod"], "stages", ""),
        (["test"], "stages", "t"),
        (["audit"], "functions", "au"),
        ([], "functions", "x"),
    ],
)
def test_names_are_those_of_the_file(project: Path, expected: list[str], key: str, start: str) -> None:
    """Whether or not the rest of it is right."""
    assert expected == names(project, key, start)


@pytest.mark.parametrize("text", [None, "", "functions: {echo", "functions: [echo]", "functions:", "- 1", "\udcff"])
def test_a_file_that_cannot_be_read_completes_nothing(tmp_path: Path, text: str | None) -> None:
    """Pressing the tabulator key is no time for errors."""
    if text is not None:
        (tmp_path / "pipeline.yaml").write_bytes(text.encode(errors="surrogateescape"))
    assert [] == names(tmp_path, "functions", "")


@pytest.mark.parametrize(
    ("expected", "words"),
    [
        (["logs"], ["log"]),
        (["test", "prod"], ["deploy", ""]),
        (["audit"], ["deploy", "test", "a"]),
        (["echo"], ["deploy", "test", "audit", "e"]),
        (["prod"], ["logs", "--stage", "p"]),
        (["--follow"], ["logs", "--fo"]),
    ],
)
@pytest.mark.skipif(not shutil.which("bash"), reason="no bash here")
def test_bash_completes(project: Path, tmp_path: Path, expected: list[str], words: list[str]) -> None:
    """With the script that the verb prints, in a real bash."""
    binary = tmp_path / "bin" / "dollop"
    binary.parent.mkdir()
    binary.write_text(f'#!/bin/sh\nexec {sys.executable} -m ci "$@"\n')
    binary.chmod(0o755)
    script = f"""
        eval "$(dollop completion bash)"
        COMP_WORDS=(dollop "$@") COMP_CWORD={len(words)}
        _dollop_completion dollop
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    environment = {"PATH": f"{binary.parent}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        ["bash", "-c", script, "bash", *words],
        cwd=project, env=environment, capture_output=True, text=True, check=True,
    )
    assert (expected, "") == ([line for line in done.stdout.splitlines() if line], done.stderr)


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_the_other_shells_have_their_script(shell: str) -> None:
    """It calls dollop back."""
    done = subprocess.run(
        [sys.executable, "-m", "ci", "completion", shell], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert f"_DOLLOP_COMPLETE={shell}_complete" in done.stdout
