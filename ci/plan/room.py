"""Whether a package fits beside the layers of its function: AWS counts both, unzipped."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from ci.errors import BuildError
from ci.model import UNZIPPED_LIMIT, Function, Package
from ci.plan.actions import CreateFunction, UpdateCode, UpdateConfiguration
from ci.plan.plan import Plan


def layers(plan: Plan, functions: Iterable[Function]) -> tuple[str, ...]:
    """The layer versions of those functions whose code or layers the plan changes."""
    return tuple(sorted({arn for function in _changing(plan, functions) for arn in _said(function)}))


def checked(
    plan: Plan, functions: Iterable[Function], packages: Mapping[str, Package], sizes: Mapping[str, int | None]
) -> Plan:
    """``plan``, with a note for each layer whose size, in bytes unzipped, is not known.

    Raises BuildError when a package does not fit.
    """
    for function in _changing(plan, functions):
        own, beside = packages[function.name].unzipped, {arn: sizes.get(arn) or 0 for arn in _said(function)}
        total = own + sum(beside.values())
        if total > UNZIPPED_LIMIT:
            parts = ", ".join(f"{arn} {size / 1e6:.1f} MB" for arn, size in beside.items())
            raise BuildError(
                f"function {function.name}: with its layers it is {total / 1e6:.1f} MB unzipped, more than "
                f"Lambda's {UNZIPPED_LIMIT / 1e6:.1f} MB: the package {own / 1e6:.1f} MB, {parts}",
                "exclude what the function does not need, require less, or leave out what a layer has",
            )
    unknown = (f"{arn}: its size could not be read, and does not count" for arn in sorted(sizes) if sizes[arn] is None)
    return replace(plan, notes=(*plan.notes, *unknown))


def _changing(plan: Plan, functions: Iterable[Function]) -> Iterable[Function]:
    changing = {
        each.function for each in plan.functions
        if any(isinstance(action, (CreateFunction, UpdateCode)) or _moves_layers(action) for action in each.prepare)
    }
    return [function for function in functions if function.name in changing]


def _moves_layers(action: object) -> bool:
    return isinstance(action, UpdateConfiguration) and "Layers" in action.settings


def _said(function: Function) -> list[str]:
    """Those that are said as they are: what is looked up in the environment is not shown."""
    return [arn for arn in function.settings.get("Layers", ()) if isinstance(arn, str)]
