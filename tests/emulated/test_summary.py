"""What whoever approves a promotion reads: versions, commits, sizes, files and dependencies of what is promoted.

Through the strict layer, which hands out the package of each version, as AWS does.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.emulated import command
from tests.emulated.conftest import Account, Project

Summary = Callable[..., str]


@pytest.fixture
def summary(through: Account, project: Project) -> Summary:
    """``dollop`` as a step of a workflow on the commit that is checked out; what it wrote into the run's summary."""

    def run(*arguments: str) -> str:
        file = project.root.parent / "summary.md"
        file.unlink(missing_ok=True)
        step = {
            "GITHUB_ACTIONS": "true",
            "GITHUB_REPOSITORY": "octo/shop",
            "GITHUB_RUN_ID": "7",
            "GITHUB_SHA": project.git("rev-parse", "HEAD").strip(),
            "GITHUB_STEP_SUMMARY": str(file),
        }
        done = command.run(*arguments, environment={**through.environment, **step})
        assert 0 == done.code, done.err
        return file.read_text()

    return run


def requests(project: Project, version: str, size: int) -> None:
    """A dependency that lies in the function's folder, as an installer leaves it."""
    project.git("rm", "-rq", "--ignore-unmatch", "functions/echo/requests-*")
    metadata = f"Metadata-Version: 2.1\nName: requests\nVersion: {version}\n"
    project.write(f"functions/echo/requests-{version}.dist-info/METADATA", metadata)
    project.write("functions/echo/requests/__init__.py", "".join(f"VALUE_{n} = {n * n}\n" for n in range(size)))


def test_what_is_approved(summary: Summary, project: Project) -> None:
    """Before anything moves: from which version to which, how sizes and dependencies change, by which commits."""
    requests(project, "2.31.0", 50)
    project.commit("Take requests")
    summary("deploy", "test", "--record", "release.json")
    summary("promote", "prod", "--release", "release.json")

    requests(project, "2.32.0", 5000)
    sha = project.commit("Take newer requests")
    project.commit("Say nothing")
    summary("deploy", "test", "--record", "release.json")
    shown = summary("promote", "prod", "--release", "release.json", "--dry-run")
    assert "### Promote to `prod`: 1 to update" in shown
    assert "| `echo` | code | " in shown and "| 1\u00a0→\u00a02 |" in shown
    assert "- requests: 2.31.0\n+ requests: 2.32.0\n" in shown
    assert "  size: " in shown and "! requests/__init__.py" in shown
    assert f"- [`{sha[:7]}`](https://github.com/octo/shop/commit/{sha}) `Take newer requests`" in shown
    assert "`Say nothing`" in shown and "`Take requests`" not in shown


def test_commits_that_git_does_not_know(summary: Summary, project: Project) -> None:
    """Prod runs what was rebased away: it is said that the commits are not listed, instead of showing none."""
    summary("deploy", "test", "--record", "release.json")
    summary("promote", "prod", "--release", "release.json")
    project.write("functions/audit/audit.py", "def handle(event, context):\n    return 2\n")
    project.git("update-ref", "-d", "HEAD")
    project.commit("Begin anew")
    project.git("reflog", "expire", "--expire=now", "--all")
    project.git("gc", "--quiet", "--prune=now")
    summary("deploy", "test", "--record", "release.json")
    assert "git does not know all of " in summary("promote", "prod", "--release", "release.json", "--dry-run")
