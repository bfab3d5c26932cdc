"""One function's package: put together from its own files and its wheels, inspected, and kept in the cache."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from .. import content
from ..errors import BuildError
from ..model import Dependency, LeftOut, Package, normalise
from ..render.columns import si
from . import archive, elf, handler, inspect, package, target, trial
from .archive import Entry
from .cache import Cache
from .dependencies import Resolved
from .elf import Binary
from .handler import Finding
from .inputs import Inputs
from .leftout import Filter
from .sources import Excluded
from .trial import Trials

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
    lacked: set[str] = field(default_factory=set)
    """Shared libraries that they are linked to, and that Lambda has not."""
    wheels: tuple[Resolved, ...] = ()
    left_out: tuple[LeftOut, ...] = ()


def assemble(inputs: Inputs, resolved: Iterable[Resolved], cache: Cache, trials: Trials, say: Say) -> Package:
    """Write the zip, inspect it and keep it.

    Raises BuildError for what would not run or not be accepted.
    """
    function = inputs.function
    wheels = tuple(resolved)
    contents = _gather(inputs, wheels, cache, say)
    _check_binaries(inputs, contents, say)
    _check_handler(inputs, contents, handler.read_imports(function, contents.entries, contents.own), say)
    beside = contents.brought if function.packaging.layer else {}
    own = [entry for path, entry in contents.entries.items() if path not in beside]
    shared = [_in_layer(contents.entries[path]) for path in beside]
    with cache.temporary() as folder:
        with _tried(inputs, contents, trials, folder, say):
            made = replace(
                _written(function.name, own, folder / "package.zip"),
                dependencies=tuple(sorted(_dependencies(contents))),
                left_out=contents.left_out,
                layer=_written(function.packaging.layer, shared, folder / "layer.zip") if shared else None,
            )
            inspect.check(function, made)
            described = package.describe(made)
        kept = package.keep(inputs, made, described, cache)
    files = own + shared
    saved = ", ".join(f"{each.rule} {si(each.unzipped)}" for each in made.left_out)
    layer = f", layer {made.layer.function} {si(made.layer.size)}" if made.layer else ""
    count = f"{len(files)} file{'s' * (len(files) != 1)}"
    say(f"built {function.name}: {count}, {si(made.size)}{layer}{saved and f', left out: {saved}'}")
    return kept


def _written(name: str, entries: Sequence[Entry], path: Path) -> Package:
    with path.open("wb") as stream:
        written = archive.write(entries, stream)
    files = tuple(sorted(entry.file for entry in entries))
    unzipped = sum(file.size for file in files)
    return Package(name, path, content.digest(files), written.sha256, written.size, unzipped, files)


def _in_layer(entry: Entry) -> Entry:
    """https://docs.aws.amazon.com/lambda/latest/dg/packaging-layers.html"""
    return replace(entry, file=replace(entry.file, path=f"python/{entry.file.path}"))


def _gather(inputs: Inputs, wheels: tuple[Resolved, ...], cache: Cache, say: Say) -> Contents:
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
    code = [(path, archive.content(entry)) for path, entry in contents.entries.items() if path.endswith(".py")]
    filtered = Filter(function, wheels, code, cache)
    if filtered.provided:
        said = ", ".join(map(_shown, filtered.provided))
        say(f"{function.name}: {said}: left out, the runtime has versions of its own")
    for item in filtered.wheels:
        for entry in filtered.entries(item):
            _add(contents, entry, item, function.name, say)
            if inspect.looks_secret(path := entry.file.path) and not allowed(path):
                secrets[path] = f"{path} of {_shown(item)}"
    inspect.refuse_secrets(function, secrets, contents.own)
    contents.wheels, contents.left_out = filtered.wheels, filtered.said()
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
    binaries = elf.chosen(contents.binaries, wanted)
    found = [
        f"{contents.brought.get(path) or contents.own[path]}: {path} {why}"
        for path, why in elf.problems(binaries, wanted)
    ]
    if found:
        more = f" (and {len(found) - 3} more)" if len(found) > 3 else ""
        raise BuildError(
            f"function {function.name}: {'; '.join(found[:3])}{more}",
            f"require what has a wheel for {wanted}, or exclude the files",
        )
    lacking: dict[str, list[str]] = {}
    for path, library in elf.absent(binaries, wanted) if not target.has_more(function) else ():
        if library not in contents.lacked:
            contents.lacked.add(library)
            lacking.setdefault(path, []).append(library)
    for path, libraries in lacking.items():
        by, are = contents.brought.get(path) or contents.own[path], "is" if len(libraries) == 1 else "are"
        say(
            f"{function.name}: {path} of {by} is linked to {', '.join(libraries)}, which {are} not on Lambda: "
            "importing it would fail"
        )


@contextmanager
def _tried(inputs: Inputs, contents: Contents, trials: Trials, folder: Path, say: Say) -> Iterator[None]:
    """While the zip is written, its handler is imported, where this host can do that."""
    function = inputs.function
    wanted = target.of(function.runtime, function.architecture)
    python = trial.interpreter(wanted, contents.entries, contents.binaries)
    if python is None:
        yield
        return
    with trials.begun(function, python, contents.entries, contents.brought, folder, contents.lacked) as tried:
        yield
        _check_handler(inputs, contents, tried.finding(), say)


def _check_handler(inputs: Inputs, contents: Contents, found: Finding | None, say: Say) -> None:
    if found is None:
        return
    function = inputs.function
    what = f"function {function.name}: handler {function.handler}: {found.what}"
    by = contents.brought.get(found.file, "")
    if found.file in contents.own or by:
        what += f" ({contents.own.get(found.file, found.file)}:{found.line}{' of ' * bool(by)}{by})"
    elsewhere = found.missing in handler.importable(function, contents.entries, contents.own)
    if not found.certain or found.missing and (elsewhere or target.has_more(function)):
        say(f"{what} (here; on Lambda it may be there)")
        return
    if found.output:
        what += f"\nbefore that it printed: {found.output}"
    raise BuildError(what, _way_out(inputs, found, by))


def _way_out(inputs: Inputs, found: Finding, by: str) -> str:
    if found.kind == "variable":
        return "name it under environment in pipeline.yaml: Lambda has the variables that are there, and its own"
    if found.kind == "written":
        return "write below /tmp: all else is read-only on Lambda"
    if found.kind == "semaphore":
        return "Lambda has no shared memory, and so no locks, queues and pools of multiprocessing: use threads"
    if found.kind == "library":
        return (
            f"{found.missing} is not on Lambda: require a build that brings it, put it into lib/ of the package, "
            "or name a layer that has it"
        )
    if found.missing and inputs.wanted:
        needs = f"{by} needs it: " if by else ""
        return f"{needs}is it in {inputs.function.requirements}?"
    if found.missing:
        return "name it in a requirements file, and that file in pipeline.yaml (requirements: ...)"
    return "run the handler's module with the same Python to see more"


def _dependencies(contents: Contents) -> Iterator[Dependency]:
    sizes: Counter[str] = Counter()
    for path, shown in contents.brought.items():
        sizes[shown] += contents.entries[path].length
    for item in contents.wheels:
        wheel, size = item.wheel, sizes[_shown(item)]
        yield Dependency(normalise(wheel.name), wheel.version, item.origin, size, item.key, wheel.licence)
