"""Build what the cache does not have: resolve what is required, fetch it, put the packages together."""

from __future__ import annotations

import os
from pathlib import Path

from .. import parallel
from ..model import Package
from . import dependencies, package
from .cache import Cache
from .dependencies import Resolved
from .inputs import Inputs, Wanted, edition
from .package import Say
from .store import Store

_WORKERS = os.cpu_count() or 1


def assemble(missing: list[Inputs], root: Path, cache: Cache, say: Say) -> dict[str, Package]:
    """Packages by function name. What several functions require alike is resolved once."""
    cache.sweep()
    store = Store(cache, edition())
    wanted = {inputs.wanted.key: inputs.wanted for inputs in missing if inputs.wanted}
    resolved = {key: dependencies.known(each, cache, store) for key, each in wanted.items()}
    unknown = [wanted[key] for key, found in resolved.items() if found is None]
    if unknown:
        resolved.update(_resolve(unknown, root, cache, store, say))

    def make(inputs: Inputs) -> Package:
        wheels = resolved[inputs.wanted.key] if inputs.wanted else ()
        return package.make(inputs, wheels or (), cache, say)

    return {each.function: each for each in parallel.each(make, missing, workers=_WORKERS)}


def _resolve(
    unknown: list[Wanted], root: Path, cache: Cache, store: Store, say: Say
) -> dict[str, tuple[Resolved, ...]]:
    from ..indexes import uv_environment
    from .resolver import Resolver

    resolver = Resolver(root, cache, store, uv_environment(), say)
    return dict(zip([each.key for each in unknown], parallel.each(resolver.resolve, unknown, workers=_WORKERS)))
