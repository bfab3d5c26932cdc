"""Packages in the cache, by the digest of their inputs."""

from __future__ import annotations

import base64
import json
from dataclasses import astuple, replace

from ..model import Dependency, File, LeftOut, Package
from .cache import Cache, sha256
from .inputs import Inputs


def known(inputs: Inputs, cache: Cache) -> Package | None:
    """The package that was built of the same inputs before, when it is still whole."""
    kept = cache.load("packages", f"{inputs.key}.json")
    if kept is None:
        return None
    said = json.loads(kept)
    path = cache.path("packages", f"{inputs.key}.zip")
    found = sha256(path)
    if found is None or _base64(found) != said["code_sha256"]:
        return None
    cache.used("packages", path.name)
    files = tuple(File(*file) for file in said.pop("files"))
    dependencies = tuple(Dependency(*dependency) for dependency in said.pop("dependencies"))
    left_out = tuple(LeftOut(*each) for each in said.pop("left_out"))
    return Package(
        inputs.function.name, path, **said, files=files, dependencies=dependencies, left_out=left_out
    )


def keep(inputs: Inputs, package: Package, cache: Cache) -> Package:
    """Move the package's zip into the cache; from now on it is ``known``."""
    path = cache.keep(package.path, "packages", f"{inputs.key}.zip")
    said = {
        "digest": package.digest,
        "code_sha256": package.code_sha256,
        "size": package.size,
        "unzipped": package.unzipped,
        "files": [astuple(file) for file in package.files],
        "dependencies": [astuple(dependency) for dependency in package.dependencies],
        "left_out": [astuple(each) for each in package.left_out],
    }
    cache.store("packages", f"{inputs.key}.json", json.dumps(said).encode())
    return replace(package, path=path)


def _base64(hexadecimal: str) -> str:
    return base64.b64encode(bytes.fromhex(hexadecimal)).decode()
