"""Binaries from lambda-packages, the optional extra: what Zappa used where no wheel existed.

It holds 22 projects for python2.7 and python3.6 on x86_64. A binary is taken only when name, version and runtime are
exactly those that were resolved: another version silently taken is worse than an error.
https://github.com/Miserlou/lambda-packages
"""

from __future__ import annotations

import tarfile
from pathlib import Path

from ..errors import BuildError
from ..model import normalise
from . import archive
from .lock import Artifact
from .target import Target


def find(name: str, version: str, target: Target) -> Path | None:
    """The archive of exactly this, None when there is none or lambda-packages is not installed."""
    try:
        from lambda_packages import lambda_packages as manifest  # type: ignore[import-not-found, unused-ignore]
    except ImportError:
        return None
    if target.machine != "x86_64":
        return None
    for known, runtimes in manifest.items():
        entry = runtimes.get(f"python{target.version}")
        if entry is not None and (normalise(known), entry["version"]) == (normalise(name), version):
            return Path(entry["path"])
    return None


def as_wheel(source: Path, artifact: Artifact, folder: Path) -> Path:
    """The content of the archive at ``source`` as a wheel in ``folder``, so that it is handled like any other.

    Raises BuildError when the archive cannot be read.
    """
    info = f"{artifact.name.replace('-', '_')}-{artifact.version}.dist-info"
    tag = "Wheel-Version: 1.0\nRoot-Is-Purelib: false\nTag: cp36-cp36m-linux_x86_64\n"
    about = {
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {artifact.name}\nVersion: {artifact.version}\n",
        f"{info}/WHEEL": tag,
    }
    entries = {path: archive.compress(path, 0o644, text.encode()) for path, text in about.items()}
    try:
        with tarfile.open(source) as opened:
            for member in opened:
                stream = opened.extractfile(member)
                if stream is not None:
                    path = member.name.removeprefix("./")
                    entries[path] = archive.compress(path, 0o755 if member.mode & 0o100 else 0o644, stream.read())
    except (tarfile.TarError, OSError, KeyError) as error:
        raise BuildError(f"{artifact}: {source.name} of lambda-packages cannot be read: {error}") from error
    made = folder / f"{info.removesuffix('.dist-info')}.whl"
    with made.open("wb") as output:
        archive.write(tuple(entries.values()), output)
    return made
