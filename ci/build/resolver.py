"""Requirements -> wheels for a target: resolved by uv to exact versions and hashes, fetched once, checked.

Sources of a dependency, in order: a wheel for the target; a build of a source distribution that turns out to hold no
compiled code. What has neither is an error that names the ways out.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from urllib.parse import unquote, urlsplit

from .. import parallel
from ..errors import BuildError
from . import dependencies, lock, sdist
from .cache import Cache, sha256
from .dependencies import Resolved
from .index import Index
from .inputs import Wanted
from .lock import Artifact, Selection
from .store import Store
from .target import Target
from .uv import Uv

_FETCHES = 8
"""Files fetched at once."""


class Resolver:
    """Asks uv, fetches and builds. ``environ`` is what uv is run with, and may hold credentials."""

    def __init__(
        self, root: Path, cache: Cache, store: Store, environ: Mapping[str, str], say: Callable[[str], None]
    ) -> None:
        self._root = root
        self._cache = cache
        self._store = store
        self._uv = Uv(environ)
        self._index = Index(environ)
        self._say = say

    def resolve(self, wanted: Wanted) -> tuple[Resolved, ...]:
        """The wheels of everything required, by name; from now on ``known``.

        Raises BuildError: nothing satisfies the requirements, no wheel for the target, a hash that is not the
        required one, an index that cannot be read.
        """
        self._say(f"resolving {self._shown(wanted)} for {wanted.target}")
        artifacts = self._choose(wanted)
        found = tuple(parallel.each(lambda each: self._obtain(each, wanted.target), artifacts, workers=_FETCHES))
        dependencies.remember(wanted, found, self._cache)
        return found

    def _shown(self, wanted: Wanted) -> str:
        return os.path.relpath(wanted.requirements.files[0], self._root)

    def _choose(self, wanted: Wanted) -> tuple[Artifact, ...]:
        """An artifact for everything required. What has only unusable files is asked for once more, as a wheel."""
        nearest, lower = _platforms(wanted.target)
        selection = self._ask(wanted, nearest, ())
        sources = [artifact for artifact in selection.artifacts if artifact.kind == "sdist"]
        unfit = [*selection.missing, *self._compiled(sources, wanted.target)]
        if not unfit:
            return selection.artifacts
        try:
            second = self._ask(wanted, lower, [artifact.name for artifact in unfit])
        except BuildError:
            second = Selection((), tuple(unfit))
        if second.missing:
            raise BuildError(
                f"{self._shown(wanted)}: no wheel of {', '.join(map(str, second.missing))} for {wanted.target}",
                "require a version that has one; a wheel of your own can be named by its path in the requirements",
            )
        for artifact in second.artifacts:
            if artifact.name in {other.name for other in unfit}:
                self._say(f"{artifact}: the newest that has a wheel for {wanted.target}")
        return second.artifacts

    def _ask(self, wanted: Wanted, platform: str, as_wheels: Sequence[str]) -> Selection:
        options = [option for name in as_wheels for option in ("--only-binary", name)]
        said = self._uv.run(
            [
                "pip", "compile", "--no-header", "--format=pylock.toml",
                "--python-version", wanted.target.full_version, "--python-platform", platform, *options,
                wanted.requirements.files[0],
            ],
            self._root, self._shown(wanted),
        )
        return lock.select(tomllib.loads(said), wanted.target, self._root, wanted.requirements.hashes)

    def _compiled(self, sources: Sequence[Artifact], target: Target) -> list[Artifact]:
        """Those of which the index has wheels for some platform: building them would need a compiler."""
        if not sources:
            return []
        asked = "".join(f"{artifact.name}=={artifact.version}\n" for artifact in sources)
        said = self._uv.run(
            [
                "pip", "compile", "--no-header", "--format=pylock.toml", "--no-deps", "--universal",
                "--python-version", target.full_version, "-",
            ],
            self._root, "looking for wheels", asked,
        )
        with_wheels = {package["name"] for package in tomllib.loads(said).get("packages", ()) if package.get("wheels")}
        return [artifact for artifact in sources if artifact.name in with_wheels]

    def _obtain(self, artifact: Artifact, target: Target) -> Resolved:
        if artifact.kind == "wheel":
            return self._fetched(artifact)
        return self._built(artifact, target)

    def _fetched(self, artifact: Artifact) -> Resolved:
        wheel = self._store.get(artifact.sha256) if artifact.sha256 else None
        if wheel is not None:
            return Resolved(artifact.sha256, wheel, "wheel")
        with self._cache.temporary() as folder:
            path, key = self._download(artifact, folder)
            return Resolved(key, self._store.add(path, key, str(artifact)), "wheel")

    def _download(self, artifact: Artifact, folder: Path) -> tuple[Path, str]:
        size = f" ({artifact.size / 1e6:.1f} MB)" if artifact.size else ""
        self._say(f"fetching {artifact}{size}")
        path = folder / unquote(urlsplit(artifact.url).path.rpartition("/")[2])
        key = self._index.fetch(artifact.url, path, str(artifact))
        if artifact.sha256 and key != artifact.sha256:
            raise BuildError(
                f"{artifact}: the file has the sha256 {key}, not {artifact.sha256} as the index says",
                "somebody changed it, or a proxy did; do not use it before you know which",
            )
        return path, key

    def _built(self, artifact: Artifact, target: Target) -> Resolved:
        """A wheel built from source. It is used for every target, so it must hold no compiled code."""
        key = f"{artifact.sha256}-{target.version}" if artifact.kind == "sdist" else ""
        if key and (earlier := self._cache.load("built", key)) and (wheel := self._store.get(earlier.decode())):
            return Resolved(earlier.decode(), wheel, "build")
        with self._cache.temporary() as folder:
            if artifact.kind == "sdist":
                path, _ = self._download(artifact, folder)
            else:
                path = Path(unquote(urlsplit(artifact.url).path))
            self._say(f"building {artifact} from source")
            built = sdist.build(path, folder, self._uv, str(artifact))
            made = sha256(built) or ""
            wheel = self._store.add(built, made, str(artifact))
        if not wheel.pure:
            raise BuildError(
                f"{artifact}: no wheel for {target}, and its source holds code to compile",
                "require a version that has a wheel",
            )
        if key:
            self._cache.store("built", key, made.encode())
        return Resolved(made, wheel, "build")


def _platforms(target: Target) -> tuple[str, str]:
    """uv's name of the platform, and of the one to fall back on.

    uv has no glibc 2.26. It is asked for 2.28 first, of which 2.26 can load nearly every wheel (those it cannot are
    left out by their tags), then for 2.17, of which it can load all.
    """
    levels = ("2_34", "2_34") if target.glibc >= (2, 34) else ("2_28", "2_17") if target.glibc >= (2, 26) else (
        "2_17", "2_17")
    return f"{target.machine}-manylinux_{levels[0]}", f"{target.machine}-manylinux_{levels[1]}"
