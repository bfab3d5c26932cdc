"""Wheels that were fetched or built, by the hash of their bytes, each with a directory of what it lays down."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import astuple, dataclass
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from ..model import File
from .archive import Entry
from .cache import Cache, sha256
from .elf import Binary

if TYPE_CHECKING:
    from .readers import Readers


@dataclass(frozen=True)
class Wheel:
    """``pure``: runs on any processor, by its own word. ``entries`` are sorted by path."""

    name: str
    version: str
    pure: bool
    entries: tuple[Entry, ...]
    binaries: Mapping[str, Binary]
    """Compiled files, by their path."""
    licence: str = ""
    """As model.Dependency says it."""


class Store:
    """Content-addressed wheels in a cache. ``edition`` names the code of those who read them."""

    def __init__(self, cache: Cache, edition: str, readers: Readers) -> None:
        self._cache = cache
        self._edition = edition
        self._readers = readers
        self._known: dict[str, Wheel] = {}
        self._reading: dict[str, Lock] = {}

    def get(self, key: str) -> Wheel | None:
        """The wheel with this hex sha256; None when it is not kept, or its bytes are no longer those."""
        if key not in self._known:
            path = self._cache.path("wheels", f"{key}.whl")
            if sha256(path) != key:
                return None
            self._cache.used("wheels", path.name)
            self._read(key, path, path.name)
        return self._known[key]

    def add(self, finished: Path, key: str, what: str) -> Wheel:
        """Take in the file at ``finished``, whose hex sha256 is ``key``; ``what`` names it in messages.

        Raises BuildError when it is not a wheel.
        """
        self._read(key, self._cache.keep(finished, "wheels", f"{key}.whl"), what)
        return self._known[key]

    def _read(self, key: str, path: Path, what: str) -> None:
        """Into what is known; once, also where several ask for it at the same time."""
        with self._reading.setdefault(key, Lock()):
            if key not in self._known:
                dumped = self._cache.load("directories", f"{self._edition}-{key}")
                if dumped is None:
                    dumped = b"[%b]" % b",".join(self._readers.read(path, what))
                    self._cache.store("directories", f"{self._edition}-{key}", dumped)
                self._known[key] = parse(dumped, path)


def dump(wheel: Wheel) -> bytes:
    """The wheel's directory, or a part of it, to be kept beside the wheel."""
    rows = [
        (*astuple(entry.file), entry.method, entry.length, base64.b64encode(entry.data).decode(), entry.offset)
        for entry in wheel.entries
    ]
    binaries = {path: astuple(binary) for path, binary in wheel.binaries.items()}
    return json.dumps([wheel.name, wheel.version, wheel.pure, rows, binaries, wheel.licence]).encode()


def parse(dumped: bytes, path: Path) -> Wheel:
    """The reverse of ``dump``, for the wheel at ``path``, of a list of all parts."""
    parts = json.loads(dumped)
    name, version, pure, _, _, licence = parts[0]
    entries = [
        Entry(File(*row), method, length, base64.b64decode(data), path if offset else None, offset)
        for part in parts for *row, method, length, data, offset in part[3]
    ]
    binaries = {
        inner: Binary(machine, (glibc[0], glibc[1]), tuple(needed), soname)
        for part in parts for inner, (machine, glibc, needed, soname) in part[4].items()
    }
    return Wheel(name, version, pure, tuple(sorted(entries, key=lambda entry: entry.file.path)), binaries, licence)
