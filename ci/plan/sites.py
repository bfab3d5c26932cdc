"""One plan for all sites of a stage, of the plans for each: they are carried out together, or not at all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from ci.plan.plan import Plan


def joined(plans: Mapping[str, Plan]) -> Plan:
    """``plans`` by the name of the site. That of a stage's only site has no name, and is its plan as it is."""
    if "" in plans:
        return plans[""]
    first = next(iter(plans.values()))
    return replace(
        first,
        region=", ".join(plans),
        rollout=next((plan.rollout for plan in plans.values() if plan.rollout), None),
        functions=tuple(replace(each, site=site) for site, plan in plans.items() for each in plan.functions),
        layers=tuple(replace(each, site=site) for site, plan in plans.items() for each in plan.layers),
        old_layers=tuple(replace(each, site=site) for site, plan in plans.items() for each in plan.old_layers),
        notes=tuple(f"{site}: {note}" for site, plan in plans.items() for note in plan.notes),
    )
