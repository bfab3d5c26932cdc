"""Source -> Package. A package is built once per digest of its inputs and kept under the cache.

Where nothing changed, only the sources are read and hashed: no uv, no index, no heavy import.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from ..errors import ON_DISK, BuildError
from ..model import Function, Package, Pipeline
from . import inspect, package
from .cache import Cache
from .inputs import Inputs, Reader, Wanted, edition, together

if TYPE_CHECKING:
    from .dependencies import Resolved
    from .fetcher import Fetcher
    from .shelf import Shelf
    from .store import Store

Say = Callable[[str], None]
_WORKERS = os.cpu_count() or 1
_FETCHES = 8
"""Files fetched at once."""


def build(
    pipeline: Pipeline, functions: Iterable[Function], cache: Path, progress: Say | None = None
) -> dict[str, Package]:
    """The packages of ``functions``, by name. ``progress`` is told in short lines what takes time.

    The zips lie under ``cache`` and are not to be changed there: ``folder.save`` copies them.

    Raises BuildError for what cannot be built, would not run, or would not be accepted by AWS.
    """
    kept = Cache(cache)
    reader = Reader(pipeline.root)
    built, missing = {}, []
    for inputs in [reader.read(function) for function in functions]:
        found = package.known(inputs, kept)
        built[inputs.function.name] = found
        if found is None:
            missing.append(inputs)
        else:
            inspect.check(inputs.function, found)
    if missing:
        try:
            built.update(_make(missing, pipeline.root, kept, _one_at_a_time(progress)))
        except OSError as error:
            where = error.filename or cache
            raise BuildError(f"{where}: {error.strerror or error}", ON_DISK) from error
    made = {name: found for name, found in built.items() if found is not None}
    inspect.check_layers(made)
    return made


def key(pipeline: Pipeline, functions: Iterable[Function]) -> str:
    """A digest of all that decides what the packages of ``functions`` hold. Raises BuildError."""
    reader = Reader(pipeline.root)
    return together(map(reader.read, functions))


def _make(missing: list[Inputs], root: Path, cache: Cache, say: Say) -> dict[str, Package]:
    """What the cache does not have. What several functions require alike is resolved once."""
    from . import dependencies, target
    from .readers import Readers
    from .shelf import Shelf
    from .store import Store

    wanted = {inputs.wanted.key: inputs.wanted for inputs in missing if inputs.wanted}
    with cache.temporary() as folder:
        shelf = Shelf(folder / ".shelf") if any(target.is_here(each.target) for each in wanted.values()) else None
        with Readers(shelf) as readers:
            store = Store(cache, edition(), readers)
            resolved = {key: dependencies.known(each, cache, store) for key, each in wanted.items()}
            unknown = [wanted[key] for key, found in resolved.items() if found is None]
            if unknown:
                readers.begin()
                resolved.update(_resolve(unknown, root, cache, store, say))
        made = _assemble(missing, resolved, folder, cache, shelf, say)
    cache.tidy()
    return made


def _resolve(
    unknown: list[Wanted], root: Path, cache: Cache, store: Store, say: Say
) -> dict[str, tuple[Resolved, ...]]:
    from .. import parallel
    from ..indexes import uv_environment
    from . import dependencies
    from .resolver import Resolver
    from .uv import Uv

    environ = uv_environment()
    uv = Uv(environ)
    resolver = Resolver(root, cache, uv, say)

    def prepare() -> Fetcher:
        # Also what is needed later: while uv works, nobody waits for it to be loaded.
        from packaging import pylock  # noqa: F401

        from . import assembly  # noqa: F401
        from .fetcher import Fetcher
        from .index import Index
        from .index import of as indexes_of

        index = Index(environ, [each for wanted in unknown for each in indexes_of(wanted.requirements, root, environ)])
        return Fetcher(cache, store, uv, index, say)

    fetcher = parallel.aside(prepare)

    def resolve(wanted: Wanted) -> tuple[Resolved, ...]:
        artifacts = resolver.resolve(wanted)
        found = parallel.each(lambda each: fetcher().obtain(each, wanted), artifacts, workers=_FETCHES)
        return dependencies.remember(wanted, tuple(found), cache)

    return dict(zip([each.key for each in unknown], parallel.each(resolve, unknown, workers=_WORKERS)))


def _assemble(
    missing: list[Inputs], resolved: Mapping[str, tuple[Resolved, ...] | None], folder: Path, cache: Cache,
    shelf: Shelf | None, say: Say,
) -> dict[str, Package]:
    from .. import parallel
    from . import hooks
    from .assembly import assemble
    from .trial import Trials

    def make(inputs: Inputs) -> Package:
        wheels = resolved[inputs.wanted.key] if inputs.wanted else ()
        return assemble(inputs, wheels or (), cache, trials, say)

    ready = [hooks.applied(inputs, folder / inputs.function.name, say) for inputs in missing]
    with Trials(cache, shelf) as trials:
        return {each.function: each for each in parallel.each(make, ready, workers=_WORKERS)}


def _one_at_a_time(progress: Say | None) -> Say:
    lock = Lock()

    def say(line: str) -> None:
        if progress is not None:
            with lock:
                progress(line)

    return say
