"""What requirements were resolved to, remembered."""

from __future__ import annotations

import json
from dataclasses import dataclass

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
    found = []
    for key, origin in json.loads(kept):
        wheel = store.get(key)
        if wheel is None:
            return None
        found.append(Resolved(key, wheel, origin))
    return tuple(found)


def remember(wanted: Wanted, resolved: tuple[Resolved, ...], cache: Cache) -> tuple[Resolved, ...]:
    """Make it ``known``, and return it."""
    kept = json.dumps([(item.key, item.origin) for item in resolved])
    cache.store("resolutions", wanted.key, kept.encode())
    return resolved
