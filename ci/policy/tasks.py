"""What the role for each task may do, over all places of its stages: to plan, deploy, promote, observe. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace

from ci.model import Function, Pipeline, Site, Stage
from ci.policy import needs
from ci.policy.attachments import Grant, attaching, looking_around
from ci.policy.statement import Place, Statement

ROLE_ARN = re.compile(r"arn:(?P<partition>aws[a-z-]*):iam::(?P<account>[0-9]{12}):role/.+")


@dataclass(frozen=True)
class Tasks:
    """Those of ``pipeline``, whose own account is ``where``.

    Functions are named each by its ARN, or, with a ``prefix`` that their names have in common, all by one pattern.
    """

    pipeline: Pipeline
    where: Place
    prefix: str = ""

    @property
    def functions(self) -> tuple[Function, ...]:
        return tuple(self.pipeline.functions.values())

    def planning(self) -> Iterable[Statement]:
        """Of every stage; of one with a role of its own, by taking that on."""
        stages = self.pipeline.stages.values()
        every = needs.there(self.functions, (site for stage in stages for site in self.direct(stage).values()))
        yield needs.reading(self._names(self._everywhere))
        yield from needs.expanding(every, self._parameters)
        yield from needs.layers(every, self._everywhere)
        yield from self._around(self._everywhere, looking_around, *stages)
        yield from needs.looking_up((stage, self.direct(stage)) for stage in stages)
        yield from _assuming(self._looking)

    def deploying(self, stage: Stage) -> Iterable[Statement]:
        """To a stage that is built."""
        places, stages = self.direct(stage), self.pipeline.stages.values()
        every = needs.there(self.functions, (site for each in stages for site in self.direct(each).values()))
        yield needs.reading(self._names(self._everywhere))
        yield from needs.expanding(every, self._parameters)
        yield from self._around(self._everywhere, looking_around, *stages)
        yield from needs.uploading(self._names(places), needs.there(self.functions, places.values()), places)
        yield from self._around(places, attaching, stage)
        yield from needs.smoking(self._names(places), stage)
        yield from needs.watching(stage)
        yield from needs.handing_over(stage, places)
        yield from _assuming((*self._looking, *_roles_of(stage)))

    def promoting(self, stage: Stage) -> Iterable[Statement]:
        """Where the source is an alias moves; elsewhere what was released is published once more."""
        source = self.pipeline.stages[stage.source or ""]
        own, before = self.direct(stage), self.direct(source)
        shared = [place for place in own if place in before]
        others = {place: site for place, site in own.items() if place not in before}
        yield needs.reading(self._names(dict.fromkeys((*before, *own))))
        yield from needs.expanding(needs.there(self.functions, (*before.values(), *own.values())), ())
        yield from self._around(own, looking_around, stage)
        yield Statement("MoveAliases", needs.POINT, self._names(shared).functions)
        yield from needs.uploading(self._names(others), needs.there(self.functions, others.values()), others)
        yield from self._around(own, attaching, stage)
        yield from needs.smoking(self._names(own), stage, bool(others))
        yield from needs.watching(stage)
        yield from needs.handing_over(stage, own)
        yield from _assuming([*(site.plan_role or site.role for site in source.sites), *_roles_of(stage)])

    def observing(self, places: Collection[Place] = ()) -> Iterable[Statement]:
        """In ``places``; in the pipeline's own account when there is none."""
        return needs.observing(self._names(places or self._everywhere))

    # ------------------------------------------------------------ in another account

    def planning_there(self, stage: Stage) -> Iterable[Statement]:
        """What the role that is for looking needs, where the stage has roles of its own."""
        places, own = elsewhere(stage), needs.there(self.functions, stage.sites)
        yield needs.reading(self._names(places))
        yield from needs.expanding(own, ())
        yield from needs.layers(own, places)
        yield from self._around(places, looking_around, stage)
        yield from needs.looking_up([(stage, places)])

    def releasing_there(self, stage: Stage) -> Iterable[Statement]:
        """What the role that changes something needs there."""
        places, own = elsewhere(stage), needs.there(self.functions, stage.sites)
        yield needs.reading(self._names(places))
        yield from self._around(places, looking_around, stage)
        yield from needs.expanding(own, ())
        yield from needs.uploading(self._names(places), own, places)
        yield from self._around(places, attaching, stage)
        yield from needs.smoking(self._names(places), stage)
        yield from needs.watching(stage)
        yield from needs.handing_over(stage, places)

    # ------------------------------------------------------------ what they share

    def direct(self, stage: Stage) -> dict[Place, Site]:
        """Where the stage is without a role of its own."""
        where = self.where
        return {replace(where, region=site.region or where.region): site for site in stage.sites if not site.role}

    @property
    def _everywhere(self) -> tuple[Place, ...]:
        return tuple(dict.fromkeys(place for stage in self.pipeline.stages.values() for place in self.direct(stage)))

    @property
    def _looking(self) -> list[str | None]:
        return [site.plan_role for stage in self.pipeline.stages.values() for site in stage.sites]

    @property
    def _parameters(self) -> tuple[str, ...]:
        paths = needs.parameters(self.functions)
        return tuple(self.where.arn("ssm", f"parameter/{path.lstrip('/')}") for path in paths)

    def _names(self, places: Iterable[Place]) -> needs.Names:
        return needs.Names.pattern(self.prefix, places) if self.prefix else needs.Names.each(self.functions, places)

    def _around(self, places: Iterable[Place], grant: Grant, *stages: Stage) -> Iterable[Statement]:
        """What ``grant`` gives in each of ``places``, as one statement of each name: no two may have the same."""
        found: dict[str, Statement] = {}
        aliases = list(dict.fromkeys(stage.alias for stage in stages))
        for place in places:
            for each in grant(self.functions, aliases, self._names([place]), place):
                found[each.sid] = _both(found[each.sid], each) if each.sid in found else each
        return found.values()


def elsewhere(stage: Stage) -> list[Place]:
    """Where the stage is by a role of its own."""
    roles = ((site, ROLE_ARN.fullmatch(site.role or "")) for site in stage.sites)
    return [Place(match["partition"], site.region or "", match["account"]) for site, match in roles if match]


def _both(one: Statement, other: Statement) -> Statement:
    """What either allows; their conditions are of the same kind."""
    condition = {
        operator: {key: [*values, *(other.condition or {})[operator][key]] for key, values in keys.items()}
        for operator, keys in (one.condition or {}).items()
    }
    resources = tuple(dict.fromkeys((*one.resources, *other.resources)))
    return replace(one, resources=resources, condition=condition or None)


def _roles_of(stage: Stage) -> Iterable[str | None]:
    return (role for site in stage.sites for role in (site.role, site.plan_role))


def _assuming(roles: Iterable[str | None]) -> Iterable[Statement]:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/tutorial_cross-account-with-roles.html"""
    if wanted := tuple(dict.fromkeys(filter(None, roles))):
        yield Statement("TakeOnRoles", ("sts:AssumeRole",), wanted)
