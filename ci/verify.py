"""Is what runs what this checkout builds? Everything is built again, and compared with the live zip, entry by entry."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from ci import content, live
from ci.aws import Aws
from ci.errors import AwsError
from ci.model import File, Function, LiveVersion, Package, Site
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


def verify(workspace: Workspace, site: Site, functions: Sequence[Function], qualifier: str) -> tuple[Verified, ...]:
    """Compare each function's version ``qualifier``, a number or an alias, in ``site``.

    What earlier builds left is not believed.

    Raises BuildError, and AwsError where a zip cannot be had.
    """
    with TemporaryDirectory() as folder:
        packages, aws = workspace.packages(functions, Path(folder)), workspace.at(site)
        return tuple(_verified(aws, function, packages[function.name], qualifier) for function in functions)


def _verified(aws: Aws, function: Function, package: Package, qualifier: str) -> Verified:
    version, data = live.package(aws, function, qualifier)
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
