"""Packages as text and as data."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ci.model import Dependency, Package
from ci.render.columns import si, table
from ci.render.escape import plain


def text(packages: Iterable[Package]) -> str:
    """One row a package: its zip's size, what that unpacks to, how many dependencies are in it, what was left out."""
    found = list(packages)
    rows = [["function", "size", "unzipped", "files", "dependencies", "digest"], *(
        [plain(p.function), si(p.size), si(p.unzipped), str(len(p.files)), str(len(p.dependencies)), p.digest[:12]]
        for p in found
    )]
    if any(p.layer for p in found):
        layers = (f"{plain(p.layer.function)} {si(p.layer.size)}" if p.layer else "" for p in found)
        rows = [[*row, said] for row, said in zip(rows, ["layer", *layers])]
    if any(p.left_out for p in found):
        rows = [[*row, said] for row, said in zip(rows, ["left out", *map(left_out, found)])]
    return table(rows)


def left_out(package: Package) -> str:
    """What each rule saved, unzipped: ``tests 3.1 MB, stubs 210 kB``."""
    return ", ".join(f"{each.rule} {si(each.unzipped)}" for each in package.left_out)


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
    """Function -> digests, sizes in bytes, dependencies, what each rule left out."""
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
            "layer": package.layer and {
                "name": package.layer.function,
                "digest": package.layer.digest,
                "code_sha256": package.layer.code_sha256,
                "size": package.layer.size,
                "unzipped": package.layer.unzipped,
            },
            "left_out": {
                each.rule: {"files": each.files, "size": each.size, "unzipped": each.unzipped}
                for each in package.left_out
            },
        }
        for package in packages
    }
