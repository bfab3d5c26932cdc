"""One function's package: put together from its own files and its wheels, inspected, and kept in the cache."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from ..errors import BuildError
from ..model import Dependency, Package
from . import archive, handler, inspect, package
from .archive import Entry
from .cache import Cache
from .dependencies import Resolved
from .inputs import Inputs
from .requirements import normalise
from .sources import Excluded
from .target import of

Say = Callable[[str], None]


def assemble(inputs: Inputs, resolved: Iterable[Resolved], cache: Cache, say: Say) -> Package:
    """Write the zip, inspect it and keep it.

    Raises BuildError for what would not run or not be accepted.
    """
    function = inputs.function
    wheels = tuple(resolved)
    entries, own = _entries(inputs, wheels, say)
    unzipped = sum(entry.file.size for entry in entries.values())
    with cache.temporary() as folder:
        _check_handler(inputs, entries, own, folder, say)
        path = folder / "package.zip"
        with path.open("wb") as stream:
            written = archive.write(tuple(entries.values()), stream)
        inspect.check_size(function, written.size, unzipped)
        files = tuple(sorted(entry.file for entry in entries.values()))
        made = Package(
            function=function.name,
            path=path,
            digest=archive.digest(files),
            code_sha256=written.sha256,
            size=written.size,
            unzipped=unzipped,
            files=files,
            dependencies=tuple(sorted(_dependency(item) for item in wheels)),
        )
        kept = package.keep(inputs, made, cache)
    say(f"built {function.name}: {len(files)} files, {made.size / 1e6:.1f} MB")
    return kept


def _entries(inputs: Inputs, wheels: tuple[Resolved, ...], say: Say) -> tuple[dict[str, Entry], dict[str, str]]:
    """Every entry by its path, and our own files' paths in the repository by the same."""
    function = inputs.function
    excluded = Excluded(function.exclude)
    entries: dict[str, Entry] = {}
    own: dict[str, str] = {}
    secrets = []
    for source, digest in zip(inputs.sources, inputs.hashes):
        if excluded(source.path):
            continue
        content = source.file.read_bytes()
        entry = archive.compress(source.path, source.mode, content)
        if entry.file.sha256 != digest:
            raise BuildError(f"function {function.name}: {source.file} changed while it was built", "build again")
        if inspect.looks_secret(source.path, content):
            secrets.append(source.shown)
        entries[source.path], own[source.path] = entry, source.shown
    inspect.refuse_secrets(function, secrets)
    if not entries:
        raise BuildError(f"function {function.name}: {function.source} has no files", "check source and exclude")
    brought: dict[str, str] = {}
    for item in wheels:
        for entry in item.wheel.entries:
            path = entry.file.path
            if excluded(path):
                continue
            if path in own:
                raise BuildError(
                    f"function {function.name}: {own[path]} and {item.wheel.name} {item.wheel.version} "
                    f"would both be {path} in the package",
                    "rename yours, or exclude the path",
                )
            if path not in entries:
                entries[path], brought[path] = entry, item.wheel.name
            elif entries[path].file.sha256 != entry.file.sha256:
                say(f"{function.name}: {path} of {brought[path]} is used, that of {item.wheel.name} is not")
    return entries, own


def _check_handler(
    inputs: Inputs, entries: dict[str, Entry], own: dict[str, str], folder: Path, say: Say
) -> None:
    function = inputs.function
    found = handler.read_imports(function, entries, own)
    target = of(function.runtime, function.architecture)
    if found is None and handler.runs_here(target, entries):
        found = handler.try_import(function, entries, folder)
    if found is None:
        return
    layers = bool(function.settings.get("Layers"))
    what = f"function {function.name}: handler {function.handler}: {found.what}"
    if not found.certain or layers and found.missing:
        say(f"{what} (here; on Lambda it may be there)")
        return
    if found.missing and inputs.wanted:
        hint = f"is it in {function.requirements}?"
    elif found.missing:
        hint = "name it in a requirements file, and that file in pipeline.yaml (requirements: ...)"
    else:
        hint = "run the handler's module with the same Python to see more"
    raise BuildError(what, hint)


def _dependency(item: Resolved) -> Dependency:
    return Dependency(normalise(item.wheel.name), item.wheel.version, item.origin)
