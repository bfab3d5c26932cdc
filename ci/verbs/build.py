"""dollop build"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ci.verbs import options

if TYPE_CHECKING:
    from ci.workspace import Workspace


@click.command()
@options.functions
@click.option("--out", type=options.PATH, help="Write the zips into this folder [default: dist].")
@options.as_json
@options.workspace
def build(workspace: Workspace, functions: tuple[str, ...], out: Path | None, as_json: bool) -> None:
    """Build packages.

    One function and a redirected stdout give the zip itself: dollop build echo > echo.zip
    """
    from ci.build import report

    chosen = workspace.select(functions)
    packages = workspace.packages(chosen)
    if len(functions) == 1 == len(chosen) and not out and not as_json and not sys.stdout.isatty():
        sys.stdout.buffer.write(packages[chosen[0].name].path.read_bytes())
        return
    report.write(packages.values(), out or workspace.pipeline.root / "dist")
    click.echo(report.as_json(packages.values()) if as_json else report.as_text(packages.values()), nl=False)
