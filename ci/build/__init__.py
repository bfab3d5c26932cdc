"""Source -> Package. A package is built once per digest of its inputs and kept under the cache.

Where nothing changed, only the sources are read and hashed: no uv, no index, no heavy import.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable
from pathlib import Path
from threading import Lock
from typing import BinaryIO

from ..errors import BuildError
from ..model import Function, Package, Pipeline
from . import package
from .cache import Cache
from .inputs import Reader


def build(
    pipeline: Pipeline, functions: Iterable[Function], cache: Path, progress: Callable[[str], None] | None = None
) -> dict[str, Package]:
    """The packages of ``functions``, by name. ``progress`` is told in short lines what takes time.

    The zips lie under ``cache`` and are not to be changed there: copy them with ``write``.

    Raises BuildError for what cannot be built, would not run, or would not be accepted by AWS.
    """
    kept = Cache(cache)
    reader = Reader(pipeline.root)
    inputs = [reader.read(function) for function in functions]
    built = {each.function.name: package.known(each, kept) for each in inputs}
    missing = [each for each in inputs if built[each.function.name] is None]
    if missing:
        from .assembly import assemble

        try:
            built.update(assemble(missing, pipeline.root, kept, _one_at_a_time(progress)))
        except OSError as error:
            where = error.filename or cache
            raise BuildError(f"{where}: {error.strerror or error}", "check the disk and who may write there") from error
    return {name: found for name, found in built.items() if found is not None}


def _one_at_a_time(progress: Callable[[str], None] | None) -> Callable[[str], None]:
    lock = Lock()

    def say(line: str) -> None:
        if progress is not None:
            with lock:
                progress(line)

    return say


def write(package: Package, stream: BinaryIO) -> None:
    """Copy the package's zip to ``stream``."""
    with package.path.open("rb") as source:
        shutil.copyfileobj(source, stream)
