"""What a plan changes for those who use the functions, ready to be shown."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Change:
    """One value before and after, ready to be shown; None where there was or will be none.

    Of a secret only ``verb`` is known: added, changed or removed.
    """

    key: str
    before: str | None = None
    after: str | None = None
    verb: str = ""


@dataclass(frozen=True)
class FileChange:
    """A file of the package that was added (``+``), changed (``~``) or removed (``-``)."""

    mark: str
    path: str


@dataclass(frozen=True)
class CodeChange:
    """What makes two packages different. ``files`` is None where the live package could not be compared."""

    size_before: int
    size_after: int
    files: tuple[FileChange, ...] | None
    dependencies: tuple[Change, ...]
