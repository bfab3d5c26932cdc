"""Requirements -> exact versions and hashes for a target, by uv or from a lock file.

A wheel for the target is taken first, then a source distribution that may hold no compiled code. What has neither is
an error that names the ways out.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from .. import parallel
from ..errors import BuildError
from . import exports, lambdapackages, lock, requirements, target
from .cache import Cache
from .inputs import Wanted
from .lock import Artifact, Selection
from .requirements import Requirements
from .target import Target
from .uv import Unread, Uv

_EXPORTED = ("poetry", "pdm", "pipenv")
_SERIES = 3
"""In so many series of versions a wheel is sought that the fallback's platform does not know."""


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
            folder = required.file.parent
            with _headed(what):
                selection = lock.select(document, wanted.target, folder, {}, wanted.groups, wanted.extras)
            others, unfit = _otherwise(self._unfit(selection, wanted.target, required), wanted)
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
        """Ask uv. What no file can be used of is asked for once more, as a wheel: an older version may have one."""
        selection = self._ask(wanted, asked, _platforms(wanted.target)[0], what)
        unfit = self._unfit(selection, wanted.target, asked)
        newest = {artifact.name: artifact.version for artifact in unfit}
        older = self._older(wanted, asked, what, unfit) if unfit else None
        if older is None and len(unfit) > 1:
            never = {each.name for each in unfit if not self._has_wheels(wanted, asked, each.name)}
            older = self._older(wanted, asked, what, unfit, never) if len(never) < len(unfit) else None
        selection = older or selection
        others, left = _otherwise(self._unfit(selection, wanted.target, asked) if unfit else (), wanted)
        if left:
            raise _nothing_for(left, wanted, what)
        for artifact in selection.artifacts:
            if artifact.version != newest.get(artifact.name, artifact.version):
                self._say(f"{artifact}: {newest[artifact.name]} has no wheel for {wanted.target}")
        return selection.replaced(others)

    def _older(
        self, wanted: Wanted, asked: Requirements, what: str, unfit: Iterable[Artifact], never: Collection[str] = ()
    ) -> Selection | None:
        """With wheels of all that is ``unfit`` but ``never``, in older versions; None where there are not."""
        nearest, lower = _platforms(wanted.target)
        left = [artifact for artifact in unfit if artifact.name not in never]
        newest: dict[str, str] = {}
        while not newest.keys() >= {artifact.name for artifact in left}:
            newest |= {artifact.name: artifact.version for artifact in left}
            try:
                found = self._ask(wanted, asked, lower, what, newest)
                found = self._anew(wanted, asked, what, found, newest) if lower != nearest else found
            except Unread:
                raise
            except BuildError:
                return None
            left = [each for each in self._unfit(found, wanted.target, asked) if each.name not in never]
            if not left:
                return found
        return None

    def _anew(
        self, wanted: Wanted, asked: Requirements, what: str, found: Selection, newest: Mapping[str, str]
    ) -> Selection:
        """All else anew beside the versions found with the fallback's platform: it knows too few of the wheels.

        Where a version that it does not know of has a wheel too, beside that.
        """
        nearest = _platforms(wanted.target)[0]
        known = {each.name: each.version for each in found.artifacts if each.name in newest}
        newer = dict(zip(known, parallel.each(
            lambda name: self._newer(wanted, asked, name, known[name], newest[name]), known, workers=len(known) or 1
        )))
        try:
            return self._ask(wanted, asked, nearest, what, beside=_pins(newer))
        except BuildError:
            if newer == known:
                raise
        return self._ask(wanted, asked, nearest, what, beside=_pins(known))

    def _newer(self, wanted: Wanted, asked: Requirements, name: str, known: str, newest: str) -> str:
        """The newest version between the two of which the target can load a wheel, as far as a few series tell."""
        below = newest
        for _ in range(_SERIES):
            said = f"{name}>{known},<{_series(below)}"
            try:
                found = self._alone(wanted, asked, name, said, _platforms(wanted.target)[0])
            except Unread:
                raise
            except BuildError:
                break
            if found.artifacts:
                return found.artifacts[0].version
            below = found.missing[0].version
        return known

    def _alone(self, wanted: Wanted, asked: Requirements, name: str, said: str, platform: str) -> Selection:
        """What the requirement ``said``, of ``name``, gives without all else. Raises BuildError where no wheel does."""
        written = self._uv.run(
            [
                "pip", "compile", "--no-header", "--format=pylock.toml", "--no-deps", "--only-binary", name,
                "--python-version", wanted.target.full_version, "--python-platform", platform, "-",
            ],
            self._place(asked), "looking for wheels", _lines(asked.indexes, said),
        )
        return lock.select(tomllib.loads(written), wanted.target, self._root, {})

    def _has_wheels(self, wanted: Wanted, asked: Requirements, name: str) -> bool:
        """Whether some version of it has one for the target."""
        try:
            return bool(self._alone(wanted, asked, name, name, _platforms(wanted.target)[1]).artifacts)
        except Unread:
            raise
        except BuildError:
            return False

    def _ask(
        self, wanted: Wanted, asked: Requirements, platform: str, what: str,
        as_wheels: Iterable[str] = (), beside: Sequence[str] = (),
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
                *(["-"] if beside else []),
            ],
            self._place(asked), what, _lines(beside),
        )
        with _headed(what):
            return lock.select(tomllib.loads(said), wanted.target, self._place(asked), asked.hashes)

    def _place(self, asked: Requirements) -> Path:
        """Where uv is run: beside a project, which may say indexes to it; paths in requirements begin at the root."""
        return self._root if asked.kind == "requirements" else asked.file.parent

    def _unfit(self, selection: Selection, wanted: Target, asked: Requirements) -> list[Artifact]:
        """What has no file that can be used.

        Among them are source distributions that hold code to compile: the index has wheels of them for some other
        platform, or lambda-packages has them.
        """
        sources = [artifact for artifact in selection.artifacts if artifact.kind == "sdist" and artifact.version]
        if not sources:
            return list(selection.missing)
        pins = (f"{artifact.name}=={artifact.version}" for artifact in sources)
        said = self._uv.run(
            [
                "pip", "compile", "--no-header", "--format=pylock.toml", "--no-deps", "--universal",
                "--python-version", wanted.full_version, "-",
            ],
            self._place(asked), "looking for wheels", _lines(asked.indexes, *pins),
        )
        with_wheels = {package["name"] for package in tomllib.loads(said).get("packages", ()) if package.get("wheels")}
        compiled = [
            artifact for artifact in sources
            if artifact.name in with_wheels or lambdapackages.find(artifact.name, artifact.version, wanted)
        ]
        return [*selection.missing, *compiled]


@contextmanager
def _headed(what: str) -> Iterator[None]:
    """What is wrong is said of the file ``what``."""
    try:
        yield
    except BuildError as error:
        raise BuildError(f"{what}: {error.message}", error.hint) from error


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


def _lines(first: Iterable[str], *more: str) -> str:
    return "".join(f"{line}\n" for line in (*first, *more))


def _pins(versions: Mapping[str, str]) -> list[str]:
    return [f"{name}=={version}" for name, version in versions.items()]


def _series(version: str) -> str:
    """``2.4`` of 2.4.6: what is built alike, as a rule. Raises ValueError when it is no version."""
    from packaging.version import Version

    parsed = Version(version)
    return f"{parsed.epoch}!{'.'.join(map(str, parsed.release[:2]))}"


def _platforms(wanted: Target) -> tuple[str, str]:
    """uv's name of the platform, and of the one to fall back on.

    uv has no glibc 2.26. It is asked for 2.28 first, of which 2.26 can load nearly every wheel (those it cannot are
    left out by their tags), then for 2.17, of which it can load all.
    """
    levels = ("2_34", "2_34") if wanted.glibc >= (2, 34) else ("2_28", "2_17") if wanted.glibc >= (2, 26) else (
        "2_17", "2_17")
    return f"{wanted.machine}-manylinux_{levels[0]}", f"{wanted.machine}-manylinux_{levels[1]}"
