"""Requirements -> exact versions and hashes for a target, by uv or from a lock file.

A wheel for the target is taken first, then a source distribution that may hold no compiled code. What has neither is
an error that names the ways out.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

from ..errors import BuildError
from . import exports, lambdapackages, lock, requirements, target
from .cache import Cache
from .inputs import Wanted
from .lock import Artifact, Selection
from .requirements import Requirements
from .target import Target
from .uv import Uv

_EXPORTED = ("poetry", "pdm", "pipenv")


class Resolver:
    """Finds out what to take. Nothing is fetched."""

    def __init__(self, root: Path, cache: Cache, uv: Uv, say: Callable[[str], None]) -> None:
        self._root = root
        self._cache = cache
        self._uv = uv
        self._say = say

    def resolve(self, wanted: Wanted) -> tuple[Artifact, ...]:
        """An artifact for everything required, by name.

        Raises BuildError: nothing satisfies the requirements, no wheel for the target, a hash that is not the
        required one, a lock file that cannot be read, an index that cannot be asked.
        """
        required = wanted.requirements
        what = os.path.relpath(required.file, self._root)
        self._say(f"resolving {what} for {wanted.target}")
        if required.kind in ("pylock", "uv"):
            document = exports.document(required, wanted.groups, wanted.extras, self._uv, what)
            selection = lock.select(
                document, wanted.target, required.file.parent, {}, wanted.groups, wanted.extras
            )
            others, unfit = _otherwise(self._unfit(selection, wanted.target), wanted)
            if unfit:
                raise _nothing_for(unfit, wanted, what)
            return selection.replaced(others)
        if required.kind not in _EXPORTED:
            return self._choose(wanted, required, what)
        with self._cache.temporary() as folder:
            file = exports.requirements_txt(required, wanted.groups, wanted.extras, self._uv, folder, what)
            try:
                exported = requirements.read(file, folder)
            except BuildError as error:  # its place is one in the exported file, which nobody knows
                raise BuildError(f"{what}: {error.message.partition(': ')[2]}", error.hint) from None
            return self._choose(wanted, exported, what)

    def _choose(self, wanted: Wanted, asked: Requirements, what: str) -> tuple[Artifact, ...]:
        """Ask uv. What no file can be used of is asked for once more, as a wheel: an older version may have one.

        Then all else is chosen anew beside those versions: the fallback's platform knows too few of its wheels.
        """
        nearest, lower = _platforms(wanted.target)
        selection = self._ask(wanted, asked, nearest, what)
        older: dict[str, str] = {}
        while unfit := self._unfit(selection, wanted.target):
            names = {*older, *(artifact.name for artifact in unfit)}
            found = self._older(wanted, asked, lower, what, names) if names > older.keys() else None
            if found is None:
                others, unfit = _otherwise(unfit, wanted)
                if unfit:
                    raise _nothing_for(unfit, wanted, what)
                return selection.replaced(others)
            older = {artifact.name: artifact.version for artifact in found.artifacts if artifact.name in names}
            selection = self._ask(wanted, asked, nearest, what, pins=older) if lower != nearest else found
        for artifact in selection.artifacts:
            if artifact.name in older:
                self._say(f"{artifact}: the newest that has a wheel for {wanted.target}")
        return selection.artifacts

    def _older(
        self, wanted: Wanted, asked: Requirements, lower: str, what: str, names: Collection[str]
    ) -> Selection | None:
        """With wheels of all ``names``; None where there are not."""
        try:
            found = self._ask(wanted, asked, lower, what, as_wheels=names)
        except BuildError:
            return None
        return None if found.missing else found

    def _ask(
        self, wanted: Wanted, asked: Requirements, platform: str, what: str,
        as_wheels: Collection[str] = (), pins: Mapping[str, str] = MappingProxyType({}),
    ) -> Selection:
        options = [option for name in sorted(as_wheels) for option in ("--only-binary", name)]
        if asked.kind == "project":
            options += [option for name in wanted.groups for option in ("--group", f"{asked.file}:{name}")]
            options += [option for name in wanted.extras for option in ("--extra", name)]
        elif wanted.requirements.kind in _EXPORTED:
            options.append("--no-deps")
        said = self._uv.run(
            [
                "pip", "compile", "--no-header", "--format=pylock.toml",
                "--python-version", wanted.target.full_version, "--python-platform", platform, *options, asked.file,
                *(["-"] if pins else []),
            ],
            self._root, what, "".join(f"{name}=={version}\n" for name, version in pins.items()),
        )
        return lock.select(tomllib.loads(said), wanted.target, self._root, asked.hashes)

    def _unfit(self, selection: Selection, wanted: Target) -> list[Artifact]:
        """What has no file that can be used.

        Among them are source distributions that hold code to compile: the index has wheels of them for some other
        platform, or lambda-packages has them.
        """
        sources = [artifact for artifact in selection.artifacts if artifact.kind == "sdist" and artifact.version]
        if not sources:
            return list(selection.missing)
        asked = "".join(f"{artifact.name}=={artifact.version}\n" for artifact in sources)
        said = self._uv.run(
            [
                "pip", "compile", "--no-header", "--format=pylock.toml", "--no-deps", "--universal",
                "--python-version", wanted.full_version, "-",
            ],
            self._root, "looking for wheels", asked,
        )
        with_wheels = {package["name"] for package in tomllib.loads(said).get("packages", ()) if package.get("wheels")}
        compiled = [
            artifact for artifact in sources
            if artifact.name in with_wheels or lambdapackages.find(artifact.name, artifact.version, wanted)
        ]
        return [*selection.missing, *compiled]


def _otherwise(unfit: Sequence[Artifact], wanted: Wanted) -> tuple[list[Artifact], list[Artifact]]:
    """Artifacts of what has no wheel, from lambda-packages or to be built here, and what has neither."""
    found, left = [], []
    for artifact in unfit:
        if "lambda-packages" in wanted.binaries and (
            path := lambdapackages.find(artifact.name, artifact.version, wanted.target)
        ):
            found.append(replace(artifact, kind="lambda-packages", url=path.as_uri(), sha256=""))
        elif "build" in wanted.binaries and artifact.kind == "sdist" and target.is_here(wanted.target):
            found.append(artifact)
        else:
            left.append(artifact)
    return found, left


def _nothing_for(unfit: Sequence[Artifact], wanted: Wanted, what: str) -> BuildError:
    names = ", ".join(map(str, unfit))
    tried = [f"no wheel of {names} for {wanted.target}"]
    if "lambda-packages" in wanted.binaries:
        tried.append("nor is it in lambda-packages")
    if "build" in wanted.binaries:
        tried.append("nor can this host build it for there")
    return BuildError(
        f"{what}: {', '.join(tried)}",
        "require a version that has a wheel; name a wheel of your own by its path in the requirements; or build in a "
        f"Linux container with Python {wanted.target.version} on {wanted.target.machine}",
    )


def _platforms(wanted: Target) -> tuple[str, str]:
    """uv's name of the platform, and of the one to fall back on.

    uv has no glibc 2.26. It is asked for 2.28 first, of which 2.26 can load nearly every wheel (those it cannot are
    left out by their tags), then for 2.17, of which it can load all.
    """
    levels = ("2_34", "2_34") if wanted.glibc >= (2, 34) else ("2_28", "2_17") if wanted.glibc >= (2, 26) else (
        "2_17", "2_17")
    return f"{wanted.machine}-manylinux_{levels[0]}", f"{wanted.machine}-manylinux_{levels[1]}"
