"""A reproducible zip: entries that are already compressed, sorted, with fixed times and modes.

Python's zipfile cannot take pre-compressed entries, so the few records of the format are written here
(https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT). Reading is left to zipfile.
"""

from __future__ import annotations

import base64
import hashlib
import mmap
import struct
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from ..model import File

STORED, DEFLATED = 0, 8
_LOCAL = struct.Struct("<4s5H3L2H")
_CENTRAL = struct.Struct("<4s6H3L5H2L")
_END = struct.Struct("<4s4H2LH")
_END64 = struct.Struct("<4sQ2H2L4Q")
_LOCATOR64 = struct.Struct("<4sLQL")
_DATE = 1 << 5 | 1  # 1980-01-01, the first day a zip can tell
_UNIX = 3
_UTF8 = 1 << 11
_MASK, _MASK_COUNT = 0xFFFFFFFF, 0xFFFF
"""What a field holds when the value is in the ZIP64 record instead."""
_LIMIT, _LIMIT_COUNT = _MASK, _MASK_COUNT


@dataclass(frozen=True)
class Entry:
    """One file, compressed by ``method``: ``length`` bytes, as ``data`` or at ``offset`` of ``container``."""

    file: File
    method: int
    length: int
    data: bytes = b""
    container: Path | None = None
    offset: int = 0


Entries = Mapping[str, Entry]
"""By their paths in the package."""


@dataclass(frozen=True)
class Written:
    """``sha256`` is base64, as AWS's CodeSha256; ``size`` is in bytes."""

    sha256: str
    size: int


def compress(path: str, mode: int, content: bytes, level: int = 9) -> Entry:
    """One of our own files as an entry: deflated, or stored where that is not smaller."""
    compressor = zlib.compressobj(level, zlib.DEFLATED, -zlib.MAX_WBITS)
    data = compressor.compress(content) + compressor.flush()
    method = DEFLATED if len(data) < len(content) else STORED
    if method == STORED:
        data = content
    file = File(path, mode, len(content), zlib.crc32(content), hashlib.sha256(content).hexdigest())
    return Entry(file, method, len(data), data)


def content(entry: Entry) -> bytes:
    """The file itself, decompressed."""
    data = entry.data
    if entry.container is not None:
        with entry.container.open("rb") as stream:
            stream.seek(entry.offset)
            data = stream.read(entry.length)
    return data if entry.method == STORED else zlib.decompress(data, -zlib.MAX_WBITS, entry.file.size or 1)


def write(entries: Sequence[Entry], stream: BinaryIO) -> Written:
    """Write the zip of ``entries`` to ``stream``, which need not be seekable."""
    ordered = sorted(entries, key=lambda entry: entry.file.path.encode())
    hashed = hashlib.sha256()
    position = 0
    directory = []

    def put(data: bytes | memoryview) -> None:
        nonlocal position
        hashed.update(data)
        stream.write(data)
        position += len(data)

    containers = {path: mapped(path) for path in {entry.container for entry in entries if entry.container}}
    for entry in ordered:
        directory.append(_central(entry, position))
        put(_local(entry))
        if entry.container is None:
            put(entry.data)
        else:
            put(containers[entry.container][entry.offset:entry.offset + entry.length])
    start = position
    put(b"".join(directory))
    put(_end(len(directory), position - start, start))
    return Written(base64.b64encode(hashed.digest()).decode(), position)


def mapped(path: Path) -> memoryview:
    """The file's bytes, read when they are looked at."""
    with path.open("rb") as stream:
        return memoryview(mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ))


def _header(entry: Entry, large: bool) -> tuple[bytes, tuple[int, ...]]:
    """The name and the fields that the local header and the directory share."""
    name = entry.file.path.encode()
    flags = 0 if name.isascii() else _UTF8
    needed = 45 if large else 20
    return name, (needed, flags, entry.method, 0, _DATE, entry.file.crc32)


def _local(entry: Entry) -> bytes:
    large = max(entry.length, entry.file.size) >= _LIMIT
    name, shared = _header(entry, large)
    sizes = (_MASK, _MASK) if large else (entry.length, entry.file.size)
    extra = struct.pack("<2H2Q", 1, 16, entry.file.size, entry.length) if large else b""
    return _LOCAL.pack(b"PK\3\4", *shared, *sizes, len(name), len(extra)) + name + extra


def _central(entry: Entry, offset: int) -> bytes:
    wide = [value for value in (entry.file.size, entry.length, offset) if value >= _LIMIT]
    name, shared = _header(entry, bool(wide))
    extra = struct.pack(f"<2H{len(wide)}Q", 1, 8 * len(wide), *wide) if wide else b""
    made_by = _UNIX << 8 | shared[0]
    attributes = (0o100000 | entry.file.mode) << 16
    length, size, start = (_MASK if value in wide else value for value in (entry.length, entry.file.size, offset))
    fixed = _CENTRAL.pack(
        b"PK\1\2", made_by, *shared, length, size, len(name), len(extra), 0, 0, 0, attributes, start
    )
    return fixed + name + extra


def _end(count: int, size: int, start: int) -> bytes:
    record = b""
    few = count
    if count >= _LIMIT_COUNT or size >= _LIMIT or start >= _LIMIT:
        version = _UNIX << 8 | 45
        record = _END64.pack(b"PK\6\6", _END64.size - 12, version, 45, 0, 0, count, count, size, start)
        record += _LOCATOR64.pack(b"PK\6\7", 0, start + size, 1)
        few, size, start = _MASK_COUNT, _MASK, _MASK
    return record + _END.pack(b"PK\5\6", 0, 0, few, few, size, start, 0)
