"""The project of a tool, read by that tool's reader."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ci.errors import UsageError
from ci.importer import apex, lambroll, sam
from ci.importer.draft import Draft


def read(tool: str, path: Path, root: Path, environment: str | None, environ: Mapping[str, str]) -> Draft:
    """The draft of what ``tool`` has in ``path``, which lies in ``root``.

    Raises UsageError where it cannot be read, or holds no Python function.
    """
    if not path.exists():
        raise UsageError(f"{path}: there is nothing there")
    if not path.resolve().is_relative_to(root.resolve()):
        what = f"{path} lies outside of {root.resolve()}, where pipeline.yaml would be"
        raise UsageError(what, "name a folder that holds both: dollop -C DIR import")
    if tool == "apex":
        draft = apex.read(path, root, environment)
    elif environment is not None:
        raise UsageError("--env is for apex")
    else:
        draft = lambroll.read(path, root, environ) if tool == "lambroll" else sam.read(path, root)
    if not draft.functions:
        raise UsageError(f"{path}: there is no Python function", "\n".join(draft.notes))
    return draft
