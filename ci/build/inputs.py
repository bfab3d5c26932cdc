"""All that decides what a package holds, as one digest: the fast answer to "is there anything to build?".

Sources, requirements, settings, the configuration of uv and pip and the edition of the tools. What is not in the
digest does not change the package.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import re
import sys
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import astuple, dataclass, replace
from functools import cache, lru_cache
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from .. import indexes
from ..errors import BuildError
from ..model import Function
from . import requirements, sources, target
from .requirements import Requirements
from .sources import Source
from .target import Target

_TOOLS = ("uv", "packaging", "pathspec", "elftools", "lambda_packages")
_BESIDE = ("content", "indexes", "syntax")
"""Modules elsewhere that decide what a package holds."""
_IDLE = (
    "UV_CACHE_DIR", "UV_CONCURRENT", "UV_HTTP", "UV_KEYRING", "UV_LINK_MODE", "UV_LOG", "UV_NO_PROGRESS", "UV_OFFLINE",
    "UV_PROJECT_ENVIRONMENT", "UV_PUBLISH", "UV_PYTHON", "UV_SYSTEM", "UV_TOOL", "PIP_CACHE_DIR", "PIP_DISABLE",
    "PIP_DEFAULT_TIMEOUT",
)
"""Variables that change how uv and pip work, not what they find."""
_PLACE = re.compile(rb"^\s*-(?!-hash)|/", re.MULTILINE)
"""In requirements: an option, a path."""
_SECRET = ("_PASSWORD", "_USERNAME", "_TOKEN")


@dataclass(frozen=True)
class Wanted:
    """What is required, for which target; ``key`` is the digest of all that decides what it resolves to."""

    requirements: Requirements
    target: Target
    groups: tuple[str, ...]
    extras: tuple[str, ...]
    binaries: tuple[str, ...]
    key: str


@dataclass(frozen=True)
class Inputs:
    """What one function is built of. ``hashes`` has each source's hex sha256, ``key`` is the digest of everything."""

    function: Function
    sources: tuple[Source, ...]
    hashes: tuple[str, ...]
    wanted: Wanted | None
    key: str


class Reader:
    """Reads the inputs of functions; what they share is read once."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._hash = cache(sha256_of)
        self._wanted = cache(self._read_wanted)

    def read(self, function: Function) -> Inputs:
        """Every file that the function is built of, hashed.

        Raises BuildError for what cannot be packaged, see ``sources.collect``.
        """
        wanted = None
        if function.requirements is not None:
            wanted = self._wanted(
                function.requirements, target.of(function.runtime, function.architecture),
                function.packaging.groups, function.packaging.extras, function.packaging.binaries,
            )
        left_out = wanted.requirements.files if wanted else ()
        found = sources.collect(function, self._root, left_out)
        hashes = tuple(self._hash(source.file) for source in found)
        key = _digest([
            edition(), function.runtime, function.architecture, function.handler, list(map(str, function.include)),
            function.exclude, astuple(replace(function.packaging, bucket="")), function.hooks.build,
            [function.settings.get(name) for name in target.BESIDE], wanted.key if wanted else None,
            [(source.path, source.mode, digest) for source, digest in zip(found, hashes)],
        ])
        return Inputs(function, found, hashes, wanted, key)

    def _read_wanted(
        self, file: Path, wanted: Target, groups: tuple[str, ...], extras: tuple[str, ...], binaries: tuple[str, ...]
    ) -> Wanted:
        found = requirements.read(self._root / file, self._root)
        if found.kind == "requirements" and (groups or extras):
            raise BuildError(
                f"{file}: has no dependency groups and no extras, packaging names {', '.join((*groups, *extras))}",
                "name a pyproject.toml or a lock file as requirements, or take them out of packaging",
            )
        place = self._root if found.kind == "requirements" else found.file.parent  # where uv is run
        key = _digest([
            edition(), str(wanted), wanted.full_version, found.kind, groups, extras, sorted(binaries),
            target.is_here(wanted),
            [("" if _alone(found) else os.path.relpath(path, self._root), self._hash(path)) for path in found.files],
            [(os.path.relpath(path, self._root), list(self._tree(path))) for path in found.projects],
            {name: hashlib.sha256(os.environ.get(name, "").encode()).hexdigest() for name in found.variables},
            _settings(os.environ),
            [self._hash(path) for path in _configuration(place) if path.is_file()],
        ])
        return Wanted(found, wanted, groups, extras, binaries, key)

    def _tree(self, path: Path) -> Iterator[tuple[str, str]]:
        """Each file of a local project or wheel, without what was made of it: our own packages may be there."""
        if path.is_file():
            yield path.name, self._hash(path)
        for folder, inner, names in os.walk(path):
            inner[:] = sorted(set(inner) - sources.IGNORED - ({"dist"} if folder == str(path) else set()))
            for name in sorted(names):
                yield os.path.relpath(os.path.join(folder, name), path), self._hash(Path(folder, name))


def _alone(found: Requirements) -> bool:
    """Whether the file means the same in any folder: it names projects, and no path and no option but hashes."""
    beside = (found.file.with_name(name) for name in ("pyproject.toml", "uv.toml"))
    return (
        found.kind == "requirements" and not found.projects and not _PLACE.search(found.file.read_bytes())
        and not any(path.exists() for path in beside)
    )


def together(several: Iterable[Inputs]) -> str:
    """One digest for all of them."""
    return _digest([edition(), [inputs.key for inputs in several]])


@lru_cache(maxsize=1)
def edition() -> str:
    """A digest of what builds: this folder's code, the libraries and uv it uses, zlib, Python."""
    here = Path(__file__).parent
    code = [*(here.parent / f"{name}.py" for name in _BESIDE), *sorted((here.parent / "model").glob("*.py"))]
    code += sorted(here.glob("*.py"))
    return _digest([
        [(path.name, sha256_of(path)) for path in code], [_version(tool) for tool in _TOOLS],
        zlib.ZLIB_RUNTIME_VERSION, sys.version_info[:3],
    ])


def _version(module: str) -> str:
    """The installed version, read off the name of its .dist-info folder: importlib.metadata takes 50 ms to load."""
    found = importlib.util.find_spec(module)
    if found is None or found.origin is None:
        return ""
    site = Path(found.origin).parent.parent
    names = {"elftools": "pyelftools"}
    return ",".join(sorted(path.name for path in site.glob(f"{names.get(module, module)}-*.dist-info")))


def _settings(environ: Mapping[str, str]) -> dict[str, str]:
    """uv's and pip's variables without what is secret or rotates: it opens an index, it does not choose one."""
    return {
        name: " ".join(_anonymous(word) for word in value.split())
        for name, value in environ.items()
        if name.startswith(("UV_", "PIP_")) and not name.startswith(_IDLE) and not name.endswith(_SECRET)
    }


def _anonymous(word: str) -> str:
    if "://" not in word:
        return word
    parts = urlsplit(word)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def _configuration(place: Path) -> Iterator[Path]:
    """Files that uv, run in ``place``, and pip may take settings from.

    https://docs.astral.sh/uv/concepts/configuration-files/
    """
    home = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    for folder in (place, *place.parents):
        yield from (folder / "uv.toml", folder / "pyproject.toml")
    yield from (home / "uv/uv.toml", Path("/etc/uv/uv.toml"), *indexes.files(os.environ))
    for variable in ("UV_CONFIG_FILE", "UV_CONSTRAINT", "UV_OVERRIDE", "UV_BUILD_CONSTRAINT"):
        yield from map(Path, os.environ.get(variable, "").split())


def sha256_of(path: Path) -> str:
    """Hex. Raises BuildError when the file cannot be read."""
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise BuildError(f"{path}: {error.strerror}", "make it readable") from error


def _digest(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
