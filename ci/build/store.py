"""Wheels that were fetched or built, by the hash of their bytes, each with a directory of what it lays down."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import astuple, dataclass
from pathlib import Path

from ..model import File
from .archive import Entry
from .cache import Cache, sha256
from .elf import Binary
from .shelf import Shelf


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
    """Content-addressed wheels in a cache. ``edition`` names the code that reads them, ``shelf`` gets their files."""

    def __init__(self, cache: Cache, edition: str, shelf: Shelf | None = None) -> None:
        self._cache = cache
        self._edition = edition
        self._shelf = shelf
        self._known: dict[str, Wheel] = {}

    def get(self, key: str) -> Wheel | None:
        """The wheel with this hex sha256; None when it is not kept, or its bytes are no longer those."""
        if key not in self._known:
            path = self._cache.path("wheels", f"{key}.whl")
            if sha256(path) != key:
                return None
            self._cache.used("wheels", path.name)
            self._known[key] = parse(self._directory(key, path, path.name), path)
        return self._known[key]

    def add(self, finished: Path, key: str, what: str) -> Wheel:
        """Take in the file at ``finished``, whose hex sha256 is ``key``; ``what`` names it in messages.

        Raises BuildError when it is not a wheel.
        """
        dumped = self._directory(key, finished, what)
        path = self._cache.keep(finished, "wheels", f"{key}.whl")
        self._known[key] = parse(dumped, path)
        return self._known[key]

    def _directory(self, key: str, path: Path, what: str) -> bytes:
        dumped = self._cache.load("directories", f"{self._edition}-{key}")
        if dumped is None:
            from . import wheel

            dumped = dump(wheel.read(path, what, self._shelf))
            self._cache.store("directories", f"{self._edition}-{key}", dumped)
        return dumped


def dump(wheel: Wheel) -> bytes:
    """The wheel's directory, to be kept beside the wheel."""
    rows = [
        (*astuple(entry.file), entry.method, entry.length, base64.b64encode(entry.data).decode(), entry.offset)
        for entry in wheel.entries
    ]
    binaries = {path: astuple(binary) for path, binary in wheel.binaries.items()}
    return json.dumps([wheel.name, wheel.version, wheel.pure, rows, binaries, wheel.licence]).encode()


def parse(dumped: bytes, path: Path) -> Wheel:
    """The reverse of ``dump``, for the wheel at ``path``."""
    name, version, pure, rows, compiled, licence = json.loads(dumped)
    entries = tuple(
        Entry(File(*row), method, length, base64.b64decode(data), path if offset else None, offset)
        for *row, method, length, data, offset in rows
    )
    binaries = {
        inner: Binary(machine, (glibc[0], glibc[1]), tuple(needed), soname)
        for inner, (machine, glibc, needed, soname) in compiled.items()
    }
    return Wheel(name, version, pure, entries, binaries, licence)
