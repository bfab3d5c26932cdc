"""What is in a zip, as files and as one digest, whoever made it. Bytes in, values out.

Nothing about a package is believed that its own bytes do not show.
"""

from __future__ import annotations

import base64
import hashlib
import io
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterable

from ci.model import UNZIPPED_LIMIT, File, fits

SIZE_LIMIT = UNZIPPED_LIMIT
"""Bytes, zipped or not: a zip cannot be larger than what it may unpack to."""
_FILES_LIMIT = 100_000
_ENTRY = b"PK\x01\x02"
"""With which each entry of a zip's directory begins."""
_UNREADABLE = (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError, zlib.error, struct.error)


def digest(files: Iterable[File]) -> str:
    """The content digest: base64url sha256, unpadded, over path, mode and sha256 of each file."""
    total = hashlib.sha256()
    for file in sorted(files):
        total.update(f"{file.path}\0{file.mode:o}\0{file.sha256}\n".encode())
    return base64.urlsafe_b64encode(total.digest()).rstrip(b"=").decode()


def listed(data: bytes) -> tuple[File, ...]:
    """The files that the directory of a zip names; ``data`` may be its end alone. Raises ValueError."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as opened:
            entries = [entry for entry in opened.infolist() if not _is_folder(entry)]
    except _UNREADABLE as error:
        raise ValueError(f"not a zip that can be read: {error}") from None
    return tuple(sorted(File(e.filename, _mode(e), e.file_size, e.CRC, "") for e in entries))


def read(data: bytes, folders: bool = False) -> tuple[File, ...]:
    """Every file of a zip, unpacked and hashed; with ``folders``, it may name folders too.

    Raises ValueError: it is broken, would unpack to more than a package may hold, or holds what no package does.
    """
    # Counted before anything is made of them: a directory of millions would fill the memory.
    if data.count(_ENTRY) > _FILES_LIMIT:
        raise ValueError("holds more files than a package may")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as opened:
            entries = [entry for entry in opened.infolist() if not (folders and _is_folder(entry))]
            if sum(entry.file_size for entry in entries) > SIZE_LIMIT:
                raise ValueError("unpacks to more than a package may hold")
            files = tuple(sorted(_file(opened, entry) for entry in entries))
    except _UNREADABLE as error:
        raise ValueError(f"not a zip that can be read: {error}") from None
    if len({file.path for file in files}) != len(files):
        raise ValueError("holds a file twice")
    return files


def _file(opened: zipfile.ZipFile, entry: zipfile.ZipInfo) -> File:
    name = entry.filename
    if not fits(name):
        raise ValueError(f"{name!r} is not a path inside of a package")
    if _is_folder(entry) or stat.S_IFMT(entry.external_attr >> 16) not in (0, stat.S_IFREG):
        raise ValueError(f"{name!r} is not a plain file")
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ValueError(f"{name!r} is compressed as no package is")
    content = hashlib.sha256()
    size = 0
    with opened.open(entry) as stream:
        # zipfile stops at the size that the directory gives, so that nothing unpacks to more than was counted.
        while block := stream.read(1 << 20):
            content.update(block)
            size += len(block)
    if size != entry.file_size:
        raise ValueError(f"{name!r} is not as long as it says")
    return File(name, _mode(entry), size, entry.CRC, content.hexdigest())


def _is_folder(entry: zipfile.ZipInfo) -> bool:
    """``ZipInfo.is_dir``, which fails where the name is empty."""
    return entry.filename.endswith("/")


def _mode(entry: zipfile.ZipInfo) -> int:
    return entry.external_attr >> 16 & 0o777
