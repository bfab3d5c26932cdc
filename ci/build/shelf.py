"""Files of dependencies as they were decompressed to be hashed: trees are made of links to them, not anew."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from .archive import Entry

_SELDOM = re.compile(r"(^|/)tests?/|\.(pyi|pyx|pxd|pxi|[ch]|[ch]pp|a|f90)$")

_FOLDERS = 16
"""In one folder, processes wait for each other to make files."""


def usual(path: str) -> bool:
    """Whether to import a handler may take the file ``path`` of a dependency. What else it takes, it turns out then."""
    return not _SELDOM.search(path)


class Shelf:
    """In ``folder``, for the time of one build. It has what ``usual`` says, of the wheels just read.

    A file is named by where it is in which wheel, so that several processes put files there; each wheel is read once.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def open(self, wheel: Path, offset: int, mode: int) -> BinaryIO:
        """A new file, for what is at ``offset`` of ``wheel``."""
        path = self._path(wheel, offset)
        try:
            stream = open(path, "xb", buffering=0)
        except FileNotFoundError:
            os.makedirs(os.path.dirname(path), exist_ok=True)
            stream = open(path, "xb", buffering=0)
        if mode & 0o111:
            os.fchmod(stream.fileno(), mode)
        return stream

    def link(self, entry: Entry, path: Path) -> bool:
        """Let ``path`` be the entry's file, if it is here and the filesystem has links."""
        if entry.container is not None:
            with suppress(OSError):
                os.link(self._path(entry.container, entry.offset), path)
                return True
        return False

    def _path(self, wheel: Path, offset: int) -> str:
        return f"{self._folder}/{offset % _FOLDERS}/{wheel.name}-{offset}"
