"""What a step of a workflow tells GitHub."""

from __future__ import annotations

from pathlib import Path

import pytest

from ci.errors import BuildError, ConfigError, DollopError, Problem
from ci.github.run import ANNOTATIONS, OUTPUT_LIMIT, Run, annotated, command

LINE = "project: p\nstages: {echo: {alias: x}}\nfunctions:\n  other: {}\n  echo:\n    handler: echo.handle\n"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "pipeline.yaml").write_text(LINE)
    (tmp_path / "requirements.txt").write_text("numpy\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (ConfigError([Problem("pipeline.yaml", 3, "project", "bad")]), "file=pipeline.yaml,line=3::project: bad"),
        (BuildError("function echo: has no files"), "file=pipeline.yaml,line=5::function echo: has no files"),
        (BuildError("function gone: has no files"), "::function gone: has no files"),
        (BuildError("requirements.txt: no wheel"), "file=requirements.txt::requirements.txt: no wheel"),
        (BuildError("requirements.txt:1: not pinned"), "file=requirements.txt,line=1::requirements.txt:1: not pinned"),
        (DollopError("echo: GetFunction: denied"), "::echo: GetFunction: denied"),
    ],
)
def test_an_error_is_shown_where_it_is(project: Path, error: DollopError, expected: str) -> None:
    """Beside the line of the file; what is about a function, beside its name in pipeline.yaml."""
    (shown,) = annotated(error, project)
    assert f"::error {expected}".replace("error ::", "error::") == shown


def test_as_many_as_github_shows(project: Path) -> None:
    """The last of them says how many more there are."""
    problems = [Problem("pipeline.yaml", line, "x", "bad") for line in range(1, 31)]
    shown = list(annotated(ConfigError(problems), project))
    assert ANNOTATIONS == len(shown)
    assert "::error::and 21 more problems: see the log" == shown[-1]


def test_nothing_in_a_message_is_a_command() -> None:
    """Not a new line, not a property, not a terminal's escape."""
    shown = command("error", "a\n::add-mask::b\x1b[31m 100%", "x,line=9::y", 1)
    assert "::error file=x%2Cline=9%3A%3Ay,line=1::a%0A::add-mask::b[31m 100%25" == shown


def test_failure_fits_into_the_environment_of_the_next_step(project: Path) -> None:
    """A thousand functions with something wrong: what is handed on is cut between two lines, and that is said."""
    output, summary = project / "output", project / "summary"
    problems = [Problem("pipeline.yaml", line, f"functions.f{line}", "is wrong " * 10) for line in range(1, 3001)]
    Run({"GITHUB_OUTPUT": str(output), "GITHUB_STEP_SUMMARY": str(summary)}).failed(ConfigError(problems))
    told = output.read_text()
    assert told.startswith("failure<<end-") and OUTPUT_LIMIT - 200 < len(told) < OUTPUT_LIMIT + 200
    assert "more lines: see the log" in told
    assert summary.read_text().startswith("- `pipeline.yaml:1: functions.f1: is wrong")
