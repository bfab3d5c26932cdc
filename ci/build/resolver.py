"""Requirements -> exact versions and hashes for a target, by uv or from a lock file.

A wheel for the target is taken first, then a source distribution that may hold no compiled code. What has neither is
an error that names the ways out.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Callable, Sequence
from pathlib import Path

from ..errors import BuildError
from . import exports, lock, requirements
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
            if unfit := self._unfit(selection, wanted.target):
                raise _nothing_for(unfit, wanted.target, what)
            return selection.artifacts
        if required.kind not in _EXPORTED:
            return self._choose(wanted, required, what)
        with self._cache.temporary() as folder:
            file = exports.requirements_txt(required, wanted.groups, wanted.extras, self._uv, folder, what)
            return self._choose(wanted, requirements.read(file, folder), what)

    def _choose(self, wanted: Wanted, asked: Requirements, what: str) -> tuple[Artifact, ...]:
        """Ask uv. What has only unusable files is asked for once more, as a wheel."""
        nearest, lower = _platforms(wanted.target)
        selection = self._ask(wanted, asked, nearest, (), what)
        unfit = self._unfit(selection, wanted.target)
        if not unfit:
            return selection.artifacts
        try:
            second = self._ask(wanted, asked, lower, [artifact.name for artifact in unfit], what)
        except BuildError:
            second = Selection((), tuple(unfit))
        if second.missing:
            raise _nothing_for(second.missing, wanted.target, what)
        for artifact in second.artifacts:
            if artifact.name in {other.name for other in unfit}:
                self._say(f"{artifact}: the newest that has a wheel for {wanted.target}")
        return second.artifacts

    def _ask(
        self, wanted: Wanted, asked: Requirements, platform: str, as_wheels: Sequence[str], what: str
    ) -> Selection:
        options = [option for name in as_wheels for option in ("--only-binary", name)]
        if asked.kind == "project":
            options += [option for name in wanted.groups for option in ("--group", f"{asked.file}:{name}")]
            options += [option for name in wanted.extras for option in ("--extra", name)]
        elif wanted.requirements.kind in _EXPORTED:
            options.append("--no-deps")
        said = self._uv.run(
            [
                "pip", "compile", "--no-header", "--format=pylock.toml",
                "--python-version", wanted.target.full_version, "--python-platform", platform, *options, asked.file,
            ],
            self._root, what,
        )
        return lock.select(tomllib.loads(said), wanted.target, self._root, asked.hashes)

    def _unfit(self, selection: Selection, target: Target) -> list[Artifact]:
        """What has no file that can be used.

        Among them are source distributions of which the index has wheels for some other platform: building them
        would need a compiler.
        """
        sources = [artifact for artifact in selection.artifacts if artifact.kind == "sdist" and artifact.version]
        if not sources:
            return list(selection.missing)
        asked = "".join(f"{artifact.name}=={artifact.version}\n" for artifact in sources)
        said = self._uv.run(
            [
                "pip", "compile", "--no-header", "--format=pylock.toml", "--no-deps", "--universal",
                "--python-version", target.full_version, "-",
            ],
            self._root, "looking for wheels", asked,
        )
        with_wheels = {package["name"] for package in tomllib.loads(said).get("packages", ()) if package.get("wheels")}
        return [*selection.missing, *(artifact for artifact in sources if artifact.name in with_wheels)]


def _nothing_for(unfit: Sequence[Artifact], target: Target, what: str) -> BuildError:
    return BuildError(
        f"{what}: no wheel of {', '.join(map(str, unfit))} for {target}",
        "require a version that has one; a wheel of your own can be named by its path in the requirements",
    )


def _platforms(target: Target) -> tuple[str, str]:
    """uv's name of the platform, and of the one to fall back on.

    uv has no glibc 2.26. It is asked for 2.28 first, of which 2.26 can load nearly every wheel (those it cannot are
    left out by their tags), then for 2.17, of which it can load all.
    """
    levels = ("2_34", "2_34") if target.glibc >= (2, 34) else ("2_28", "2_17") if target.glibc >= (2, 26) else (
        "2_17", "2_17")
    return f"{target.machine}-manylinux_{levels[0]}", f"{target.machine}-manylinux_{levels[1]}"
