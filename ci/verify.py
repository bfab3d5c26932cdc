"""Is what runs what this checkout builds? Everything is built again, and compared with the live zip, entry by entry."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from ci import content, live
from ci.errors import AwsError
from ci.model import File, Function, LiveVersion, Package
from ci.workspace import Workspace


@dataclass(frozen=True)
class Difference:
    """A file that is not the same on both sides; None where it is not there."""

    path: str
    deployed: File | None
    built: File | None


@dataclass(frozen=True)
class Verified:
    """One function: what runs, what was built, and where they differ. Equal content may be in different zips."""

    function: str
    version: LiveVersion
    package: Package
    differences: tuple[Difference, ...]


def verify(workspace: Workspace, functions: Sequence[Function], qualifier: str) -> tuple[Verified, ...]:
    """Compare each function's version ``qualifier``, a number or an alias. What earlier builds left is not believed.

    Raises BuildError, and AwsError where a zip cannot be had.
    """
    with TemporaryDirectory() as folder:
        packages = workspace.packages(functions, Path(folder))
        return tuple(_verified(workspace, function, packages[function.name], qualifier) for function in functions)


def _verified(workspace: Workspace, function: Function, package: Package, qualifier: str) -> Verified:
    version, data = live.package(workspace.aws, function, qualifier)
    try:
        files = content.read(data, folders=True)
    except ValueError as error:
        raise AwsError(f"function {function.name}: version {version.version}: its package {error}") from None
    return Verified(function.name, version, package, differences(files, package.files))


def differences(deployed: Sequence[File], built: Sequence[File]) -> tuple[Difference, ...]:
    """By path. Content and mode count, how they are compressed does not."""
    before, after = ({file.path: file for file in files} for files in (deployed, built))
    paths = sorted(before.keys() | after.keys())
    return tuple(Difference(p, before.get(p), after.get(p)) for p in paths if before.get(p) != after.get(p))
