"""Our own files of a package: which files of the repository go in, under which path. Reads, never writes."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from ..errors import BuildError
from ..model import Function, fits

IGNORED = frozenset({
    "__pycache__", ".git", ".hg", ".svn", ".venv", ".tox", ".nox", ".mypy_cache", ".pytest_cache", ".ruff_cache",
    ".dollop", ".DS_Store", ".gitignore", ".gitattributes",
})
"""Names that never belong into a package: caches, environments and the version control's own files."""
_BYTECODE = (".pyc", ".pyo")
_COPY = "copy what it points to; where the package does not need it, list it under exclude in pipeline.yaml"


@dataclass(frozen=True, order=True)
class Source:
    """A file of the repository and its path in the package; ``mode`` is 0644, or 0755 for an executable."""

    path: str
    file: Path
    mode: int
    shown: str
    """Its path from the repository's root, for messages."""


def collect(function: Function, root: Path, without: Iterable[Path] = ()) -> tuple[Source, ...]:
    """Every file of the function's folder and of its includes, sorted by path; ``without`` names files to leave out.

    The content of ``source`` lies at the root of the package, each ``include`` under its own name. Of what ``exclude``
    names only that is left out which cannot be packaged, as the links of an environment; see ``Excluded``.

    Raises BuildError for a missing folder, a symbolic link that leaves the repository, two files with one path.
    """
    excluded = Excluded(function.exclude)
    home = os.path.realpath(root)
    left_out = {_identity(os.stat(path)) for path in without}
    found: dict[str, Source] = {}
    for folder, prefix in [(function.source, ""), *((path, path.name) for path in function.include)]:
        try:
            walked = list(_walk(home, folder.as_posix(), prefix, left_out, excluded, ()))
        except BuildError as error:
            raise BuildError(f"function {function.name}: {error.message}", error.hint) from error
        for source in walked:
            other = found.setdefault(source.path, source)
            if other.file != source.file and not excluded(source.path):
                raise BuildError(
                    f"function {function.name}: {other.shown} and {source.shown} "
                    f"would both be {source.path} in the package",
                    "rename one of them",
                )
    return tuple(sorted(found.values(), key=lambda source: source.path.encode()))


def _walk(
    home: str, shown: str, inside: str, left_out: set[tuple[int, int]], excluded: Excluded,
    above: tuple[tuple[int, int], ...],
) -> Iterator[Source]:
    """The file, or the files of the folder, at ``shown`` of the repository ``home``."""
    path = os.path.join(home, shown)
    try:
        status = _status(home, shown, above)
    except BuildError:
        if excluded(inside) or excluded(f"{inside}/"):
            return
        raise
    identity = _identity(status)
    if stat.S_ISREG(status.st_mode):
        if identity not in left_out:
            yield Source(inside, Path(path), 0o755 if status.st_mode & stat.S_IXUSR else 0o644, shown)
        return
    for name in os.listdir(path):
        if name not in IGNORED and not name.endswith(_BYTECODE):
            spelt = _utf8(name, shown)
            below = f"{inside}/{spelt}" if inside else spelt
            if not fits(spelt) and not excluded(below):
                raise BuildError(f"{shown} has a file whose name no package can hold, {spelt!a}", "rename it")
            yield from _walk(home, f"{shown}/{name}", below, left_out, excluded, (*above, identity))


def _status(home: str, shown: str, above: tuple[tuple[int, int], ...]) -> os.stat_result:
    """Of a file, or of a folder that is none of those ``above``. Raises BuildError for what cannot be packaged."""
    path = os.path.join(home, shown)
    if os.path.islink(path) and os.path.commonpath([home, os.path.realpath(path)]) != home:
        raise BuildError(f"{shown} is a symbolic link that leads outside the repository", _COPY)
    try:
        status = os.stat(path)
    except OSError as error:
        what = "leads nowhere" if os.path.islink(path) else f"cannot be read: {error.strerror}"
        raise BuildError(f"{shown} {what}", "check source and include in pipeline.yaml, and the file") from error
    if stat.S_ISDIR(status.st_mode) and _identity(status) in above:
        raise BuildError(f"{shown} is a symbolic link to a folder that it is in", "remove the link, or exclude it")
    if not stat.S_ISDIR(status.st_mode) and not stat.S_ISREG(status.st_mode):
        raise BuildError(f"{shown} is neither a file nor a folder", "remove it, or exclude it")
    return status


def _identity(status: os.stat_result) -> tuple[int, int]:
    return status.st_dev, status.st_ino


def _utf8(name: str, folder: str) -> str:
    """The name as a zip spells it, whatever this process's locale makes of it."""
    try:
        return os.fsencode(name).decode()
    except UnicodeDecodeError:
        raise BuildError(f"{folder} has a file whose name is not UTF-8, {name!a}", "rename it") from None


class Excluded:
    """``exclude`` of a function: patterns as in .gitignore, over the paths of the package."""

    def __init__(self, patterns: tuple[str, ...]) -> None:
        self._patterns = patterns

    def __call__(self, path: str) -> bool:
        return bool(self._patterns) and self._matches(path)

    @cached_property
    def _matches(self) -> Callable[[str], bool]:
        from pathspec import GitIgnoreSpec

        return GitIgnoreSpec.from_lines(self._patterns).match_file
