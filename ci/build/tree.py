"""The files of a package in a folder, to be imported there.

Dependencies are laid out once for all functions that have the same ones, below the cache, with the bytecode that
Python compiles beside them: to lay them out and compile them takes many times longer than to import them. At first
without what hardly any import asks for, as tests and headers are; all of them when an import failed.
"""

from __future__ import annotations

import os
from pathlib import Path
from threading import Lock

from .. import content, parallel
from . import archive
from .archive import Entries, Entry
from .cache import Cache
from .shelf import Shelf, usual

_WORKERS = os.cpu_count() or 1
_PARTS = 8 * _WORKERS
_LAYING = Lock()
"""Of two functions with the same dependencies one lays them out: nothing is replaced while the other imports it."""


class Tree:
    """The files of ``package``, as they were laid out earlier, or laid out now."""

    def __init__(self, package: Entries, cache: Cache, shelf: Shelf | None = None) -> None:
        self._package = package
        self._cache = cache
        self._shelf = shelf
        self._key = content.digest(entry.file for entry in package.values())
        seldom = any(not usual(path) for path in package)
        self.whole = not seldom or cache.path("trees", f"{self._key}-whole").is_dir()
        """All of them are there."""
        self.new = False
        self._lay()

    @property
    def path(self) -> Path:
        return self._cache.path("trees", f"{self._key}-whole" if self.whole else self._key).absolute()

    def lay_whole(self) -> None:
        """All of them; anew where they were all there, for then one of them is damaged."""
        damaged, self.whole = self.whole, True
        self._lay(damaged)

    def _lay(self, damaged: bool = False) -> None:
        with _LAYING:
            if self.path.is_dir() and not damaged:
                self._cache.used("trees", self.path.name)
            else:
                self._write()

    def _write(self) -> None:
        package = {path: entry for path, entry in self._package.items() if self.whole or usual(path)}
        with self._cache.temporary() as folder:
            lay(package, folder / "tree", self._shelf)
            self._cache.keep_folder(folder / "tree", "trees", self.path.name)
        self.new = True


def lay(package: Entries, folder: Path, shelf: Shelf | None = None) -> None:
    """Write the files of ``package`` below ``folder``; those on the ``shelf`` are links."""
    for parent in {folder, *(folder / _spelt(path.rpartition("/")[0]) for path in package)}:
        parent.mkdir(parents=True, exist_ok=True)

    def write(entries: list[Entry]) -> None:
        for entry in entries:
            path = folder / _spelt(entry.file.path)
            if shelf and shelf.link(entry, path):
                continue
            path.write_bytes(archive.content(entry))
            if entry.file.mode & 0o111:
                path.chmod(entry.file.mode)

    ordered = sorted(package.values(), key=lambda entry: entry.file.size)
    parallel.each(write, [ordered[start::_PARTS] for start in range(_PARTS)], workers=_WORKERS)


def _spelt(path: str) -> str:
    """The name in UTF-8, whatever this process's locale makes of it."""
    return os.fsdecode(path.encode())
