"""Artifacts -> wheels in the cache: fetched from the index once and checked, or built from source."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from urllib.parse import unquote, urlsplit

from ..errors import BuildError
from . import lambdapackages, sdist
from .cache import Cache, sha256
from .dependencies import Resolved
from .index import Index
from .inputs import Wanted
from .lock import Artifact
from .store import Store
from .target import is_here
from .uv import Uv


class Fetcher:
    """Fetches and builds."""

    def __init__(
        self, cache: Cache, store: Store, uv: Uv, index: Index, say: Callable[[str], None]
    ) -> None:
        self._cache = cache
        self._store = store
        self._uv = uv
        self._index = index
        self._say = say

    def obtain(self, artifact: Artifact, wanted: Wanted) -> Resolved:
        """The artifact's wheel, from the cache, the index or its source.

        Raises BuildError: it cannot be fetched, is not what the index promised, does not build, or builds into
        compiled code.
        """
        if artifact.kind == "wheel":
            return self._fetched(artifact)
        if artifact.kind == "lambda-packages":
            return self._repacked(artifact)
        return self._built(artifact, wanted)

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

    def _repacked(self, artifact: Artifact) -> Resolved:
        with self._cache.temporary() as folder:
            made = lambdapackages.as_wheel(_path(artifact), artifact, folder)
            key = sha256(made) or ""
            return Resolved(key, self._store.add(made, key, str(artifact)), "lambda-packages")

    def _built(self, artifact: Artifact, wanted: Wanted) -> Resolved:
        """A wheel built from source. Compiled code in it is for this host, which must then be the target."""
        target = wanted.target
        compiles = is_here(target) and "build" in wanted.binaries
        fetched = artifact.kind in ("sdist", "archive")
        key = f"{artifact.sha256}-{target.version}-{target.machine}" if fetched and artifact.sha256 else ""
        if key and (earlier := self._cache.load("built", key)) and (wheel := self._store.get(earlier.decode())):
            if wheel.pure or compiles:
                return Resolved(earlier.decode(), wheel, "build")
        with self._cache.temporary() as folder:
            if fetched:
                path, _ = self._download(artifact, folder)
            else:
                path = _path(artifact)
            self._say(f"building {artifact} from source")
            try:
                built = sdist.build(path, folder, self._uv, str(artifact))
            except BuildError as error:
                hint = error.hint if compiles else f"{error.hint}; where it holds code to compile, {_elsewhere(wanted)}"
                raise BuildError(error.message, hint) from error
            made = sha256(built) or ""
            wheel = self._store.add(built, made, str(artifact))
        if not wheel.pure and not compiles:
            raise BuildError(
                f"{artifact}: no wheel for {target}, and its source holds code that this host compiles for itself",
                f"require a version that has a wheel, or {_elsewhere(wanted)}",
            )
        if key:
            self._cache.store("built", key, made.encode())
        return Resolved(made, wheel, "build")


def _elsewhere(wanted: Wanted) -> str:
    """Where it could be built, or what keeps it from being built here."""
    if is_here(wanted.target):
        return "name build in the binaries of packaging"
    return f"build in a Linux container with Python {wanted.target.version} on {wanted.target.machine}"


def _path(artifact: Artifact) -> Path:
    return Path(unquote(urlsplit(artifact.url).path))
