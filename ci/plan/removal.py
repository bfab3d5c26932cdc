"""Prune and delete: what is taken away, and what must stay."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from ci.model import Function
from ci.model.live import Live, LiveFunction, LiveLayer, LiveVersion
from ci.plan import attachments
from ci.plan.actions import DeleteFunction, DeleteLayer, DeleteVersion
from ci.plan.plan import FunctionPlan, Origin, Plan


def prune(region: str, functions: Iterable[Function], live: Live, origin: Origin, retain: int | None = None) -> Plan:
    """Delete all but the newest ``retain`` versions (each function's own when None) and what aliases need."""
    plans = []
    for function in sorted(functions, key=lambda function: function.name):
        found = live.functions[function.name]
        if found is not None:
            keep = function.retain if retain is None else retain
            gone = tuple(DeleteVersion(version.version, version.size) for version in _unneeded(found, keep))
            plans.append(FunctionPlan(function.name, function.aws_name, remove=gone, arn=found.arn))
    return Plan("prune", live.stage.name, region, "", origin, tuple(plans))


def prune_layers(
    plan: Plan, functions: Iterable[Function], live: Live, layers: Mapping[str, LiveLayer], retain: int | None = None
) -> Plan:
    """``plan``, that of prune for every function, with the layer versions that none of the versions left needs.

    The newest stay: the workbench may have one. What AWS still runs it keeps a copy of, whatever is deleted:
    https://docs.aws.amazon.com/lambda/latest/api/API_DeleteLayerVersion.html
    """
    gone = {(each.function, old.version) for each in plan.functions for old in each.remove
            if isinstance(old, DeleteVersion)}
    needed = {
        arn for name, found in live.functions.items() if found for version in found.versions or ()
        if (name, version.version) not in gone for arn in version.settings.get("Layers", ())
    }
    listed = list(functions)
    old_layers = []
    for name, layer in sorted(layers.items()):
        keep = retain or max(function.retain for function in listed if function.packaging.layer == name)
        old_layers += [DeleteLayer(name, number) for number, arn in layer.ours[:-keep] if arn not in needed]
    return replace(plan, old_layers=tuple(old_layers))


def _unneeded(live: LiveFunction, retain: int) -> list[LiveVersion]:
    versions = sorted(live.versions or (), key=lambda version: int(version.version))
    old = versions[: max(0, len(versions) - retain)]
    needed = {number for alias in (live.aliases or {}).values() for number in (alias.version, *alias.weights)}
    needed |= {alias.handed.version for alias in (live.aliases or {}).values() if alias.handed}
    needed |= {
        alias.record.previous
        for alias in (live.aliases or {}).values()
        if alias.record is not None and alias.record.previous is not None
    }
    return [version for version in old if version.version not in needed]


def delete(region: str, functions: Iterable[Function], live: Live, origin: Origin) -> Plan:
    """Delete whole functions: what is around them, then each with its aliases and versions in one call."""
    plans = []
    for function in sorted(functions, key=lambda function: function.name):
        found = live.functions[function.name]
        if found is not None:
            gone = DeleteFunction({name: alias.version for name, alias in sorted((found.aliases or {}).items())})
            around = attachments.removal(found)
            plans.append(FunctionPlan(function.name, function.aws_name, attach=around, remove=(gone,), arn=found.arn))
    return Plan("delete", live.stage.name, region, "", origin, tuple(plans))
