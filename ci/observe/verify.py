"""Is what runs what this checkout builds? Everything is built again, and compared with the live zip, entry by entry.

Dependencies in a layer are compared with the layer that the version uses.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from ci import content
from ci.aws import Aws
from ci.errors import AwsError
from ci.live.packages import whole, whole_layer
from ci.model import File, Function, Package, Site, Stage, label
from ci.model.live import LiveVersion
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


def verify(
    workspace: Workspace, functions: Sequence[Function], stage: Stage, version: str | None
) -> tuple[Verified, ...]:
    """Compare what ``stage`` runs, or a ``version``, in each of its sites. What earlier builds left is not believed.

    Raises BuildError, and AwsError where a zip cannot be had.
    """
    with TemporaryDirectory() as folder:
        packages = workspace.packages(functions, Path(folder))

        def one(site: Site) -> list[Verified]:
            aws, qualifier = workspace.at(site), version or stage.alias
            return [_verified(aws, function, packages[function.name], qualifier) for function in functions]

        return tuple(
            replace(each, function=label(each.function, name))
            for name, found in workspace.in_each([stage], one).items()
            for each in found
        )


def _verified(aws: Aws, function: Function, package: Package, qualifier: str) -> Verified:
    version, data = whole(aws, function, qualifier)
    deployed, built = _files(data, f"function {function.name}: version {version.version}"), package.files
    if package.layer:
        built += package.layer.files
        for arn in version.settings.get("Layers", ()):
            if arn.split(":")[6] == package.layer.function:
                deployed += _files(whole_layer(aws, arn), f"function {function.name}: {arn}")
    return Verified(function.name, version, package, differences(deployed, built))


def _files(data: bytes, where: str) -> tuple[File, ...]:
    try:
        return content.read(data, folders=True)
    except ValueError as error:
        raise AwsError(f"{where}: its package {error}") from None


def differences(deployed: Sequence[File], built: Sequence[File]) -> tuple[Difference, ...]:
    """By path. Content and mode count, how they are compressed does not."""
    before, after = ({file.path: file for file in files} for files in (deployed, built))
    paths = sorted(before.keys() | after.keys())
    return tuple(Difference(p, before.get(p), after.get(p)) for p in paths if before.get(p) != after.get(p))
