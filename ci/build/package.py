"""Packages in the cache, by the digest of their inputs."""

from __future__ import annotations

import base64
import json
from dataclasses import astuple, replace
from pathlib import Path
from typing import Any

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
    layer = _layer(said.pop("layer"), cache)
    if layer is not None and layer.path == Path():
        return None
    cache.used("packages", path.name)
    files = tuple(File(*file) for file in said.pop("files"))
    dependencies = tuple(Dependency(*dependency) for dependency in said.pop("dependencies"))
    left_out = tuple(LeftOut(*each) for each in said.pop("left_out"))
    return Package(
        inputs.function.name, path, **said, files=files, dependencies=dependencies, left_out=left_out, layer=layer
    )


def _layer(said: dict[str, Any] | None, cache: Cache) -> Package | None:
    """That of a package, with no path where it is not whole."""
    if said is None:
        return None
    files = tuple(File(*file) for file in said.pop("files"))
    path = cache.path("packages", _layer_name(said["code_sha256"]))
    found = sha256(path)
    if found is None or _base64(found) != said["code_sha256"]:
        path = Path()
    else:
        cache.used("packages", path.name)
    return Package(**said, path=path, files=files)


def _layer_name(code_sha256: str) -> str:
    return f"{base64.b64decode(code_sha256).hex()}.layer.zip"


def describe(package: Package) -> bytes:
    """All that ``known`` tells of it, but for where it lies."""
    layer = package.layer
    said = {
        **_measures(package),
        "layer": {"function": layer.function, **_measures(layer)} if layer else None,
        "dependencies": [astuple(dependency) for dependency in package.dependencies],
        "left_out": [astuple(each) for each in package.left_out],
    }
    return json.dumps(said).encode()


def keep(inputs: Inputs, package: Package, described: bytes, cache: Cache) -> Package:
    """Move the package's zip into the cache; from now on it is ``known``."""
    path, layer = cache.keep(package.path, "packages", f"{inputs.key}.zip"), package.layer
    if layer is not None:
        layer = replace(layer, path=cache.keep(layer.path, "packages", _layer_name(layer.code_sha256)))
    cache.store("packages", f"{inputs.key}.json", described)
    return replace(package, path=path, layer=layer)


def _measures(package: Package) -> dict[str, Any]:
    return {
        "digest": package.digest,
        "code_sha256": package.code_sha256,
        "size": package.size,
        "unzipped": package.unzipped,
        "files": [astuple(file) for file in package.files],
    }


def _base64(hexadecimal: str) -> str:
    return base64.b64encode(bytes.fromhex(hexadecimal)).decode()
