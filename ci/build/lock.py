"""A pylock.toml (PEP 751) read for one target: which file of each package to take. Pure.

https://packaging.python.org/en/latest/specifications/pylock-toml/
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import BuildError
from . import target as targets
from .requirements import VCS_HINT
from .target import Target

if TYPE_CHECKING:
    from packaging.pylock import Package, PackageArchive, PackageDirectory, PackageSdist, PackageVcs, PackageWheel

    Chosen = PackageVcs | PackageDirectory | PackageArchive | PackageWheel | PackageSdist

Hashes = Mapping[str, frozenset[str]]


@dataclass(frozen=True)
class Artifact:
    """What to take a package from.

    ``kind`` is wheel, sdist (of an index), archive (a source distribution named by its address or path), directory or
    lambda-packages; ``sha256`` is hex, empty if unknown.
    """

    name: str
    version: str
    kind: str
    url: str
    sha256: str = ""
    size: int | None = None

    def __str__(self) -> str:
        return f"{self.name} {self.version}".strip()


@dataclass(frozen=True)
class Selection:
    """``missing`` are packages that have neither a wheel for the target nor a source distribution."""

    artifacts: tuple[Artifact, ...]
    missing: tuple[Artifact, ...]

    def replaced(self, others: Sequence[Artifact]) -> tuple[Artifact, ...]:
        """The artifacts, with ``others`` in the place of those of the same name, or beside them."""
        return tuple({artifact.name: artifact for artifact in (*self.artifacts, *others)}.values())


def select(
    document: Mapping[str, Any], target: Target, folder: Path, hashes: Hashes,
    groups: Sequence[str] = (), extras: Sequence[str] = (),
) -> Selection:
    """What to take for ``target``, by name; paths are relative to ``folder``.

    ``hashes`` are those that the requirements demand: if there are any, only files that have one of them count, and
    every package must be listed (https://pip.pypa.io/en/stable/topics/secure-installs/#hash-checking-mode).

    Raises BuildError for a file that is not as the specification says, and for a hash that is not a demanded one.
    """
    from packaging.pylock import Pylock, PylockSelectError, PylockValidationError  # while uv works, it is loaded

    found: dict[str, Artifact] = {}
    missing: dict[str, Artifact] = {}
    environment, tags = targets.environment(target), targets.tags(target)
    for package in document.get("packages", ()):
        admitted = _demanded(package, hashes) if hashes else package
        try:
            lock = Pylock.from_dict({**document, "packages": [admitted]})
            chosen = next(lock.select(
                environment=environment, tags=tags, extras=extras,  # type: ignore[arg-type]
                dependency_groups=[*(lock.default_groups or ()), *groups],
            ), None)
        except PylockSelectError:
            missing[package["name"]] = Artifact(package["name"], package.get("version", ""), "", "")
            continue
        except PylockValidationError as error:
            raise BuildError(f"{package.get('name', 'a package')}: {error}", "write the lock file again") from error
        if chosen is not None:
            if package["name"] in found:
                raise BuildError(f"{package['name']}: locked twice for {target}", "write the lock file again")
            found[package["name"]] = _artifact(*chosen, folder)
    return Selection(tuple(found[name] for name in sorted(found)), tuple(missing[name] for name in sorted(missing)))


def _demanded(package: Mapping[str, Any], hashes: Hashes) -> Mapping[str, Any]:
    """The package with only the files that have a demanded hash."""
    name = package["name"]
    if name not in hashes:
        raise BuildError(
            f"{name} {package.get('version', '')}: required, but without a hash, while others have one",
            "write all hashes again (uv pip compile --generate-hashes), a Pipfile.lock with the function's Python",
        )

    def demanded(file: Mapping[str, Any]) -> bool:
        return any(f"{kind}:{value}" in hashes[name] for kind, value in file.get("hashes", {}).items())

    kept = {key: value for key, value in package.items() if key not in ("wheels", "sdist", "archive")}
    wheels = [wheel for wheel in package.get("wheels", ()) if demanded(wheel)]
    rest = {key: package[key] for key in ("sdist", "archive") if key in package and demanded(package[key])}
    if not wheels and not rest:
        raise BuildError(
            f"{name} {package.get('version', '')}: none of the files that the index has for this target has a hash "
            "that the requirements list",
            "if the release is right, write the requirements with hashes again; if not, somebody changed it",
        )
    return {**kept, **rest, **({"wheels": wheels} if wheels else {})}


def _artifact(package: Package, chosen: Chosen, folder: Path) -> Artifact:
    from packaging.pylock import PackageArchive, PackageDirectory, PackageVcs, PackageWheel

    version = str(package.version or "")
    if isinstance(chosen, PackageVcs):
        raise BuildError(f"{package.name}: required from version control", VCS_HINT)
    if isinstance(chosen, PackageDirectory):
        return Artifact(package.name, version, "directory", (folder / chosen.path).resolve().as_uri())
    url = chosen.url or (folder / (chosen.path or "")).resolve().as_uri()
    if isinstance(chosen, PackageArchive):
        kind = "wheel" if url.partition("#")[0].endswith(".whl") else "archive"
    else:
        kind = "wheel" if isinstance(chosen, PackageWheel) else "sdist"
    return Artifact(package.name, version, kind, url, chosen.hashes.get("sha256", ""), chosen.size)
