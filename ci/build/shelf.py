"""Files of dependencies as they were decompressed to be hashed: trees are made of links to them, not anew."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import BinaryIO

from ..model import File

_SELDOM = re.compile(r"(^|/)tests?/|\.(pyi|pyx|pxd|pxi|[ch]|[ch]pp|a|f90)$")


def usual(path: str) -> bool:
    """Whether to import a handler may take the file ``path`` of a dependency. What else it takes, it turns out then."""
    return not _SELDOM.search(path)


class Shelf:
    """In ``folder``, which is there for the time of one build. It has what ``usual`` says."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self._folder = folder
        self._numbers = count()
        self._files: dict[tuple[str, int], str] = {}

    def open(self) -> BinaryIO:
        """A new file, to be ``put`` when it is whole."""
        return open(f"{self._folder}/{next(self._numbers)}", "xb", buffering=0)

    def put(self, file: File, stream: BinaryIO) -> None:
        """What ``stream`` of ``open`` holds is the content of ``file``."""
        if file.mode & 0o111:
            os.fchmod(stream.fileno(), file.mode)
        self._files.setdefault((file.sha256, file.mode), stream.name)

    def link(self, file: File, path: Path) -> bool:
        """Let ``path`` be the file, if it is here and the filesystem has links."""
        found = self._files.get((file.sha256, file.mode))
        if found is not None:
            with suppress(OSError):
                os.link(found, path)
                return True
        return False
