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
@click.option("--shard", help="Build one part of the functions: 2/5. See dollop shards.")
@options.as_json
@options.workspace
def build(
    workspace: Workspace, functions: tuple[str, ...], out: Path | None, shard: str | None, as_json: bool
) -> None:
    """Build packages.

    One function and a redirected stdout give the zip itself: dollop build echo > echo.zip
    """
    from ci.build import folder
    from ci.render import data
    from ci.render import packages as render

    chosen = workspace.select(functions)
    if shard:
        from ci import shards

        chosen = shards.part(chosen, shard)
    packages = workspace.packages(chosen)
    if len(functions) == 1 == len(chosen) and not out and not as_json and not sys.stdout.isatty():
        sys.stdout.buffer.write(packages[chosen[0].name].path.read_bytes())
        return
    folder.save(packages.values(), out or workspace.pipeline.root / "dist")
    built = packages.values()
    click.echo(data.to_json(render.data(built)) if as_json else render.text(built), nl=False)
