"""One function's package: put together from its own files and its wheels, inspected, and kept in the cache."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from .. import content
from ..errors import BuildError
from ..model import Dependency, Package
from . import archive, elf, handler, inspect, package, target
from .archive import Entry
from .cache import Cache
from .dependencies import Resolved
from .elf import Binary
from .inputs import Inputs
from .requirements import normalise
from .sources import Excluded

Say = Callable[[str], None]


@dataclass
class Contents:
    """What goes in, by its path in the package."""

    entries: dict[str, Entry] = field(default_factory=dict)
    own: dict[str, str] = field(default_factory=dict)
    """Path in the repository of each of our own files."""
    brought: dict[str, str] = field(default_factory=dict)
    """Name and version of the dependency that each other file is of."""
    binaries: dict[str, Binary] = field(default_factory=dict)


def assemble(inputs: Inputs, resolved: Iterable[Resolved], cache: Cache, say: Say) -> Package:
    """Write the zip, inspect it and keep it.

    Raises BuildError for what would not run or not be accepted.
    """
    function = inputs.function
    wheels = tuple(resolved)
    contents = _gather(inputs, wheels, say)
    _check_binaries(inputs, contents, say)
    with cache.temporary() as folder:
        _check_handler(inputs, contents, folder, say)
        path = folder / "package.zip"
        with path.open("wb") as stream:
            written = archive.write(tuple(contents.entries.values()), stream)
        files = tuple(sorted(entry.file for entry in contents.entries.values()))
        made = Package(
            function=function.name,
            path=path,
            digest=content.digest(files),
            code_sha256=written.sha256,
            size=written.size,
            unzipped=sum(file.size for file in files),
            files=files,
            dependencies=tuple(sorted(_dependencies(wheels, contents))),
        )
        inspect.check_size(function, made.size, made.unzipped, made.dependencies)
        kept = package.keep(inputs, made, cache)
    say(f"built {function.name}: {len(files)} files, {made.size / 1e6:.1f} MB")
    return kept


def _gather(inputs: Inputs, wheels: tuple[Resolved, ...], say: Say) -> Contents:
    function = inputs.function
    excluded, allowed = Excluded(function.exclude), Excluded(function.packaging.allow)
    contents = Contents()
    secrets = {}
    for source, digest in zip(inputs.sources, inputs.hashes):
        if excluded(source.path):
            continue
        data = source.file.read_bytes()
        entry = archive.compress(source.path, source.mode, data)
        if entry.file.sha256 != digest:
            raise BuildError(f"function {function.name}: {source.shown} changed while it was built", "build again")
        if inspect.looks_secret(source.path, data) and not allowed(source.path):
            secrets[source.path] = source.shown
        contents.entries[source.path], contents.own[source.path] = entry, source.shown
        if data.startswith(elf.MAGIC) and (binary := elf.read(data)):
            contents.binaries[source.path] = binary
    if not contents.entries and not secrets:
        raise BuildError(f"function {function.name}: {function.source} has no files", "check source and exclude")
    for item in wheels:
        for entry in item.wheel.entries:
            if not excluded(path := entry.file.path):
                _add(contents, entry, item, function.name, say)
                if inspect.looks_secret(path) and not allowed(path):
                    secrets[path] = f"{path} of {_shown(item)}"
    inspect.refuse_secrets(function, secrets)
    return contents


def _shown(item: Resolved) -> str:
    return f"{item.wheel.name} {item.wheel.version}"


def _add(contents: Contents, entry: Entry, item: Resolved, name: str, say: Say) -> None:
    """Of two dependencies with one path the first by name wins, as installers leave it; our own file must be alone."""
    path, shown = entry.file.path, _shown(item)
    if path in contents.own:
        raise BuildError(
            f"function {name}: {contents.own[path]} and {shown} would both be {path} in the package",
            "rename yours: exclude would leave out both",
        )
    if path not in contents.entries:
        contents.entries[path], contents.brought[path] = entry, shown
        if path in item.wheel.binaries:
            contents.binaries[path] = item.wheel.binaries[path]
    elif contents.entries[path].file.sha256 != entry.file.sha256:
        say(f"{name}: {path} of {contents.brought[path]} is used, that of {shown} is not")


def _check_binaries(inputs: Inputs, contents: Contents, say: Say) -> None:
    function = inputs.function
    wanted = target.of(function.runtime, function.architecture)
    found = [
        f"{contents.brought.get(path) or contents.own[path]}: {path} {why}"
        for path, why in elf.problems(contents.binaries, wanted)
    ]
    if found:
        more = f" (and {len(found) - 3} more)" if len(found) > 3 else ""
        raise BuildError(
            f"function {function.name}: {'; '.join(found[:3])}{more}",
            f"require what has a wheel for {wanted}, or exclude the files",
        )
    if function.settings.get("Layers"):
        return
    for path, library in elf.absent(contents.binaries):
        by = contents.brought.get(path) or contents.own[path]
        say(f"{function.name}: {path} of {by} is linked to {library}, which is not on Lambda: importing it would fail")


def _check_handler(inputs: Inputs, contents: Contents, folder: Path, say: Say) -> None:
    function = inputs.function
    found = handler.read_imports(function, contents.entries, contents.own)
    if found is None and handler.runs_here(target.of(function.runtime, function.architecture), contents.entries):
        found = handler.try_import(function, contents.entries, folder)
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


def _dependencies(wheels: Iterable[Resolved], contents: Contents) -> Iterator[Dependency]:
    sizes: Counter[str] = Counter()
    for path, shown in contents.brought.items():
        sizes[shown] += contents.entries[path].length
    for item in wheels:
        wheel, size = item.wheel, sizes[_shown(item)]
        yield Dependency(normalise(wheel.name), wheel.version, item.origin, size, item.key, wheel.licence)
