"""What requirements were resolved to, remembered."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass

from .. import parallel
from .cache import Cache
from .inputs import Wanted
from .store import Store, Wheel


@dataclass(frozen=True)
class Resolved:
    """A wheel and where it came from, as model.Dependency says it."""

    key: str
    wheel: Wheel
    origin: str


def known(wanted: Wanted, cache: Cache, store: Store) -> tuple[Resolved, ...] | None:
    """What ``Resolver.resolve`` answered earlier, when all of it is still in the cache."""
    kept = cache.load("resolutions", wanted.key)
    if kept is None:
        return None
    origins = dict(json.loads(kept))
    wheels = parallel.each(store.get, origins, workers=os.cpu_count() or 1)  # their bytes are hashed
    found = [Resolved(key, wheel, origins[key]) for key, wheel in zip(origins, wheels) if wheel]
    return tuple(found) if len(found) == len(origins) else None


def remember(wanted: Wanted, resolved: tuple[Resolved, ...], cache: Cache) -> tuple[Resolved, ...]:
    """Make it ``known``, and return it."""
    kept = json.dumps([(item.key, item.origin) for item in resolved])
    cache.store("resolutions", wanted.key, kept.encode())
    return resolved
