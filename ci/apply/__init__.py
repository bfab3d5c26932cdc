"""Plan -> AWS. The only code that changes anything.

A release lands whole or not at all: every function is prepared (nothing of that reaches a user), then
all aliases move, then the smoke tests run; when any of it fails, every alias of this release goes back.
With a canary, every alias first sends a share of its calls to its new version, and one watch is over all of them.
CodeDeploy, where it moves them, is watched, and goes on when this process ends.

Two releases at once: the first function of each goes ahead alone, in both phases. Which of the two gets there
first wins; the other is refused by the revision id that it planned against, before it has changed anything else.
"""

from __future__ import annotations

from collections.abc import Mapping

from ci.apply import codedeploy, interrupt, watch
from ci.apply.job import Job, Log
from ci.apply.prepare import prepare
from ci.apply.remove import remove
from ci.apply.shift import shift
from ci.aws import Aws
from ci.plan.plan import Plan
from ci.release import Release, Released

__all__ = ["Log", "apply"]


def apply(plan: Plan, aws: Aws | Mapping[str, Aws], log: Log) -> Release:
    """Carry out ``plan`` and return the record of what the stage then runs.

    ``aws`` is the way to the stage's only site, or to each by its name. What is said below holds for all of them
    together: when one site fails, the aliases go back in every one.

    Raises MovedError when live moved under the plan while preparing: no alias was touched. Raises
    ReleaseError when a later step failed; it says whether every alias is back. Other AwsErrors come
    from preparing, too: run again and it goes on from there. A signal is KeyboardInterrupt while preparing, and a
    ReleaseError caused by it once aliases move. After SIGKILL while they move, some have moved and some have
    not: run again, which finishes the release, or roll back.
    """
    job = Job(plan, aws if isinstance(aws, Mapping) else {"": aws}, log)
    with interrupt.noted(job.begin()):
        codedeploy.check(job)
        watch.check(job)
        versions = prepare(job)
        shift(job, versions)
        remove(job)
    sites: dict[str, dict[str, str]] = {}
    for function in plan.functions:
        sites.setdefault(function.site, {})[function.function] = versions[function.label]
    return Release(
        plan.release,
        plan.stage,
        plan.origin.commit,
        plan.origin.run,
        plan.origin.at,
        {f.function: Released(versions[f.label], f.digest, f.code_sha256) for f in reversed(plan.functions)},
        {site: functions for site, functions in sites.items() if site},
    )
