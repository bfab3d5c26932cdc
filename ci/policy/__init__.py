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
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from ci.errors import UsageError
from ci.model import Function, Pipeline, Site, Stage
from ci.policy.attachments import Grant, attaching, looking_around
from ci.policy.needs import (
    POINT,
    Names,
    expanding,
    handing_over,
    layers,
    looking_up,
    observing,
    parameters,
    reading,
    smoking,
    there,
    uploading,
    watching,
)
from ci.policy.statement import Document, Place, Statement, packed

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


_ROLE_ARN = re.compile(r"arn:(?P<partition>aws[a-z-]*):iam::(?P<account>[0-9]{12}):role/.+")


def place(pipeline: Pipeline, region: str | None = None, account: str | None = None) -> Place:
    """Account and partition are those of the functions' execution roles, which Lambda wants in the same account.

    Raises UsageError where there is no region, no account or more than one.
    """
    region = region or pipeline.region
    if not region:
        raise UsageError("no region: an ARN names one", "write `region:` into pipeline.yaml or set AWS_REGION")
    matches = [_ROLE_ARN.fullmatch(str(function.settings.get("Role"))) for function in pipeline.functions.values()]
    found = {(match["partition"], match["account"]) for match in matches if match}
    if account:
        found = {(partition, number) for partition, number in found if number == account} or {("aws", account)}
    if len(found) != 1:
        accounts = ", ".join(sorted(number for _, number in found)) or "none"
        raise UsageError(f"the functions' roles name not one account but: {accounts}", "say --account")
    (partition, number), = found
    return Place(partition, region, number)


_Named = Callable[[Iterable[Place]], Names]
_Needs = Callable[[_Named], Iterable[Statement]]


def roles(pipeline: Pipeline, where: Place) -> tuple[Role, ...]:
    """Every role that the workflows take on, then ``observe``, which is for people.

    Raises UsageError where the functions are too many for IAM and have nothing in common in their names.
    """
    functions = tuple(pipeline.functions.values())
    ssm = tuple(where.arn("ssm", f"parameter/{path.lstrip('/')}") for path in parameters(functions))
    stages = pipeline.stages
    everywhere = tuple(dict.fromkeys(place for stage in stages.values() for place in _direct(stage, where)))
    every = there(functions, (site for stage in stages.values() for site in _direct(stage, where).values()))

    def around(named: _Named, places: Iterable[Place], grant: Grant) -> Iterable[Statement]:
        return _around(functions, named, places, grant)

    looking = [site.plan_role for stage in stages.values() for site in stage.sites]

    def planning(named: _Named) -> Iterable[Statement]:
        return (
            reading(named(everywhere)),
            *expanding(every, ssm),
            *layers(every, everywhere),
            *around(named, everywhere, looking_around),
            *looking_up((stage, _direct(stage, where)) for stage in stages.values()),
            *_assuming(looking),
        )

    def deploying(stage: Stage) -> _Needs:
        places = _direct(stage, where)
        return lambda named: (
            reading(named(everywhere)),
            *expanding(every, ssm),
            *around(named, everywhere, looking_around),
            *uploading(named(places), there(functions, places.values()), places),
            *around(named, places, attaching),
            *smoking(named(places), stage),
            *watching(stage),
            *handing_over(stage, places),
            *_assuming((*looking, *_roles_of(stage))),
        )

    def promoting(stage: Stage) -> _Needs:
        source = stages[stage.source or ""]
        own, before = _direct(stage, where), _direct(source, where)
        shared = [place for place in own if place in before]
        others = {place: site for place, site in own.items() if place not in before}
        both = there(functions, (*before.values(), *own.values()))
        point = Statement("MoveAliases", POINT, ())
        taken = [*(site.plan_role or site.role for site in source.sites), *_roles_of(stage)]
        return lambda named: (
            reading(named(dict.fromkeys((*before, *own)))),
            *expanding(both, ()),
            *around(named, own, looking_around),
            replace(point, resources=named(shared).functions),
            *uploading(named(others), there(functions, others.values()), others),
            *around(named, own, attaching),
            *smoking(named(own), stage, bool(others)),
            *watching(stage),
            *handing_over(stage, own),
            *_assuming(taken),
        )

    def seeing(named: _Named) -> Iterable[Statement]:
        return observing(named(everywhere))

    purposes: list[tuple[str, str, _Needs]] = [("plan", "Reads what is live, changes nothing.", planning)]
    for stage in stages.values():
        if stage.source is None:
            purposes.append((f"deploy-{stage.name}", f"Uploads code, moves the alias {stage.alias}.", deploying(stage)))
        elif _direct(stage, where).keys() == _direct(stages[stage.source], where).keys():
            purpose = f"Moves the alias {stage.alias}; uploads no code, changes no configuration."
            purposes.append((f"promote-{stage.name}", purpose, promoting(stage)))
        else:
            purpose = f"Publishes what was released, and moves the alias {stage.alias}."
            purposes.append((f"promote-{stage.name}", purpose, promoting(stage)))
    purposes.append(("observe", "Reads logs and metrics. For people, not for a workflow.", seeing))
    return (*(_role(*purpose, functions) for purpose in purposes), *_elsewhere(pipeline))


def _around(
    functions: tuple[Function, ...], named: _Named, places: Iterable[Place], grant: Grant
) -> Iterable[Statement]:
    """What ``grant`` gives in each of ``places``, as one statement of each name: no two may have the same."""
    found: dict[str, Statement] = {}
    for place in places:
        names = named([place])
        for each in grant(functions, names.functions, names.qualified, place):
            found[each.sid] = _both(found[each.sid], each) if each.sid in found else each
    return found.values()


def _both(one: Statement, other: Statement) -> Statement:
    """What either allows; their conditions are of the same kind."""
    condition = {
        operator: {key: [*values, *(other.condition or {})[operator][key]] for key, values in keys.items()}
        for operator, keys in (one.condition or {}).items()
    }
    resources = tuple(dict.fromkeys((*one.resources, *other.resources)))
    return replace(one, resources=resources, condition=condition or None)


def _direct(stage: Stage, where: Place) -> dict[Place, Site]:
    """Where the stage is without a role of its own."""
    return {replace(where, region=site.region or where.region): site for site in stage.sites if not site.role}


def _roles_of(stage: Stage) -> Iterable[str | None]:
    return (role for site in stage.sites for role in (site.role, site.plan_role))


def _assuming(roles: Iterable[str | None]) -> Iterable[Statement]:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/tutorial_cross-account-with-roles.html"""
    if wanted := tuple(dict.fromkeys(filter(None, roles))):
        yield Statement("TakeOnRoles", ("sts:AssumeRole",), wanted)


def _elsewhere(pipeline: Pipeline) -> Iterator[Role]:
    """What the roles of other accounts need that stages name, and who takes them on."""
    functions = tuple(pipeline.functions.values())
    for stage in pipeline.stages.values():
        places, ours = [], f"{'promote' if stage.source else 'deploy'}-{stage.name}"
        role, plan_role = stage.sites[0].role, stage.sites[0].plan_role
        for site in stage.sites:
            if site.role and (match := _ROLE_ARN.fullmatch(site.role)):
                places.append(Place(match["partition"], site.region or "", match["account"]))
        if not places or not role:
            continue

        own = there(functions, stage.sites)

        def looking(
            named: _Named, stage: Stage = stage, places: Sequence[Place] = places, own: tuple[Function, ...] = own
        ) -> Iterable[Statement]:
            around = _around(functions, named, places, looking_around)
            groups = looking_up([(stage, places)])
            return (reading(named(places)), *expanding(own, ()), *layers(own, places), *around, *groups)

        def writing(
            named: _Named, stage: Stage = stage, places: Sequence[Place] = places, own: tuple[Function, ...] = own
        ) -> Iterable[Statement]:
            return (
                reading(named(places)),
                *_around(functions, named, places, looking_around),
                *expanding(own, ()),
                *uploading(named(places), own, places),
                *_around(functions, named, places, attaching),
                *smoking(named(places), stage),
                *watching(stage),
                *handing_over(stage, places),
            )

        purpose = f"In the account {places[0].account}, for {role}; {ours} takes it on."
        yield replace(_role(f"{stage.name}-there", purpose, writing, functions), account=places[0].account)
        if plan_role:
            purpose = f"In the account {places[0].account}, for {plan_role}; plan and {ours} take it on."
            yield replace(_role(f"{stage.name}-there-plan", purpose, looking, functions), account=places[0].account)

        def seeing(named: _Named, places: Iterable[Place] = places) -> Iterable[Statement]:
            return observing(named(places))

        purpose = f"In the account {places[0].account}, for {plan_role or role}, to read logs and metrics as well."
        yield replace(_role(f"{stage.name}-there-observe", purpose, seeing, functions), account=places[0].account)


def role(made: Iterable[Role], name: str) -> Role:
    """The role called ``name``. Raises UsageError, naming those that there are."""
    known = {one.name: one for one in made}
    if name not in known:
        raise UsageError(f"no role {name}", f"there are: {', '.join(known)}")
    return known[name]


# ---------------------------------------------------------------- within AWS's limits


def _role(name: str, purpose: str, needs: _Needs, functions: tuple[Function, ...]) -> Role:
    documents = packed(needs(lambda places: Names.each(functions, places)))
    if len(documents) <= POLICIES_LIMIT:
        return Role(name, purpose, documents)
    prefix = os.path.commonprefix([function.aws_name for function in functions])
    if len(prefix) < _SHORTEST_PREFIX:
        raise UsageError(
            f"{len(functions)} functions fill {len(documents)} policies of the role {name}; AWS takes {POLICIES_LIMIT}",
            'let their names begin alike (`name: "{project}-{function}"`): one pattern then stands for all of them',
        )
    note = f"{len(functions)} functions are too many to list: {name} covers every function named {prefix}*"
    return Role(name, purpose, packed(needs(lambda places: Names.pattern(prefix, places))), (note,))
