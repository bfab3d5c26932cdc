"""What of the dependencies does not go into a package, by which rule, and what that saves."""

from __future__ import annotations

import hashlib
import os
import re
from collections import Counter
from collections.abc import Container, Iterable, Iterator, Sequence

from .. import parallel
from ..model import File, Function, LeftOut, normalise
from . import archive, strip
from .archive import Entry
from .cache import Cache, sha256
from .dependencies import Resolved
from .inputs import edition
from .slim import Slim
from .sources import Excluded

_SDK = frozenset({"boto3", "botocore", "s3transfer", "jmespath"})
_OF_SDK = frozenset({"urllib3", "python-dateutil", "six"})
"""Both are in every Python runtime: https://docs.aws.amazon.com/lambda/latest/dg/lambda-python.html"""
_LEVEL = 6
"""Of compression: of large compiled files, once."""
_WORKERS = os.cpu_count() or 1


class Filter:
    """Takes the entries of each dependency, and gives those that go in. ``own`` is our own code."""

    def __init__(
        self, function: Function, wheels: Sequence[Resolved], own: Iterable[tuple[str, bytes]], cache: Cache
    ) -> None:
        packaging = function.packaging
        self._cache = cache
        self._excluded = Excluded(function.exclude)
        self._debug = "debug" in packaging.slim
        provided = _provided(wheels) if packaging.provided else frozenset()
        self.provided = tuple(item for item in wheels if normalise(item.wheel.name) in provided)
        self.wheels = tuple(item for item in wheels if item not in self.provided)
        slim = Slim(packaging.slim, (item.wheel for item in self.wheels), own)
        self._left = {item.key: slim.left_out(item.wheel) for item in self.wheels} if packaging.slim else {}
        self._files: Counter[str] = Counter()
        self._size: Counter[str] = Counter()
        self._unzipped: Counter[str] = Counter()
        for item in self.provided:
            for entry in item.wheel.entries:
                self._count("provided", entry)

    def entries(self, item: Resolved) -> list[Entry]:
        """What goes in of a dependency."""
        left = self._left.get(item.key, {})
        going = []
        for entry in item.wheel.entries:
            path = entry.file.path
            if self._excluded(path):
                self._count("exclude", entry)
            elif path in left:
                self._count(left[path], entry)
            else:
                going.append(entry)
        return self._stripped(going, item.wheel.binaries) if self._debug else going

    def said(self) -> tuple[LeftOut, ...]:
        """What each rule saved."""
        return tuple(LeftOut(r, self._files[r], self._size[r], self._unzipped[r]) for r in sorted(self._files))

    def _count(self, rule: str, entry: Entry, instead: Entry | None = None) -> None:
        self._files[rule] += 1
        self._size[rule] += entry.length - (instead.length if instead else 0)
        self._unzipped[rule] += entry.file.size - (instead.file.size if instead else 0)

    def _stripped(self, entries: list[Entry], compiled: Container[str]) -> list[Entry]:
        made = parallel.each(
            lambda entry: _kept(entry, self._cache) or _strip(entry, self._cache),
            [entry for entry in entries if entry.file.path in compiled], workers=_WORKERS,
        )
        instead = {entry.file.path: entry for entry in made}
        for entry in entries:
            found = instead.get(entry.file.path, entry)
            if found is not entry:
                self._count("debug", entry, found)
        return [instead.get(entry.file.path, entry) for entry in entries]


def _kept(entry: Entry, cache: Cache) -> Entry | None:
    """What was made of the file before, when that is still whole."""
    said = cache.load("stripped", _key(entry))
    if said is None:
        return None
    if not said:
        return entry
    hashed, length, size, crc32, content = said.decode().split()
    path = cache.path("stripped", f"{_key(entry)}.deflate")
    if sha256(path) != hashed:
        return None
    cache.used("stripped", path.name)
    file = File(entry.file.path, entry.file.mode, int(size), int(crc32), content)
    return Entry(file, archive.DEFLATED, int(length), container=path)


def _strip(entry: Entry, cache: Cache) -> Entry:
    """The file stripped, and compressed again; the same where that is not smaller."""
    content = strip.strip(archive.content(entry))
    made = archive.compress(entry.file.path, entry.file.mode, content, _LEVEL) if content else entry
    if made.length >= entry.length or made.method != archive.DEFLATED:
        cache.store("stripped", _key(entry), b"")
        return entry
    with cache.temporary() as folder:
        (folder / "stream").write_bytes(made.data)
        cache.keep(folder / "stream", "stripped", f"{_key(entry)}.deflate")
    hashed = hashlib.sha256(made.data).hexdigest()
    said = (hashed, made.length, made.file.size, made.file.crc32, made.file.sha256)
    cache.store("stripped", _key(entry), " ".join(map(str, said)).encode())
    return made


def _key(entry: Entry) -> str:
    return f"{edition()[:16]}-{entry.file.sha256}"


def _provided(wheels: Sequence[Resolved]) -> frozenset[str]:
    """What is required and in the runtime too: the SDK, and of what it requires that which nothing else does."""
    required = {normalise(item.wheel.name): frozenset(_requires(item)) for item in wheels}
    gone = _SDK | _OF_SDK
    while needed := (gone - _SDK) & frozenset[str]().union(*(of for name, of in required.items() if name not in gone)):
        gone -= needed
    return gone


def _requires(item: Resolved) -> Iterator[str]:
    """Normalised names of what a dependency requires, whatever the markers say."""
    from email.parser import HeaderParser

    for entry in item.wheel.entries:
        folder, _, name = entry.file.path.partition("/")
        if folder.endswith(".dist-info") and name == "METADATA":
            about = HeaderParser().parsestr(archive.content(entry).decode("utf-8", "replace"))
            for required in about.get_all("Requires-Dist", []):
                if found := re.match(r"[A-Za-z0-9._-]+", required):
                    yield normalise(found[0])
