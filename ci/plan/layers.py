"""Layers that hold dependencies: the version with the wanted content, which is there or is to be published."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from ci.diff import code
from ci.model import File, Function, Package
from ci.model.live import LiveLayer
from ci.plan.actions import CreateFunction, PublishLayer, PublishVersion, UpdateConfiguration
from ci.plan.changes import CodeChange
from ci.plan.plan import Plan
from ci.plan.stored import account, store
from ci.record import layer_description


def wanted(packages: Iterable[Package]) -> dict[str, Package]:
    """The layers of ``packages``, by their names in AWS."""
    return {package.layer.function: package.layer for package in packages if package.layer}


def arranged(
    region: str, functions: Iterable[Function], packages: Mapping[str, Package], live: Mapping[str, LiveLayer]
) -> tuple[list[Function], tuple[PublishLayer, ...]]:
    """``functions`` with the layer version of each before those that are said, and what there is to publish for that.

    A version that is not there yet has the ARN that it will probably get. The order of layers decides: later ones
    overwrite what earlier ones have.
    """
    made, publish = [], {}
    for function in functions:
        layer = packages[function.name].layer
        if layer is not None:
            there = live[layer.function]
            arn = there.arn or _next(region, function, layer, there.newest)
            if there.arn is None:
                described = layer_description(layer.digest, layer.code_sha256)
                publish[arn] = PublishLayer(
                    layer, arn, described, function.runtime, function.architecture,
                    store(function, layer, region), code=_compared(layer, there) if there.size else None,
                )
            layers = [arn, *function.settings.get("Layers", ())]
            function = replace(function, settings={**function.settings, "Layers": layers})
        made.append(function)
    return made, tuple(publish.values())


def _compared(layer: Package, there: LiveLayer) -> CodeChange:
    """By their paths as Python finds them: https://docs.aws.amazon.com/lambda/latest/dg/packaging-layers.html"""
    def inside(files: Iterable[File]) -> tuple[File, ...]:
        return tuple(replace(file, path=file.path.removeprefix("python/")) for file in files)

    there = replace(there, files=None if there.files is None else inside(there.files))
    return code(replace(layer, files=inside(layer.files)), there)


def _next(region: str, function: Function, layer: Package, newest: int) -> str:
    number = account(str(function.settings.get("Role", ""))) or "unknown"
    partition = str(function.settings.get("Role", "arn:aws")).split(":")[1:2] or ["aws"]
    return f"arn:{partition[0]}:lambda:{region}:{number}:layer:{layer.function}:{newest + 1}"


def published(plan: Plan, layers: Iterable[PublishLayer]) -> Plan:
    """``plan`` with those of ``layers`` that it uses."""
    used = {
        arn for function in plan.functions for action in function.prepare
        if isinstance(action, (CreateFunction, UpdateConfiguration, PublishVersion))
        for arn in action.settings.get("Layers", ()) if isinstance(arn, str)
    }
    return replace(plan, layers=tuple(layer for layer in layers if layer.arn in used))
