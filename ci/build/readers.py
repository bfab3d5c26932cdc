"""Processes that read wheels, one for each processor: threads that decompress wait for each other.

They are forks of this one, which must have no other threads yet; where it has, it reads by itself. On Linux.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import BinaryIO, Self

from .. import parallel
from ..errors import BuildError
from . import store
from .shelf import Shelf

_MOST = 4
"""More of them would wait for the disk."""
_LARGE = 4_000_000
"""A wheel of more bytes is read by all of them, each a part."""
_FAILED = b"!"
"""What the answer begins with, when it is an error."""


@dataclass(frozen=True)
class _Reader:
    process: int
    requests: BinaryIO
    answers: BinaryIO


class Readers:
    """What they decompress they put on ``shelf``."""

    def __init__(self, shelf: Shelf | None) -> None:
        self._shelf = shelf
        self._all: list[_Reader] = []
        self._idle: SimpleQueue[_Reader] = SimpleQueue()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        for reader in self._all:  # whatever they are doing
            os.kill(reader.process, signal.SIGKILL)
            os.waitpid(reader.process, 0)
            reader.requests.close()
            reader.answers.close()

    def begin(self) -> None:
        """Start them, where that can be."""
        if sys.platform != "linux" or threading.active_count() > 1:
            return
        # They never hear of these: whoever waits for them ends them.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT, signal.SIGTERM))
        try:
            for _ in range(min(_MOST, os.cpu_count() or 1)):
                self._all.append(_forked(self._shelf))
                self._idle.put(self._all[-1])
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)

    def read(self, path: Path, what: str) -> list[bytes]:
        """The wheel at ``path`` as ``store.dump`` has it, in parts; ``what`` names it in messages.

        Raises BuildError when it is not a wheel or is damaged.
        """
        if not self._all:
            from . import wheel

            return [store.dump(wheel.read(path, what, self._shelf))]
        count = len(self._all) if path.stat().st_size > _LARGE else 1
        return parallel.each(lambda number: self._part(path, what, number, count), range(count), workers=count)

    def _part(self, path: Path, what: str, number: int, count: int) -> bytes:
        reader = self._idle.get()
        try:
            said = _answer(reader, json.dumps([str(path), what, number, count]).encode())
        except (OSError, ValueError):
            raise BuildError(f"{what}: what read it has ended", "is there enough memory? build again") from None
        finally:
            self._idle.put(reader)
        if said.startswith(_FAILED):
            import pickle

            raise pickle.loads(said.removeprefix(_FAILED))
        return said


def _answer(reader: _Reader, request: bytes) -> bytes:
    """Raises ValueError when it does not come whole."""
    reader.requests.write(request + b"\n")
    size = int(reader.answers.readline())
    said = reader.answers.read(size)
    if len(said) < size:
        raise ValueError
    return said


def _forked(shelf: Shelf | None) -> _Reader:
    asked, requests = os.pipe()
    answers, said = os.pipe()
    process = os.fork()
    if process == 0:
        try:
            os.close(requests)
            os.close(answers)
            _serve(os.fdopen(asked, "rb"), os.fdopen(said, "wb"), shelf)
        finally:
            os._exit(0)
    os.close(asked)
    os.close(said)
    return _Reader(process, os.fdopen(requests, "wb", 0), os.fdopen(answers, "rb"))


def _serve(requests: BinaryIO, answers: BinaryIO, shelf: Shelf | None) -> None:
    """A request a line, to each its answer; until there is no one to ask."""
    from elftools.elf import dynamic, elffile, gnuversions  # noqa: F401

    from . import wheel

    for line in requests:
        path, what, number, count = json.loads(line)
        try:
            said = store.dump(wheel.read(Path(path), what, shelf, number, count))
        except Exception as error:
            import pickle

            said = _FAILED + pickle.dumps(error)
        answers.write(b"%d\n" % len(said) + said)
        answers.flush()
