"""Build a wheel from source: a source distribution or a local project. The sources are never written to."""

from __future__ import annotations

import shutil
from pathlib import Path

from ..errors import BuildError
from .sources import IGNORED
from .uv import Uv


def build(source: Path, folder: Path, uv: Uv, what: str) -> Path:
    """The wheel that ``source`` (an archive, or a folder) builds, put into ``folder``.

    Raises BuildError with what the build said.
    """
    if source.is_dir():
        copy = folder / "source"
        shutil.copytree(source, copy, symlinks=True, ignore=lambda _, names: IGNORED.intersection(names))
        source = copy
    out = folder / "wheel"
    # 1980 is the first year a zip can tell; without it the wheel holds the time of its building.
    arguments = ["build", "--wheel", "--out-dir", out, source]
    uv.run(arguments, folder, f"building {what}", SOURCE_DATE_EPOCH="315532800")
    wheels = list(out.glob("*.whl"))
    if len(wheels) != 1:
        raise BuildError(f"building {what}: it made {len(wheels)} wheels", "require a release that has a wheel")
    return wheels[0]
