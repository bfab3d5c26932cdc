"""Which of two commits came later: a run that is late, or is run again, must not put old code over new.

https://docs.github.com/en/actions/how-tos/manage-workflow-runs/re-run-workflows-and-jobs
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ci import git
from ci.errors import Refused
from ci.model.live import Live
from ci.plan.actions import PointAlias
from ci.plan.plan import Plan
from ci.workspace import Workspace

_COMMIT = re.compile("[0-9a-f]{7,64}")


def check(workspace: Workspace, plan: Plan, live: Live) -> None:
    """Raises Refused where ``plan`` moves an alias from a version of a commit that this checkout leads to.

    What git does not know is not in the checkout's history, and none of its future can be told: that is no reason.
    """
    here = plan.origin.commit.removesuffix("+")
    moved = dict(_moved(plan, live))
    later = {commit for commit in set(moved.values()) if git.leads(workspace.pipeline.root, here, commit)}
    reasons = [f"{name}: runs {commit[:7]}, which comes after this checkout, {here[:7]}"
               for name, commit in moved.items() if commit in later]
    if reasons:
        raise Refused("\n".join(reasons), f"deploy the newer one; dollop redeploy {plan.stage} goes back to this")


def _moved(plan: Plan, live: Live) -> Iterator[tuple[str, str]]:
    """Function and commit, of what leaves its version. A description may have been written by anybody."""
    for each in plan.functions:
        found = live.functions[each.function]
        commit = found.running.commit if found and found.running else None
        moves = any(isinstance(action, PointAlias) and action.before != action.expected for action in each.shift)
        if moves and commit and _COMMIT.fullmatch(commit.removesuffix("+")):
            yield each.function, commit.removesuffix("+")
