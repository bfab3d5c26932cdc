"""Packages as text and as data."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ci.model import Package
from ci.render.escape import plain
from ci.render.text import si, table


def text(packages: Iterable[Package]) -> str:
    """One row a package: its zip's size, what that unpacks to, and how many dependencies are in it."""
    rows = [
        [plain(p.function), si(p.size), si(p.unzipped), str(len(p.files)), str(len(p.dependencies)), p.digest[:12]]
        for p in packages
    ]
    return table([["function", "size", "unzipped", "files", "dependencies", "digest"], *rows])


def data(packages: Iterable[Package]) -> dict[str, Any]:
    """Function -> digests, sizes in bytes, dependencies."""
    return {
        package.function: {
            "digest": package.digest,
            "code_sha256": package.code_sha256,
            "size": package.size,
            "unzipped": package.unzipped,
            "files": len(package.files),
            "dependencies": {
                item.name: {"version": item.version, "origin": item.origin} for item in package.dependencies
            },
        }
        for package in packages
    }
