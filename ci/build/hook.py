"""A build hook's work: what it made of a copy of the sources takes their place."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from .. import hooks
from . import sources
from .inputs import Inputs, sha256_of


def applied(inputs: Inputs, folder: Path, say: Callable[[str], None]) -> Inputs:
    """The same inputs with the files that the hook left in ``folder``, where they are copied to and it runs.

    They keep their ``key``: it has the files and the command. Raises BuildError, see ``hooks.run``.
    """
    function = inputs.function
    if not function.hooks.build:
        return inputs
    hooks.lay_out(inputs.sources, folder)
    hooks.run(function, "build", function.hooks.build, folder, say)
    found = sources.collect(replace(function, source=Path(folder.name), include=()), folder.parent)
    return replace(inputs, sources=found, hashes=tuple(sha256_of(source.file) for source in found))
