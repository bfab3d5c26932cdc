"""What is wrong with a package, before AWS is asked: its size, files that look like secrets."""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Mapping
from fnmatch import translate
from pathlib import PurePosixPath

from ..errors import BuildError
from ..model import REQUEST_LIMIT, UNZIPPED_LIMIT, Dependency, Function, Package

_SECRET_NAMES = (
    ".env", ".env.*", ".netrc", "_netrc", ".pypirc", ".npmrc", ".git-credentials", ".htpasswd", "id_rsa", "id_dsa",
    "id_ecdsa", "id_ed25519", "*.p12", "*.pfx", "*.jks", "*.keystore", "*.kdbx", "*.ppk",
)
_TEMPLATES = (".env.example", ".env.sample", ".env.template", ".env.dist")
_SECRET_PATHS = (".aws/credentials", ".aws/config", ".docker/config.json", ".kube/config", ".ssh/*", ".gnupg/*")
_NAMED = re.compile(
    "/(?:%s)" % "|".join(translate(each).replace(".*", "[^/]*") for each in (*_SECRET_NAMES, *_SECRET_PATHS))
)
_KEY = re.compile(rb"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----(?:\s|\\n)+[A-Za-z0-9+/=\s:,-]{32}")


def looks_secret(path: str, content: bytes = b"") -> bool:
    """Whether a file must not be shipped, by its name or because it holds a private key."""
    name = PurePosixPath(path).name
    named = name not in _TEMPLATES and _NAMED.search(f"/{path}") is not None
    return named or _KEY.search(content) is not None


def refuse_secrets(function: Function, found: Mapping[str, str], own: Container[str]) -> None:
    """``found`` maps the path in the package to what is shown for it; ``own`` are the paths of our own files.

    Raises BuildError that names the files.
    """
    if found:
        ours = any(path in own for path in found)
        move = "move it out of the folder, or " if ours else ""
        place = ": Lambda's environment or Secrets Manager is its place" if ours else ""
        raise BuildError(
            f"function {function.name}: {', '.join(sorted(found.values()))}: looks like a secret, and would be in the "
            "package",
            f"{move}list it under exclude{place}; where it is meant, in pipeline.yaml: "
            f"packaging: {{allow: [{', '.join(sorted(found))}]}}",
        )


def check_size(
    function: Function, zipped: int, unzipped: int, dependencies: Iterable[Dependency] = ()
) -> None:
    """Raises BuildError when the package is larger than AWS, or ``max_size``, allows; it names what is large."""
    where = f"function {function.name}: the package"
    largest = _largest(dependencies)
    slim = "let packaging: {slim: true} leave out tests and the like, " * bool(largest and not function.packaging.slim)
    less = f"{slim}exclude what the function does not need, or require less{largest}"
    if unzipped > UNZIPPED_LIMIT:
        raise BuildError(f"{where} is {unzipped / 1e6:.1f} MB unzipped, more than Lambda's 262.1 MB", less)
    if function.max_size is not None and zipped > function.max_size:
        what = f"{where} is {zipped} B zipped, more than its max_size of {function.max_size} B"
        raise BuildError(what, f"{less}; or raise max_size")
    if zipped > REQUEST_LIMIT and not function.packaging.bucket:
        what = f"{where} is {zipped / 1e6:.1f} MB zipped, more than the 52.4 MB that a request to Lambda can hold"
        raise BuildError(what, f"let it go through S3: packaging: {{bucket: NAME}} in pipeline.yaml; or {less}")


def check(function: Function, package: Package) -> None:
    """``check_size`` of a package, with its layer."""
    beside = package.layer.unzipped if package.layer else 0
    check_size(function, package.size, package.unzipped + beside, package.dependencies)
    if package.layer and package.layer.size > REQUEST_LIMIT and not function.packaging.bucket:
        raise BuildError(
            f"function {function.name}: its layer {package.layer.function} is {package.layer.size / 1e6:.1f} MB "
            "zipped, more than the 52.4 MB that a request to Lambda can hold",
            "let it go through S3: packaging: {bucket: NAME} in pipeline.yaml; or require less"
            f"{_largest(package.dependencies)}",
        )


def check_layers(packages: Mapping[str, Package]) -> None:
    """Raises BuildError where functions name one layer and need different ones."""
    first: dict[str, Package] = {}
    for name, package in sorted(packages.items()):
        if package.layer:
            other = first.setdefault(package.layer.function, package)
            if other.layer and other.layer.digest != package.layer.digest:
                raise BuildError(
                    f"function {name}: its dependencies are not those of {other.function}, and both are to be the "
                    f"layer {package.layer.function}",
                    "give them the same requirements, runtime, architecture, exclude and packaging, or a layer each",
                )


def _largest(dependencies: Iterable[Dependency]) -> str:
    found = sorted(dependencies, key=lambda item: -item.size)[:3]
    said = ", ".join(f"{item.name} {item.version} ({item.size / 1e6:.1f} MB zipped)" for item in found if item.size)
    return f"; the largest: {said}" if said else ""
