"""Packages as text and as data."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ci.model import Dependency, Package
from ci.render.columns import si, table
from ci.render.escape import plain


def text(packages: Iterable[Package]) -> str:
    """One row a package: its zip's size, what that unpacks to, and how many dependencies are in it."""
    rows = [
        [plain(p.function), si(p.size), si(p.unzipped), str(len(p.files)), str(len(p.dependencies)), p.digest[:12]]
        for p in packages
    ]
    return table([["function", "size", "unzipped", "files", "dependencies", "digest"], *rows])


def licences(packages: Iterable[Package]) -> str:
    """One row a dependency: its licence, where it came from, and which functions hold it. ``?``: it says none."""
    holders: dict[Dependency, list[str]] = {}
    for package in packages:
        for dependency in package.dependencies:
            holders.setdefault(dependency, []).append(package.function)
    rows = [
        [plain(d.name), plain(d.version), plain(d.licence) or "?", d.origin, ", ".join(map(plain, holders[d]))]
        for d in sorted(holders)
    ]
    return table([["dependency", "version", "licence", "from", "functions"], *rows])


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
                item.name: {
                    "version": item.version,
                    "origin": item.origin,
                    "sha256": item.sha256,
                    "licence": item.licence,
                    "size": item.size,
                }
                for item in package.dependencies
            },
        }
        for package in packages
    }
