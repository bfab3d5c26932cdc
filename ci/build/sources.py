"""Our own files of a package: which files of the repository go in, under which path. Reads, never writes."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ..errors import BuildError
from ..model import Function

IGNORED = frozenset({
    "__pycache__", ".git", ".hg", ".svn", ".venv", ".tox", ".nox", ".mypy_cache", ".pytest_cache", ".ruff_cache",
    ".dollop", ".DS_Store", ".gitignore", ".gitattributes",
})
"""Names that never belong into a package: caches, environments and the version control's own files."""
_BYTECODE = (".pyc", ".pyo")


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

    The content of ``source`` lies at the root of the package, each ``include`` under its own name. ``exclude`` is not
    applied here, see ``admitted``.

    Raises BuildError for a missing folder, a symbolic link that leaves the repository, two files with one path.
    """
    home = root.resolve()
    left_out = {path.resolve() for path in without}
    found: dict[str, Source] = {}
    for folder, prefix in [(function.source, ""), *((path, path.name) for path in function.include)]:
        start = home / folder
        if not start.exists():
            raise BuildError(f"function {function.name}: {folder} does not exist", "check source and include")
        for source in _walk(start, prefix, home, ()):
            if source.file.resolve() in left_out:
                continue
            other = found.setdefault(source.path, source)
            if other.file != source.file:
                raise BuildError(
                    f"function {function.name}: {other.shown} and {source.shown} "
                    f"would both be {source.path} in the package",
                    "rename one of them",
                )
    return tuple(sorted(found.values(), key=lambda source: source.path.encode()))


def _walk(path: Path, inside: str, home: Path, above: tuple[Path, ...]) -> Iterator[Source]:
    real = path.resolve()
    if path.is_symlink() and not real.is_relative_to(home):
        raise BuildError(f"{path}: a symbolic link that leads outside the repository", "copy what it points to")
    try:
        status = path.stat()
    except FileNotFoundError:
        raise BuildError(f"{path}: a symbolic link to nothing", "remove the link") from None
    if stat.S_ISREG(status.st_mode):
        mode = 0o755 if status.st_mode & stat.S_IXUSR else 0o644
        yield Source(inside, path, mode, os.path.relpath(path, home))
    elif stat.S_ISDIR(status.st_mode):
        if real in above:
            raise BuildError(f"{path}: a symbolic link to a folder that it is in", "remove the link")
        for name in os.listdir(path):
            if name not in IGNORED and not name.endswith(_BYTECODE):
                below = f"{inside}/{_utf8(name, path)}" if inside else _utf8(name, path)
                yield from _walk(path / name, below, home, (*above, real))
    else:
        raise BuildError(f"{path}: neither a file nor a folder", "remove it, or exclude it")


def _utf8(name: str, folder: Path) -> str:
    """The name as a zip spells it, whatever this process's locale makes of it."""
    try:
        return os.fsencode(name).decode()
    except UnicodeDecodeError:
        raise BuildError(f"{folder}: the file name {name!a} is not UTF-8", "rename it") from None


class Excluded:
    """``exclude`` of a function: patterns as in .gitignore, over the paths of the package."""

    def __init__(self, patterns: tuple[str, ...]) -> None:
        self._matches = None
        if patterns:
            from pathspec import GitIgnoreSpec

            self._matches = GitIgnoreSpec.from_lines(patterns).match_file

    def __call__(self, path: str) -> bool:
        return self._matches is not None and self._matches(path)
