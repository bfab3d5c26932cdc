"""The cache folder: what is in it is whole or not there, whoever was killed while writing it.

Every entry is written beside and renamed, so that two builds at once or a crash never leave half of one. What is
read back is checked against its hash: a damaged entry counts as absent and is made again.
"""

from __future__ import annotations

import hashlib
import os
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_HOUR = 3600
_DAY = 24 * _HOUR
"""Seconds after which a temporary folder belongs to nobody alive, and an entry is in nobody's hands."""
_UNUSED = 30 * _DAY
_LIMIT = 1_000_000_000
"""Entries are removed that were not used for so many seconds; and, beyond so many bytes, not for longest."""


class Cache:
    """Content-addressed files under ``root``."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def path(self, kind: str, key: str) -> Path:
        """Where the entry ``key`` of a kind (packages, wheels, ...) is or would be."""
        return self.root / kind / key

    @contextmanager
    def temporary(self) -> Iterator[Path]:
        """A folder of one's own on the cache's filesystem, gone afterwards."""
        import shutil
        from tempfile import mkdtemp

        parent = self.root / "tmp"
        parent.mkdir(parents=True, exist_ok=True)
        folder = Path(mkdtemp(dir=parent))
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def keep(self, temporary: Path, kind: str, key: str) -> Path:
        """Move a finished file into the cache."""
        path = self.path(kind, key)
        path.parent.mkdir(parents=True, exist_ok=True)
        os.replace(temporary, path)
        self.used(kind, key)
        return path

    def keep_folder(self, temporary: Path, kind: str, key: str) -> Path:
        """Move a finished folder into the cache, over what is there."""
        path = self.path(kind, key)
        path.parent.mkdir(parents=True, exist_ok=True)
        while True:
            try:
                return temporary.rename(path)
            except OSError:
                if not path.is_dir():
                    raise
                with self.temporary() as folder:  # a folder that is not empty cannot be replaced, only moved away
                    with suppress(FileNotFoundError):
                        path.rename(folder / "old")
                    with suppress(OSError):
                        return temporary.rename(path)  # before the other is removed: somebody may be reading

    def store(self, kind: str, key: str, payload: bytes) -> None:
        """Keep ``payload`` with its hash."""
        with self.temporary() as folder:
            beside = folder / "entry"
            beside.write_bytes(hashlib.sha256(payload).digest() + zlib.compress(payload, 1))
            self.keep(beside, kind, key)

    def load(self, kind: str, key: str) -> bytes | None:
        """What ``store`` kept, or None when it is not there or damaged."""
        try:
            kept = self.path(kind, key).read_bytes()
            self.used(kind, key)
            payload = zlib.decompress(kept[32:])
        except (FileNotFoundError, zlib.error):
            return None
        return payload if hashlib.sha256(payload).digest() == kept[:32] else None

    def used(self, kind: str, key: str) -> None:
        """An entry was of use just now: ``prune`` leaves it for longer."""
        with suppress(OSError):  # a cache that cannot be written to can be read
            os.utime(self.path(kind, key))

    def tidy(self) -> None:
        """``sweep`` and ``prune``, at most once an hour: what is younger than a day is not theirs."""
        last = self.root / "tidied"
        with suppress(FileNotFoundError):
            if 0 <= time.time() - last.stat().st_mtime < _HOUR:
                return
        self.sweep()
        self.prune()
        last.touch()

    def sweep(self) -> None:
        """Remove temporary folders that a killed build left behind."""
        import shutil

        for entry in os.scandir(self.root / "tmp"):
            with suppress(FileNotFoundError):  # its build has ended meanwhile
                if time.time() - entry.stat().st_mtime > _DAY:
                    shutil.rmtree(entry.path, ignore_errors=True)

    def prune(self) -> None:
        """Remove what has not been of use for long. What any build used within a day stays, whatever its size."""
        now = time.time()
        total = 0
        for used, size, path in sorted(self._entries(), reverse=True):
            total += size
            if now - used > _DAY and (total > _LIMIT or now - used > _UNUSED):
                with self.temporary() as folder, suppress(FileNotFoundError):
                    path.rename(folder / "old")  # at once, so that nobody finds half of it

    def _entries(self) -> Iterator[tuple[float, int, Path]]:
        """When each was used, its bytes, and where it is."""
        for path in self.root.glob("*/*"):
            with suppress(FileNotFoundError):
                if path.parent.name != "tmp":
                    yield path.stat().st_mtime, _size(path), path


def _size(path: Path) -> int:
    if not path.is_dir():
        return path.stat().st_size
    return sum(file.lstat().st_size for file in path.rglob("*"))


def sha256(path: Path) -> str | None:
    """Hex sha256 of a file, None when there is none."""
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except FileNotFoundError:
        return None
