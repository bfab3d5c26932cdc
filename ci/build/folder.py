"""Packages in a folder: ``dist/`` on a laptop, an artifact between two jobs of a workflow.

A build that was spread over the jobs of a matrix leaves a folder in it for each of them.

What is read back may come from anywhere, also from the pull request of a stranger.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from ..errors import BuildError, UsageError
from ..model import UNZIPPED_LIMIT, Dependency, Function, Package
from . import inspect
from .shards import JOBS_LIMIT

MANIFEST = "manifest.json"
_FORMAT = 1
_BLOCK = 1 << 18
_MANIFEST_LIMIT = 10_000_000
_DIGEST = re.compile(r"[A-Za-z0-9_-]{43}")


def save(packages: Iterable[Package], folder: Path) -> None:
    """Write each package as ``<function>.zip``, and the manifest that says which they are."""
    kept = sorted(packages, key=lambda package: package.function)
    folder.mkdir(parents=True, exist_ok=True)
    for package in kept:
        _copy(package.path, folder / f"{package.function}.zip")
        if package.layer:
            _copy(package.layer.path, folder / _layer_file(package.layer.function))
    manifest = {
        "format": _FORMAT,
        "packages": {p.function: _entry(p) for p in kept},
    }
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n")


def _copy(source: Path, path: Path) -> None:
    """Whole or not there: whoever is killed meanwhile leaves no half of it."""
    if not _same(source, path):
        import shutil

        beside = path.with_name(f".{path.name}")
        shutil.copyfile(source, beside)
        path.unlink(missing_ok=True)  # ext4 waits for the disk when a name is given to another file
        beside.rename(path)


def _layer_file(layer: str) -> str:
    return f"{layer}.layer.zip"


def _same(one: Path, other: Path) -> bool:
    """Whether two files hold the same bytes: to read is quicker than to write."""
    try:
        with one.open("rb") as left, other.open("rb") as right:
            if os.fstat(left.fileno()).st_size != os.fstat(right.fileno()).st_size:
                return False
            while block := left.read(_BLOCK):
                if block != right.read(_BLOCK):
                    return False
    except FileNotFoundError:
        return False
    return True


def _entry(package: Package) -> dict[str, Any]:
    dependencies = [asdict(dependency) for dependency in package.dependencies]
    entry: dict[str, Any] = {"digest": package.digest, "code_sha256": package.code_sha256, "dependencies": dependencies}
    if package.layer:
        layer = package.layer
        entry["layer"] = {"name": layer.function, "digest": layer.digest, "code_sha256": layer.code_sha256}
    return entry


def load(folder: Path, functions: Iterable[Function]) -> dict[str, Package]:
    """The packages of ``functions`` that ``save`` put into ``folder``, or into folders in it, read from their bytes.

    Raises UsageError when a package or a manifest is missing or is not what it says it is, and when two manifests
    promise different packages for one function.
    """
    promised: dict[str, _Promise] = {}
    for manifest in _manifests(folder):
        for name, promise in _manifest(manifest).items():
            if promise != promised.setdefault(name, promise):
                raise UsageError(f"{manifest}: {name} is another package in {promised[name].manifest}", _AGAIN)
    return {function.name: _package(folder, function, promised.get(function.name)) for function in functions}


_AGAIN = "build all of it again, into an empty folder"


@dataclass(frozen=True)
class _Promise:
    digest: str
    code_sha256: str
    manifest: Path = field(compare=False)
    """What says so; the package lies beside it."""
    dependencies: tuple[Dependency, ...] = field(compare=False)
    """What a package's bytes do not tell of its dependencies. It is only ever shown."""
    layer: tuple[str, str, str] | None
    """Name, digest and hash of the layer that the dependencies are in."""


def _manifests(folder: Path) -> list[Path]:
    """That of ``folder`` itself; where there is none, those of the folders in it."""
    whole = folder / MANIFEST
    if whole.exists():
        return [whole]
    parts = sorted(part for part in folder.glob(f"*/{MANIFEST}") if not part.parent.is_symlink())
    if len(parts) > JOBS_LIMIT:
        raise UsageError(f"{folder}: {len(parts)} manifests are more than the {JOBS_LIMIT} jobs of a matrix")
    return parts or [whole]


def _manifest(path: Path) -> dict[str, _Promise]:
    try:
        if path.is_symlink() or path.stat().st_size > _MANIFEST_LIMIT:
            raise ValueError("it is a link, or too large")
        data = json.loads(path.read_bytes())
        if data["format"] != _FORMAT:
            raise ValueError(f"its format is not {_FORMAT}")
        promised = {str(name): _promise(entry, path) for name, entry in data["packages"].items()}
    except FileNotFoundError:
        raise UsageError(f"{path}: there is no such file", "dollop build --out DIR writes it") from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise UsageError(f"{path}: not a manifest of packages: {error}") from None
    return promised


def _promise(entry: dict[str, Any], manifest: Path) -> _Promise:
    layer = None
    if said := entry.get("layer"):
        layer = str(said["name"]), *_digests(said)
    return _Promise(*_digests(entry), manifest, tuple(map(_dependency, entry["dependencies"])), layer)


def _digests(entry: dict[str, Any]) -> tuple[str, str]:
    digest, code_sha256 = entry["digest"], entry["code_sha256"]
    if not _DIGEST.fullmatch(digest) or len(base64.b64decode(code_sha256, validate=True)) != 32:
        raise ValueError("a digest is malformed")
    return digest, code_sha256


_ORIGINS = ("wheel", "lambda-packages", "build")
_WORD = 200
"""Characters that a name or a licence may have."""


def _dependency(entry: dict[str, Any]) -> Dependency:
    found = Dependency(**entry)
    words: tuple[object, ...] = (found.name, found.version, found.sha256, found.licence)
    if not all(isinstance(word, str) and word.isprintable() and len(word) <= _WORD for word in words):
        raise ValueError("the name, version, hash or licence of a dependency is malformed")
    if found.origin not in _ORIGINS or type(found.size) is not int or not 0 <= found.size <= UNZIPPED_LIMIT:
        raise ValueError("the origin or size of a dependency is malformed")
    return found


def _package(folder: Path, function: Function, promise: _Promise | None) -> Package:
    if promise is None:
        raise UsageError(f"{folder}: no {MANIFEST} in it names {function.name}", _AGAIN)
    path = promise.manifest.with_name(f"{function.name}.zip")
    found = read(path, function, promise.dependencies)
    if (found.digest, found.code_sha256) != (promise.digest, promise.code_sha256):
        raise UsageError(f"{path}: not the package that {MANIFEST} promises: its digest differs", "build again")
    return found if promise.layer is None else _with_layer(found, function, promise, promise.layer)


def _with_layer(package: Package, function: Function, promise: _Promise, layer: tuple[str, str, str]) -> Package:
    name = function.packaging.layer
    path = promise.manifest.with_name(_layer_file(name))
    if layer[0] != name:
        raise UsageError(f"{promise.manifest}: {function.name} has another layer than in pipeline.yaml", "build again")
    beside = read(path, function, promise.dependencies)
    if (beside.digest, beside.code_sha256) != layer[1:]:
        raise UsageError(f"{path}: not the layer that {MANIFEST} promises: its digest differs", "build again")
    made = replace(package, dependencies=beside.dependencies, layer=replace(beside, function=name))
    try:
        inspect.check(function, made)
    except BuildError as error:
        raise UsageError(f"{path}: {error.message}", error.hint) from None
    return made


def read(path: Path, function: Function, told: Iterable[Dependency] = (), folders: bool = False) -> Package:
    """The package of ``function`` that the zip ``path`` is, from its bytes; ``told`` is more of its dependencies.

    Raises UsageError when it is no package. With ``folders``, it may name folders too.
    """
    from .. import content
    from ..diff import installed

    try:
        if path.is_symlink() or path.stat().st_size > content.SIZE_LIMIT:
            raise UsageError(f"{path}: a link, or larger than a package can be")
        data = path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}") from None
    code_sha256 = base64.b64encode(hashlib.sha256(data).digest()).decode()
    try:
        files = content.read(data, folders)
    except ValueError as error:
        raise UsageError(f"{path}: {error}") from None
    digest = content.digest(files)
    unzipped = sum(file.size for file in files)
    try:
        inspect.check_size(function, len(data), unzipped)
    except BuildError as error:
        raise UsageError(f"{path}: {error.message}", error.hint) from None
    known = {(dependency.name, dependency.version): dependency for dependency in told}
    held = sorted(installed(replace(file, path=file.path.removeprefix("python/")) for file in files).items())
    dependencies = tuple(known.get(each) or Dependency(*each) for each in held)
    return Package(function.name, path, digest, code_sha256, len(data), unzipped, files, dependencies)
