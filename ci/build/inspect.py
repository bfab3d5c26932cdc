"""What is wrong with a package, before AWS is asked: its size, files that look like secrets."""

from __future__ import annotations

import re
from collections.abc import Iterable
from fnmatch import fnmatchcase
from pathlib import PurePosixPath

from ..errors import BuildError
from ..model import Function

ZIPPED = 52_428_800
"""Bytes of zip that fit into a request."""
UNZIPPED = 262_144_000
"""Bytes of all files, with layers. Both: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html"""

_SECRET_NAMES = (
    ".env", ".env.*", ".netrc", "_netrc", ".pypirc", ".npmrc", ".git-credentials", ".htpasswd", "id_rsa", "id_dsa",
    "id_ecdsa", "id_ed25519", "*.p12", "*.pfx", "*.jks", "*.keystore", "*.kdbx", "*.ppk",
)
_TEMPLATES = (".env.example", ".env.sample", ".env.template", ".env.dist")
_SECRET_PATHS = (".aws/credentials", ".aws/config", ".docker/config.json", ".kube/config", ".ssh/*", ".gnupg/*")
_KEY = re.compile(rb"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----(?:\s|\\n)+[A-Za-z0-9+/=\s:,-]{32}")


def looks_secret(path: str, content: bytes) -> bool:
    """Whether one of our own files must not be shipped, by its name or because it holds a private key."""
    parts = PurePosixPath(path).parts
    if any(fnmatchcase(parts[-1], pattern) for pattern in _SECRET_NAMES) and parts[-1] not in _TEMPLATES:
        return True
    if any(fnmatchcase("/".join(parts[-2:]), pattern) for pattern in _SECRET_PATHS):
        return True
    return _KEY.search(content) is not None


def refuse_secrets(function: Function, paths: Iterable[str]) -> None:
    """Raises BuildError that names the files."""
    found = sorted(paths)
    if found:
        raise BuildError(
            f"function {function.name}: {', '.join(found)}: looks like a secret, and would be in the package",
            "move it out of the folder, or list it under exclude; Lambda's environment or Secrets Manager is its place",
        )


def check_size(function: Function, zipped: int, unzipped: int) -> None:
    """Raises BuildError when the package is larger than AWS, or ``max_size``, allows."""
    where = f"function {function.name}: the package"
    if unzipped > UNZIPPED:
        raise BuildError(
            f"{where} is {unzipped / 1e6:.1f} MB unzipped, more than Lambda's 262.1 MB",
            "exclude what the function does not need, or require less",
        )
    if function.max_size is not None and zipped > function.max_size:
        raise BuildError(
            f"{where} is {zipped} B zipped, more than its max_size of {function.max_size} B",
            "exclude what the function does not need, require less, or raise max_size",
        )
    if zipped > ZIPPED:
        raise BuildError(
            f"{where} is {zipped / 1e6:.1f} MB zipped, more than the 52.4 MB that a request to Lambda can hold",
            "exclude what the function does not need, or require less",
        )
