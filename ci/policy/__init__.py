"""pipeline.yaml -> least-privilege IAM policies, one set for each role of the pipeline. Pure.

Which resource an action is checked against comes from
https://docs.aws.amazon.com/service-authorization/latest/reference/list_awslambda.html
and, for a call with a qualifier (a version or an alias), from the qualified ARN that Lambda checks since 2022:
https://docs.aws.amazon.com/lambda/latest/dg/lambda-api-permissions-ref.html

What AWS cannot enforce: CreateAlias, UpdateAlias and DeleteAlias are checked against the *function*, and no
condition key names the alias. Whoever may move one alias of a function may move them all. The trust policy (only a
job in the environment ``prod`` gets the role that promotes) and the lack of every other write separate the roles;
only an account for each stage separates the aliases themselves.
"""

from __future__ import annotations

import os.path
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

from ci.errors import UsageError
from ci.model import Pipeline, Stage
from ci.policy.statement import Document, Place, Statement, packed
from ci.policy.tasks import ROLE_ARN, Tasks, elsewhere

POLICIES_LIMIT = 10
"""Managed policies that a role takes, unless AWS raised the quota:
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html"""

_SHORTEST_PREFIX = 3
"""Fewer characters in common than this, and a wildcard on the name would cover half the account."""


@dataclass(frozen=True)
class Role:
    """A role of the pipeline and the managed policies that it needs, each within AWS's limit."""

    name: str
    purpose: str
    documents: tuple[Document, ...]
    notes: tuple[str, ...] = ()
    """What is wider than it should be, and why."""
    account: str = ""
    """Another one than the pipeline's, where it is."""


def place(pipeline: Pipeline, region: str | None = None, account: str | None = None) -> Place:
    """Account and partition are those of the functions' execution roles, which Lambda wants in the same account.

    Raises UsageError where there is no region, no account or more than one.
    """
    region = region or pipeline.region
    if not region:
        raise UsageError("no region: an ARN names one", "write `region:` into pipeline.yaml or set AWS_REGION")
    matches = [ROLE_ARN.fullmatch(str(function.settings.get("Role"))) for function in pipeline.functions.values()]
    found = {(match["partition"], match["account"]) for match in matches if match}
    if account:
        found = {(partition, number) for partition, number in found if number == account} or {("aws", account)}
    if len(found) != 1:
        accounts = ", ".join(sorted(number for _, number in found)) or "none"
        raise UsageError(f"the functions' roles name not one account but: {accounts}", "say --account")
    (partition, number), = found
    return Place(partition, region, number)


def roles(pipeline: Pipeline, where: Place) -> tuple[Role, ...]:
    """Every role that the workflows take on, then ``observe``, which is for people; then those of other accounts.

    Raises UsageError where the functions are too many for IAM and have nothing in common in their names.
    """
    tasks, stages = Tasks(pipeline, where), pipeline.stages.values()
    return (
        _role(tasks, "plan", "Reads what is live, changes nothing.", Tasks.planning),
        *(_released_to(tasks, stage) for stage in stages),
        _role(tasks, "observe", "Reads logs and metrics. For people, not for a workflow.", Tasks.observing),
        *(role for stage in stages for role in _there(tasks, stage)),
    )


def _name(stage: Stage) -> str:
    return f"{'promote' if stage.source else 'deploy'}-{stage.name}"


def _released_to(tasks: Tasks, stage: Stage) -> Role:
    if stage.source is None:
        purpose = f"Uploads code, moves the alias {stage.alias}."
        return _role(tasks, _name(stage), purpose, lambda each: each.deploying(stage))
    purpose = f"Publishes what was released, and moves the alias {stage.alias}."
    if tasks.direct(stage).keys() == tasks.direct(tasks.pipeline.stages[stage.source]).keys():
        purpose = f"Moves the alias {stage.alias}; uploads no code, changes no configuration."
    return _role(tasks, _name(stage), purpose, lambda each: each.promoting(stage))


def _there(tasks: Tasks, stage: Stage) -> Iterator[Role]:
    """What the roles of another account need that the stage names, and who takes them on."""
    places, role, plan_role = elsewhere(stage), stage.sites[0].role, stage.sites[0].plan_role
    if not places or not role:
        return
    account, name, ours = places[0].account, f"{stage.name}-there", _name(stage)
    made = [
        _role(tasks, name, f"In the account {account}, for {role}; {ours} takes it on.",
              lambda each: each.releasing_there(stage)),
        *([_role(tasks, f"{name}-plan", f"In the account {account}, for {plan_role}; plan and {ours} take it on.",
                 lambda each: each.planning_there(stage))] if plan_role else []),
        _role(tasks, f"{name}-observe",
              f"In the account {account}, for {plan_role or role}, to read logs and metrics as well.",
              lambda each: each.observing(places)),
    ]
    yield from (replace(each, account=account) for each in made)


def role(made: Iterable[Role], name: str) -> Role:
    """The role called ``name``. Raises UsageError, naming those that there are."""
    known = {one.name: one for one in made}
    if name not in known:
        raise UsageError(f"no role {name}", f"there are: {', '.join(known)}")
    return known[name]


def _role(tasks: Tasks, name: str, purpose: str, task: Callable[[Tasks], Iterable[Statement]]) -> Role:
    """Within AWS's limits, if need be with one pattern for all functions."""
    documents, functions = packed(task(tasks)), tasks.functions
    if len(documents) <= POLICIES_LIMIT:
        return Role(name, purpose, documents)
    prefix = os.path.commonprefix([function.aws_name for function in functions])
    if len(prefix) < _SHORTEST_PREFIX:
        raise UsageError(
            f"{len(functions)} functions fill {len(documents)} policies of the role {name}; AWS takes {POLICIES_LIMIT}",
            'let their names begin alike (`name: "{project}-{function}"`): one pattern then stands for all of them',
        )
    note = f"{len(functions)} functions are too many to list: {name} covers every function named {prefix}*"
    return Role(name, purpose, packed(task(replace(tasks, prefix=prefix))), (note,))
