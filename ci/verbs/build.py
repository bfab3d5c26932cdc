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
@click.option("--sbom", "materials", is_flag=True, help="Write a bill of materials beside each zip: CycloneDX.")
@click.option("--licences", is_flag=True, help="List what is in the packages, with its licence.")
@options.as_json
@options.workspace
def build(
    workspace: Workspace, functions: tuple[str, ...], out: Path | None, shard: str | None, materials: bool,
    licences: bool, as_json: bool,
) -> None:
    """Build packages.

    One function and a redirected stdout give the zip itself: dollop build echo > echo.zip
    """
    from ci.build import folder
    from ci.render import packages as render

    chosen = workspace.select(functions)
    if shard:
        from ci import shards

        chosen = shards.part(chosen, shard)
    packages = workspace.packages(chosen)
    to_look_at = materials or licences or as_json or out or sys.stdout.isatty()
    if len(functions) == 1 == len(chosen) and not to_look_at:
        sys.stdout.buffer.write(packages[chosen[0].name].path.read_bytes())
        return
    built, where = packages.values(), out or workspace.pipeline.root / "dist"
    folder.save(built, where)
    if materials:
        from ci.build import sbom

        sbom.save(built, where)
    if as_json:
        from ci.render import data

        click.echo(data.to_json(render.data(built)), nl=False)
    else:
        click.echo(render.licences(built) if licences else render.text(built), nl=False)
