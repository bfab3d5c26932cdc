"""Lock files, said in pylock.toml or requirements.txt by uv or by the exporter of the tool that wrote them."""

from __future__ import annotations

import shutil
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..errors import BuildError
from .requirements import Requirements
from .uv import Uv

_QUIET = {
    "PDM_CHECK_UPDATE": "0", "PDM_USE_VENV": "0", "PIPENV_IGNORE_VIRTUALENVS": "1", "PIPENV_NOSPIN": "1",
    "POETRY_VIRTUALENVS_CREATE": "false",
}
"""The exporters need no environment, no network and no terminal."""


def document(requirements: Requirements, groups: Sequence[str], extras: Sequence[str], uv: Uv, what: str) -> Any:
    """The pylock.toml of a ``pylock`` or ``uv`` file, parsed. Its paths are relative to ``requirements.file``'s folder.

    Raises BuildError when it cannot be read.
    """
    if requirements.kind == "pylock":
        text = requirements.file.read_text(encoding="utf-8")
    else:
        chosen = [*_options("--group", groups), *_options("--extra", extras)]
        fixed = ["export", "--frozen", "--no-default-groups", "--no-emit-project", "--no-header"]
        text = uv.run([*fixed, "--format=pylock.toml", *chosen], requirements.file.parent, what)
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BuildError(f"{what}: {error}", "write the lock file again") from error


def requirements_txt(
    requirements: Requirements, groups: Sequence[str], extras: Sequence[str], uv: Uv, folder: Path, what: str
) -> Path:
    """A requirements.txt, with hashes, of a ``poetry``, ``pdm`` or ``pipenv`` lock, written into ``folder``.

    The tool is run on a copy: some write into the project, if only an empty environment.

    Raises BuildError when the tool refuses, say because the lock is older than its pyproject.toml.
    """
    home = requirements.file.parent
    copy = folder / "project"
    copy.mkdir()
    for file in requirements.files:
        shutil.copyfile(file, copy / file.name)
    packages, command = _exporter(requirements.kind, groups, extras)
    text = uv.tool(packages, command, copy, what, **_QUIET)
    exported = folder / "requirements.txt"
    exported.write_text(text.replace(str(copy), str(home)), encoding="utf-8")
    return exported


def _exporter(kind: str, groups: Sequence[str], extras: Sequence[str]) -> tuple[list[str], list[str]]:
    """The packages that are needed and the command."""
    if kind == "poetry":
        chosen = [*_options("--with", groups), *_options("--extras", extras)]
        return ["poetry", "poetry-plugin-export"], ["poetry", "export", "--no-interaction", *chosen]
    if kind == "pdm":
        only = [] if groups else ["--prod"]  # refused with a development group, which groups are to pdm
        return ["pdm"], ["pdm", "export", *only, *_options("--group", [*groups, *extras])]
    return ["pipenv"], ["pipenv", "requirements", "--hash", "--categories", ",".join(["packages", *groups])]


def _options(name: str, values: Sequence[str]) -> list[str]:
    return [word for value in values for word in (name, value)]
