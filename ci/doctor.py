"""Independent checks of what the workflows rely on: each gives findings, each finding its fix.

What GitHub says is handed in by the verb.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ci.errors import DollopError
from ci.model import Pipeline
from ci.setup.github import REQUIRED_CHECK


@dataclass(frozen=True)
class Finding:
    """Something that is not as it should be, and how to mend it."""

    what: str
    fix: str


Call = Callable[[str], Any]
"""Path -> GitHub's answer, or None where GitHub says that there is nothing."""


def found(checks: Iterable[Iterator[Finding]]) -> list[Finding]:
    """What all of them find. One that cannot read what it checks says so, and the others go on."""
    findings: list[Finding] = []
    for check in checks:
        try:
            findings.extend(check)
        except DollopError as error:
            findings.append(Finding(error.message, error.hint))
    return findings


def pins(root: Path) -> Iterator[Finding]:
    """Actions that are named by something that can be moved."""
    for path in sorted((root / ".github").rglob("*.y*ml")):
        for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1):
            match = re.match(r"\s*-?\s*uses:\s*([^\s#]+)", line)
            if match and not match[1].startswith(("$/", "./")) and not re.search(r"@[0-9a-f]{40}$", match[1]):
                where = f"{path.relative_to(root)}:{number}"
                yield Finding(f"{where}: {match[1]} is not pinned by its commit", "name the full commit behind the @")


def environments(pipeline: Pipeline, repository: str, call: Call) -> Iterator[Finding]:
    """Stages that anybody could release to."""
    fix = _setup(repository)
    for stage in pipeline.stages.values():
        found = call(f"/repos/{repository}/environments/{stage.name}")
        if found is None:
            yield Finding(f"GitHub has no environment {stage.name}: every branch gets its AWS role", fix)
            continue
        rules = {rule.get("type") for rule in found.get("protection_rules") or ()}
        if stage.source is not None and "required_reviewers" not in rules:
            yield Finding(f"the environment {stage.name} waits for nobody's approval", fix)
        if not found.get("deployment_branch_policy"):
            yield Finding(f"the environment {stage.name} may be used from every branch", fix)


def logins(pipeline: Pipeline, repository: str, call: Call) -> Iterator[Finding]:
    """Jobs that cannot log in to AWS, or only with a role that is not theirs."""
    places = {"the repository": f"/repos/{repository}/actions"}
    for stage in pipeline.stages:
        places[f"the environment {stage}"] = f"/repos/{repository}/environments/{stage}"
    for name, place in places.items():
        if call(f"{place}/variables/AWS_ROLE") is None and call(f"{place}/secrets/AWS_ACCESS_KEY_ID") is None:
            fix = f"{_setup(repository)} $(dollop setup aws --repository {repository} --deploy)"
            yield Finding(f"{name} has neither the variable AWS_ROLE nor the secret AWS_ACCESS_KEY_ID", fix)


def _setup(repository: str) -> str:
    return f"dollop setup github --repository {repository} --reviewer LOGIN"


def branch(repository: str, name: str, call: Call) -> Iterator[Finding]:
    """A branch that deploys and can be pushed to; or one that is not the default branch, whose workflows GitHub runs
    by schedule, by hand and for forks, and whose jobs no role trusts."""
    default = (call(f"/repos/{repository}") or {}).get("default_branch", name)
    if default != name:
        fix = f"gh api -X POST repos/{repository}/branches/{default}/rename -f new_name={name}"
        yield Finding(f"the default branch is {default}, and the workflows deploy {name}", fix)
    rules = call(f"/repos/{repository}/rules/branches/{name}") or ()
    required = {
        check.get("context")
        for rule in rules
        if rule.get("type") == "required_status_checks"
        for check in (rule.get("parameters") or {}).get("required_status_checks") or ()
    }
    if REQUIRED_CHECK not in required:
        what = f"nothing requires the check {REQUIRED_CHECK!r} before {name} changes"
        yield Finding(what, _setup(repository))


def runtimes(pipeline: Pipeline, today: str) -> Iterator[Finding]:
    """Functions on a runtime for which AWS makes no patches any more. Dates are ISO 8601."""
    for function in pipeline.functions.values():
        day = DEPRECATED.get(function.runtime)
        if day and day <= today:
            what = f"{pipeline.file}:{function.line}: {function.name}: {function.runtime} is deprecated since {day}"
            yield Finding(what, "set a newer runtime and build again")


DEPRECATED = {
    "python3.6": "2022-07-18",
    "python3.7": "2023-12-04",
    "python3.8": "2024-10-14",
    "python3.9": "2025-12-15",
    "python3.10": "2026-10-31",
    "python3.11": "2027-06-30",
    "python3.12": "2028-10-31",
    "python3.13": "2029-06-30",
    "python3.14": "2029-06-30",
}
"""https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html"""


def schema(root: Path, current: str) -> Iterator[Finding]:
    """A JSON Schema in the repository that is not the one of this version."""
    path = root / "ci/schema.json"
    if path.is_file() and path.read_text() != current:
        yield Finding(f"{path.relative_to(root)} is not current", "dollop schema > ci/schema.json")
