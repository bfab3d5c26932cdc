"""A wheel as the files that an installer would lay down with ``--target``, still compressed.

https://packaging.python.org/en/latest/specifications/binary-distribution-format/. Left out are what only the
installing host needs: the scripts of ``bin/`` that hold the path of its interpreter, and bytecode.
"""

from __future__ import annotations

import csv
import hashlib
import io
import re
import struct
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import nullcontext
from email.message import Message
from email.parser import HeaderParser
from pathlib import Path, PurePosixPath
from zipfile import BadZipFile, ZipFile, ZipInfo

from ..errors import BuildError
from ..model import File, fits
from . import archive, elf
from .archive import Entry
from .elf import Binary
from .shelf import Shelf, usual
from .store import Wheel

_LOCAL = struct.Struct("<4s22x2H")
_ENCRYPTED = 1
_BLOCK = 1 << 16
_PYTHON = b"#!python"
"""https://packaging.python.org/en/latest/specifications/binary-distribution-format/#recommended-installer-features"""
_INSTALLER = ("INSTALLER", "REQUESTED", "direct_url.json", "uv_cache.json")
"""Files of .dist-info that an installer writes about itself and its host."""


def read(path: Path, what: str, shelf: Shelf | None = None, number: int = 0, count: int = 1) -> Wheel:
    """What the wheel lays down; ``what`` names it in messages. Of ``count`` parts of it only that of ``number``.

    Every file is decompressed once, to know its hash, and checked against its CRC; ``shelf`` gets it.

    Raises BuildError when it is not a wheel or is damaged.
    """
    try:
        with ZipFile(path) as opened:
            return _read(opened, path, archive.mapped(path), shelf, number, count)
    except (BadZipFile, zlib.error, EOFError, KeyError, ValueError, NotImplementedError, struct.error) as error:
        raise BuildError(f"{what}: not a wheel that can be read: {error}", "fetch or build it again") from error


def _read(opened: ZipFile, path: Path, whole: memoryview, shelf: Shelf | None, number: int, count: int) -> Wheel:
    members = {member.filename: member for member in opened.infolist() if not member.is_dir()}
    info = _information(members)
    about = HeaderParser().parsestr(opened.read(f"{info}/METADATA").decode())
    tags = HeaderParser().parsestr(opened.read(f"{info}/WHEEL").decode()).get_all("Tag", [])
    destinations = {name: _destination(name, info, about["Name"], _is_for_python(opened, name)) for name in members}
    record = f"{info}/RECORD"
    entries = {}
    binaries = {}
    for name, member in _part(members, number, count):
        destination = destinations[name]
        if destination == record and any(new != old for old, new in destinations.items()):
            entries[destination] = archive.compress(destination, 0o644, _record(opened.read(name), destinations))
        elif destination is not None:
            entries[destination], binary = _entry(opened, member, destination, path, whole, shelf)
            if binary is not None:
                binaries[destination] = binary
    ordered = tuple(entries[name] for name in sorted(entries))
    pure = all(tag.endswith("-none-any") for tag in tags)
    return Wheel(about["Name"], about["Version"], pure, ordered, binaries, _licence(about))


def _part(members: Mapping[str, ZipInfo], number: int, count: int) -> list[tuple[str, ZipInfo]]:
    """Of ``count`` parts that are about as large, one."""
    parts: list[list[tuple[str, ZipInfo]]] = [[] for _ in range(count)]
    sizes = [0] * count
    for name, member in sorted(members.items(), key=lambda item: -item[1].file_size):
        least = sizes.index(min(sizes))
        parts[least].append((name, member))
        sizes[least] += member.file_size + _FILE
    return parts[number]


_FILE = 100_000
"""As many bytes take as long as the making of a file."""

_LICENCE_LIMIT = 200
"""Characters: some put the whole text of the licence where its name belongs."""


def _licence(about: Message) -> str:
    """The licence in one line, from the most exact field that has it.

    https://packaging.python.org/en/latest/specifications/core-metadata/#license-expression
    """
    classified = [c.split(" :: ")[-1] for c in about.get_all("Classifier", []) if c.startswith("License :: ")]
    said = (about["License-Expression"], about["License"], ", ".join(classified))
    lines = (" ".join(line.split()) for line in said if line and "\n" not in line.strip())
    fitting = (line for line in lines if line.isprintable() and len(line) <= _LICENCE_LIMIT)
    return next((line for line in fitting if line.upper() != "UNKNOWN"), "")


def _information(members: Iterable[str]) -> str:
    """The folder ``name-version.dist-info``."""
    folders = (name.removesuffix("/WHEEL") for name in members if name.endswith(".dist-info/WHEEL"))
    found = {folder for folder in folders if "/" not in folder}
    if len(found) != 1:
        raise ValueError(f"it has {len(found)} folders named *.dist-info")
    return found.pop()


_SCRIPTS = re.compile(r"[^/]+\.data/scripts/.+")


def _is_for_python(opened: ZipFile, name: str) -> bool:
    """Whether the file is a script that an installer makes its own interpreter's."""
    if not _SCRIPTS.fullmatch(name):
        return False
    with opened.open(name) as stream:
        return stream.read(len(_PYTHON)) == _PYTHON


def _destination(name: str, info: str, project: str, for_python: bool) -> str | None:
    """Where an installer puts the file when told ``--target``; None when it is left out."""
    parts = PurePosixPath(name).parts
    if not fits(name):
        raise ValueError(f"it has a file outside its own folder, or of a name that no package can hold, {name!a}")
    if parts[0] == info and parts[1:] and parts[1] in _INSTALLER:
        return None
    if parts[0] == info.removesuffix(".dist-info") + ".data" and len(parts) > 2:
        if for_python:
            return None
        if parts[1] not in ("purelib", "platlib", "data", "headers", "scripts"):
            raise ValueError(f"it has an unknown folder, {parts[0]}/{parts[1]}")
        within = {"headers": ("include", project), "scripts": ("bin",)}.get(parts[1], ())
        parts = (*within, *parts[2:])
    return None if "__pycache__" in parts else "/".join(parts)


def _record(rows: bytes, destinations: Mapping[str, str | None]) -> bytes:
    """RECORD of what was laid down.

    https://packaging.python.org/en/latest/specifications/recording-installed-packages/#the-record-file
    """
    laid = io.StringIO(newline="")
    writer = csv.writer(laid, lineterminator="\n")
    for name, *rest in csv.reader(io.StringIO(rows.decode(), newline="")):
        if destinations.get(name) is not None:
            writer.writerow([destinations[name], *rest])
    return laid.getvalue().encode()


def _entry(
    opened: ZipFile, member: ZipInfo, destination: str, path: Path, whole: memoryview, shelf: Shelf | None
) -> tuple[Entry, Binary | None]:
    mode = 0o755 if member.external_attr >> 16 & 0o111 or _SCRIPTS.fullmatch(member.filename) else 0o644
    if member.compress_type not in (archive.STORED, archive.DEFLATED) or member.flag_bits & _ENCRYPTED:
        data = opened.read(member)
        return archive.compress(destination, mode, data), elf.read(data) if data.startswith(elf.MAGIC) else None
    signature, name, extra = _LOCAL.unpack_from(whole, member.header_offset)
    offset = member.header_offset + _LOCAL.size + name + extra
    compressed = whole[offset:offset + member.compress_size]
    if signature != b"PK\3\4" or len(compressed) != member.compress_size:
        raise BadZipFile(f"{member.filename} is not where its directory says")
    hashed, crc32 = hashlib.sha256(), 0
    compiled: list[bytes] = []
    with shelf.open(path, offset, mode) if shelf and usual(destination) else nullcontext() as laid:
        for block in _blocks(member, compressed):
            hashed.update(block)
            crc32 = zlib.crc32(block, crc32)
            if compiled or block.startswith(elf.MAGIC):
                compiled.append(block)
            if laid:
                laid.write(block)
        if crc32 != member.CRC:
            raise BadZipFile(f"Bad CRC-32 for file {member.filename!r}")
        file = File(destination, mode, member.file_size, crc32, hashed.hexdigest())
        entry = Entry(file, member.compress_type, member.compress_size, container=path, offset=offset)
    return entry, elf.read(b"".join(compiled)) if compiled else None


def _blocks(member: ZipInfo, compressed: memoryview) -> Iterator[bytes]:
    """The file's content: parts that stay in the processor's cache, each of which lets other threads run."""
    parts = (compressed[start:start + _BLOCK] for start in range(0, len(compressed), _BLOCK))
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    length = 0
    for part in parts:
        block = bytes(part) if member.compress_type == archive.STORED else inflater.decompress(part)
        length += len(block)
        if length > member.file_size:
            break
        yield block
    if length != member.file_size or not inflater.eof and member.compress_type == archive.DEFLATED:
        raise BadZipFile(f"{member.filename} is not {member.file_size} bytes, as its directory says")
