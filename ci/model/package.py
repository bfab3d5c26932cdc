"""What was built: packages, their files and dependencies, with AWS's limits on them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from unicodedata import category

REQUEST_LIMIT = 52_428_800
"""Bytes of zip that fit into a request."""
UNZIPPED_LIMIT = 262_144_000
"""Bytes of all files, with layers. Both: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html"""


@dataclass(frozen=True, order=True)
class File:
    """One file of a package. ``mode`` holds the permission bits, ``size`` is in bytes, unzipped."""

    path: str
    mode: int
    size: int
    crc32: int
    sha256: str
    """Hex. Empty where only a zip's directory was read."""


def fits(name: str) -> bool:
    """Whether a file of a package may have this path: inside of it, and nothing that a terminal would obey."""
    inside = name and not name.startswith("/") and "\\" not in name and ".." not in name.split("/")
    return bool(inside) and all(letter.isprintable() or category(letter) == "Zs" for letter in name)


def normalise(name: str) -> str:
    """A project's name as indexes compare it: https://peps.python.org/pep-0503/#normalized-names"""
    return re.sub(r"[-_.]+", "-", name).lower()


@dataclass(frozen=True, order=True)
class Dependency:
    """A distribution in a package. ``origin`` says where it came from: wheel, lambda-packages, build."""

    name: str
    version: str
    origin: str = "wheel"
    size: int = field(default=0, compare=False)
    """Bytes that its files take in the zip. 0 where only the zip's directory was read."""
    sha256: str = field(default="", compare=False)
    """Hex, of the wheel. Empty where it is not known."""
    licence: str = field(default="", compare=False)
    """As its author says it: an SPDX expression, or words. Empty where nothing is said."""


@dataclass(frozen=True)
class LeftOut:
    """What a rule kept out of a package: one of ``SLIM``, ``provided`` or ``exclude``. Bytes of zip, and unzipped."""

    rule: str
    files: int
    size: int
    unzipped: int


@dataclass(frozen=True)
class Package:
    """A function's built zip. Two packages are the same code if and only if their ``digest`` is equal."""

    function: str
    path: Path
    digest: str
    """Content digest: base64url sha256, unpadded (43 characters), over path, mode and sha256 of each file."""
    code_sha256: str
    """Base64 sha256 of the zip, as AWS's CodeSha256."""
    size: int
    unzipped: int
    files: tuple[File, ...]
    dependencies: tuple[Dependency, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    layer: Package | None = None
    """The dependencies, where they are in a layer. Its ``function`` is the name of the layer."""
