"""A package's software bill of materials: CycloneDX, by its own library. The same package gives the same bytes.

https://cyclonedx.org/docs/1.6/json/
"""

from __future__ import annotations

import base64
import hashlib
import json
import uuid
from collections.abc import Iterable
from pathlib import Path

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import HashAlgorithm, HashType, Property
from cyclonedx.model.bom import Bom, BomMetaData
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

from ..model import Dependency, Package

SUFFIX = ".cdx.json"
"""By which tools know it: https://cyclonedx.org/specification/overview/#recognized-file-patterns"""


def save(packages: Iterable[Package], folder: Path) -> None:
    """Write ``<function>.cdx.json`` for each package."""
    for package in packages:
        (folder / f"{package.function}{SUFFIX}").write_text(sbom(package))


def sbom(package: Package) -> str:
    """The zip with its digests, and every distribution in it or in its layer: where it is from, its wheel's hash, its
    licence.
    """
    whole = _zip(package, ComponentType.APPLICATION)
    bom = Bom(serial_number=_serial(package), metadata=BomMetaData(component=whole))
    parts = [_component(dependency) for dependency in package.dependencies]
    bom.components.update(parts)
    if package.layer:
        layer = _zip(package.layer, ComponentType.FILE)
        bom.components.add(layer)
        bom.register_dependency(whole, [layer])
        bom.register_dependency(layer, parts)
    else:
        bom.register_dependency(whole, parts)
    data = json.loads(JsonV1Dot6(bom).output_as_string())
    # When it was written is nothing of the package.
    del data["metadata"]["timestamp"]
    return json.dumps(data, indent=2) + "\n"


def _serial(package: Package) -> uuid.UUID:
    digest = hashlib.sha256(f"{package.function}\n{package.code_sha256}".encode()).digest()
    return uuid.UUID(bytes=digest[:16], version=4)


def _zip(package: Package, kind: ComponentType) -> Component:
    return Component(
        name=package.function,
        type=kind,
        version=package.digest,
        bom_ref=f"{kind.value}:{package.function}",
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=base64.b64decode(package.code_sha256).hex())],
    )


def _component(dependency: Dependency) -> Component:
    url = PackageURL("pypi", name=dependency.name, version=dependency.version)
    said = {"dollop:origin": dependency.origin, "dollop:size": str(dependency.size)}
    return Component(
        name=dependency.name,
        version=dependency.version,
        bom_ref=url.to_string(),
        purl=url,
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=dependency.sha256)] if dependency.sha256 else (),
        licenses=[LicenseFactory().make_from_string(dependency.licence)] if dependency.licence else (),
        properties=[Property(name=name, value=value) for name, value in said.items()],
    )
