"""Compiled files without what the loader never reads: debug sections and symbol tables. The same on every host.

Only what lies behind all that is loaded is cut off, so that no offset or index in the rest changes. A file that is
laid out in another way stays as it is. https://refspecs.linuxfoundation.org/elf/elf.pdf
"""

from __future__ import annotations

import struct
from typing import Any

_HEADER = struct.Struct("<16s2HI3QI6H")
_SEGMENT = struct.Struct("<2I6Q")
_SECTION = struct.Struct("<2I4Q2I2Q")
_ELF64 = b"\x7fELF\x02\x01"
_ALLOC, _INFO_LINK = 0x2, 0x40
_NULL, _STRINGS, _NOBITS = 0, 3, 8
_WORTH = 32_768
"""Bytes. Less is not worth compressing the file anew."""
_NAME = b".shstrtab"


def strip(content: bytes) -> bytes | None:
    """The file without them; None when little would be gained, or when it is not laid out as linkers do."""
    if len(content) < _HEADER.size or not content.startswith(_ELF64):
        return None
    header = list(_HEADER.unpack_from(content))
    start, table, size, segments, width, count, names = header[5], header[6], *header[9:14]
    if (size, width) != (_SEGMENT.size, _SECTION.size) or not count or names >= count:
        return None
    try:
        loaded = [_SEGMENT.unpack_from(content, start + number * size) for number in range(segments)]
        sections = [_SECTION.unpack_from(content, table + number * width) for number in range(count)]
    except (struct.error, OverflowError):
        return None
    kept = next((number for number, each in enumerate(sections) if each[1] != _NULL and not each[2] & _ALLOC), count)
    gone = sections[kept:]
    ends = [each[4] + each[5] for each in sections[:kept] if each[1] != _NOBITS]
    end = max(start + segments * size, *(each[2] + each[5] for each in loaded), *ends)
    last = max([table + count * width, *(each[4] + each[5] for each in gone if each[1] != _NOBITS)])
    sound = (
        not any(each[2] & _ALLOC or each[4] < end and each[5] for each in gone)
        and all(each[6] < kept and (each[7] < kept or not each[2] & _INFO_LINK) for each in sections[:kept])
        and table >= end
        and last == len(content)  # else something that we do not know is appended
    )
    if not sound:
        return None
    made = _rebuilt(content, end, header, sections[:kept], sections[names])
    return made if len(content) - len(made) >= _WORTH else None


def _rebuilt(
    content: bytes, end: int, header: list[Any], kept: list[tuple[Any, ...]], names: tuple[Any, ...]
) -> bytes:
    """What is loaded, then the names and the table of its sections."""
    strings = bytearray(b"\0")
    table = []
    for each in kept:
        name = content[names[4] + each[0]:content.index(b"\0", names[4] + each[0])] if each[0] else b""
        table.append(_SECTION.pack(len(strings) if name else 0, *each[1:]))
        strings += name + b"\0" if name else b""
    own = len(strings)
    strings += _NAME + b"\0"
    table.append(_SECTION.pack(own, _STRINGS, 0, 0, end, len(strings), 0, 0, 1, 0))
    body = content[_HEADER.size:end] + strings
    body += b"\0" * (-(_HEADER.size + len(body)) % 8)
    header[6], header[12], header[13] = _HEADER.size + len(body), len(table), len(kept)
    return _HEADER.pack(*header) + body + b"".join(table)
