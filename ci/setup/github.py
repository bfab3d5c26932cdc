"""What a repository on GitHub needs before its workflows can deploy, as requests to GitHub's API. Pure.

https://docs.github.com/en/rest/deployments/environments
https://docs.github.com/en/rest/actions/variables
https://docs.github.com/en/rest/repos/rules
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ci.errors import UsageError
from ci.model import Pipeline
from ci.setup.aws import BRANCH

REQUIRED_CHECK = "Pull request"
"""The last job of pull-request.yml."""

RULESET = "dollop"

REVIEWERS_LIMIT = 6
"""https://docs.github.com/en/actions/reference/workflows-and-actions/deployments-and-environments#required-reviewers"""


@dataclass(frozen=True)
class Step:
    """One thing to be there: ``body`` is sent to ``create``, or, where it is there already, to ``update``.

    ``exists`` is a list on GitHub, in which an item with the same ``name`` means that it is there.
    Without ``exists`` the request creates and updates alike.
    """

    what: str
    update: tuple[str, str]
    body: Mapping[str, Any]
    create: tuple[str, str] | None = None
    exists: str = ""

    @property
    def name(self) -> str:
        return str(self.body["name"])


def steps(
    pipeline: Pipeline, repository: str, reviewers: Sequence[int], roles: Mapping[str, str], check: str | None = None
) -> list[Step]:
    """Environments with their branch and reviewers, the variables that the workflows read, the rule for the branch.

    ``reviewers`` are numbers of users, who must approve every stage that is promoted; ``roles`` maps the names of
    ``ci.policy`` (``plan``, ``deploy-test``, ...) to ARNs; ``check`` is the command of the check, None leaves it as it
    is. Raises UsageError for a number that GitHub does not take.
    """
    waiting = [stage.name for stage in pipeline.stages.values() if stage.source is not None]
    if waiting and not 1 <= len(reviewers) <= REVIEWERS_LIMIT:
        what = f"{', '.join(waiting)}: {len(reviewers)} reviewers, where one to {REVIEWERS_LIMIT} are to be named"
        raise UsageError(what, "say who may approve: --reviewer LOGIN")
    root = f"/repos/{repository}"
    made: list[Step] = []
    for stage in pipeline.stages.values():
        place = f"{root}/environments/{stage.name}"
        promoted = stage.source is not None
        body: dict[str, Any] = {
            "deployment_branch_policy": {"protected_branches": False, "custom_branch_policies": True},
            "reviewers": [{"type": "User", "id": number} for number in reviewers] if promoted else [],
            "prevent_self_review": False,
        }
        waits = f", which waits for {len(reviewers)} reviewer{'s' * (len(reviewers) != 1)}" if promoted else ""
        made.append(Step(f"environment {stage.name}{waits}", ("PUT", place), body))
        policies = f"{place}/deployment-branch-policies"
        only = {"name": BRANCH, "type": "branch"}
        made.append(Step(f"environment {stage.name}: from {BRANCH} only", ("", ""), only, ("POST", policies), policies))
        role = roles.get(f"promote-{stage.name}" if promoted else f"deploy-{stage.name}")
        if role:
            made.append(_variable("AWS_ROLE", role, f"{place}/variables", f" of {stage.name}"))
    if "plan" in roles:
        made.append(_variable("AWS_ROLE", roles["plan"], f"{root}/actions/variables"))
    if check:
        made.append(_variable("CHECK", check, f"{root}/actions/variables", f": {check}"))
    made.append(
        Step(
            f"rule: {BRANCH} changes by pull request, and only when the job {REQUIRED_CHECK!r} is green",
            ("PUT", f"{root}/rulesets/{{id}}"),
            _ruleset(),
            ("POST", f"{root}/rulesets"),
            f"{root}/rulesets",
        )
    )
    return made


def _variable(name: str, value: str, place: str, more: str = "") -> Step:
    body = {"name": name, "value": value}
    return Step(f"variable {name}{more}", ("PATCH", f"{place}/{name}"), body, ("POST", place), place)


def _ruleset() -> dict[str, Any]:
    review = {
        "required_approving_review_count": 0,
        "dismiss_stale_reviews_on_push": False,
        "require_code_owner_review": False,
        "require_last_push_approval": False,
        "required_review_thread_resolution": False,
    }
    checks = {
        "strict_required_status_checks_policy": False,
        "required_status_checks": [{"context": REQUIRED_CHECK}],
    }
    return {
        "name": RULESET,
        "target": "branch",
        "enforcement": "active",
        "conditions": {"ref_name": {"include": [f"refs/heads/{BRANCH}"], "exclude": []}},
        "rules": [
            {"type": "deletion"},
            {"type": "non_fast_forward"},
            {"type": "pull_request", "parameters": review},
            {"type": "required_status_checks", "parameters": checks},
        ],
    }
