"""Build a wheel from source: a source distribution or a local project. The sources are never written to."""

from __future__ import annotations

import shutil
from pathlib import Path

from ..errors import BuildError
from .sources import IGNORED
from .uv import Uv

_KEPT = frozenset({".gitignore", ".gitattributes"})


def _ignored(project: Path) -> Path | None:
    """The file that says what does not belong to the project: backends look for it up to the root of the checkout.

    https://hatch.pypa.io/latest/config/build/#vcs
    """
    for folder in (project, *project.parents):
        if (folder / ".gitignore").is_file():
            return folder / ".gitignore"
        if (folder / ".git").exists():
            break
    return None


def build(source: Path, folder: Path, uv: Uv, what: str) -> Path:
    """The wheel that ``source`` (an archive, or a folder) builds, put into ``folder``.

    Raises BuildError with what the build said.
    """
    if source.is_dir():
        copy = folder / "source"
        shutil.copytree(source, copy, symlinks=True, ignore=lambda _, names: (IGNORED - _KEPT).intersection(names))
        if ignored := _ignored(source):
            shutil.copyfile(ignored, copy / ignored.name)
        source = copy
    out = folder / "wheel"
    # 1980 is the first year a zip can tell; without it the wheel holds the time of its building.
    arguments = ["build", "--wheel", "--out-dir", out, source]
    try:
        uv.run(arguments, folder, f"building {what}", SOURCE_DATE_EPOCH="315532800")
    except BuildError as error:
        more = "require a version that has a wheel" if source.is_file() else "install what its build needs"
        raise BuildError(error.message, f"{error.hint}; or {more}") from error
    wheels = list(out.glob("*.whl"))
    if len(wheels) != 1:
        raise BuildError(f"building {what}: it made {len(wheels)} wheels", "require a release that has a wheel")
    return wheels[0]
