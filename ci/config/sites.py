"""Where a stage is: the regions and accounts that pipeline.yaml names for it, and what each needs of its own.

A function's code and variables are the same everywhere. What belongs to a region or an account (its execution role,
layers, keys, queues, networks, file systems) cannot be: there a stage must say its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from ci.model import Function, Settings, Site, Stage
from ci.settings import complete, key_of, leaves

BOUND = ("Role", "Layers", "KMSKeyArn", "DeadLetterConfig", "VpcConfig", "FileSystemConfigs")
"""Settings that name something of one account, and, but for the role, of one region."""

_ARN = re.compile(r"arn:aws[a-z-]*:[a-z0-9-]+:(?P<region>[a-z0-9-]*):(?P<account>[0-9]*):")

Wrong = tuple[tuple[str, ...], str]
"""Where, under the stage, and what."""


def named(said: Mapping[str, Any]) -> bool:
    """Whether the stage says where it is."""
    return any(key in said for key in ("region", "regions", "role"))


def sites(said: Mapping[str, Any], home: str | None, functions: Mapping[str, Any]) -> tuple[Site, ...]:
    """The sites of the stage that pipeline.yaml describes with ``said``. ``home``: where it is when it names none."""
    regions: Mapping[str | None, Any] = said.get("regions") or {said.get("region") or home: None}
    return tuple(
        Site(region, said.get("role"), said.get("plan_role"), _settings(functions, said, own or {}))
        for region, own in regions.items()
    )


def _settings(functions: Mapping[str, Any], *said: Mapping[str, Any]) -> dict[str, Settings]:
    """Function -> its settings there, in full shape. What is said last, and of the function itself, counts."""
    found: dict[str, Settings] = {}
    for function in functions:
        own: dict[str, Any] = {}
        for each in said:
            own |= each.get("defaults", {}) | each.get("functions", {}).get(function, {})
        if own:
            shaped = complete(own)
            found[function] = {member: shaped[member] for member in own}
    return found


def problems(said: Mapping[str, Any], functions: Mapping[str, Any]) -> Iterator[Wrong]:
    """What contradicts itself in ``said``."""
    if "region" in said and "regions" in said:
        yield ("regions",), "goes not with region: name all of them here"
    if "plan_role" in said and "role" not in said:
        yield ("plan_role",), "is for looking only: role, which changes things, is missing"
    for path, part in (((), said), *((("regions", name), own or {}) for name, own in said.get("regions", {}).items())):
        for function in part.get("functions", {}):
            if function not in functions:
                yield (*path, "functions", function), "is not a function of this pipeline"


def shared(stage: Stage, stages: Mapping[str, Stage]) -> set[str]:
    """The sites of ``stage`` where the stage that it is promoted from is, too: there it moves an alias only."""
    source = stages.get(stage.source or "")
    return {site.name for site in stage.sites} & {site.name for site in source.sites} if source else set()


def misplaced(
    stage: Stage, stages: Mapping[str, Stage], functions: Mapping[str, Function], home: str | None
) -> Iterator[str]:
    """For each site, what its functions could not have there: it is of another region or account."""
    together = shared(stage, stages)
    for site in stage.sites:
        if site.name in together:
            if site.settings:
                yield f"{site.name} has the versions of {stage.source}, with their settings: it has none of its own"
            continue
        for member in BOUND:
            if wrong := [name for name, each in functions.items() if not _fits(each, member, site, home)]:
                what = f"{key_of(member)} of {_told(wrong)} is of another region or account than {site.name}"
                yield f"{what}: say the one there, in defaults or functions of this stage"
        if wrong := [name for name, each in functions.items() if not _connects(each, stage, site)]:
            yield f"an event source of {_told(wrong)} is of another region than {site.name}: Lambda cannot connect it"


def _fits(function: Function, member: str, site: Site, home: str | None) -> bool:
    own = site.settings.get(function.name, {})
    value = own.get(member, function.settings.get(member))
    if member == "VpcConfig":
        return member in own or (site.region, site.role) == (home, None) or not (value or {}).get("SubnetIds")
    account = site.role.split(":")[4] if site.role and member == "Role" else ""
    return all(
        arn["region"] in ("", site.region) and account in ("", arn["account"])
        for leaf in leaves(value)
        if isinstance(leaf, str) and (arn := _ARN.match(leaf))
    )


def _connects(function: Function, stage: Stage, site: Site) -> bool:
    """https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventsourcemapping.html"""
    sources = [str(each.settings.get("EventSourceArn", "")) for each in function.attachments.get(stage.name, ())]
    return all(arn["region"] in ("", site.region) for arn in map(_ARN.match, sources) if arn)


def _told(names: list[str]) -> str:
    return f"{names[0]} and {len(names) - 1} more" if len(names) > 1 else names[0]
