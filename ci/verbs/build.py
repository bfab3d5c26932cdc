"""dollop build"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ci.errors import UsageError
from ci.verbs import options

if TYPE_CHECKING:
    from ci.model import Function, Stage
    from ci.workspace import Workspace


@click.command()
@options.functions
@click.option("--out", type=options.FOLDER, help="Write the zips into this folder [default: dist].")
@click.option("--shard", help="Build one part of the functions: 2/5. See dollop shards.")
@click.option("--sbom", "materials", is_flag=True, help="Write a bill of materials beside each zip: CycloneDX.")
@click.option("--licences", is_flag=True, help="List what is in the packages, with its licence.")
@click.option("--verify", is_flag=True, help="Build all of it again and compare it with what STAGE runs.")
@options.stage_option
@click.option("--version", type=click.IntRange(1), help="With --verify: compare with this version.")
@options.as_json
@options.aws
@options.workspace
def build(
    workspace: Workspace, functions: tuple[str, ...], out: Path | None, shard: str | None, materials: bool,
    licences: bool, verify: bool, stage: str | None, version: int | None, as_json: bool,
) -> int:
    """Build packages.

    One function and a redirected stdout give the zip itself: dollop build echo > echo.zip. With --verify nothing is
    written: every entry that differs is named, + only in what was built, - only in what runs; exits with 1 then.
    """
    from ci.build import folder
    from ci.render import packages as render

    chosen = workspace.select(functions)
    if shard:
        from ci.build import shards

        chosen = shards.part(chosen, shard)
    if verify and (out or shard or materials or licences) or (stage or version) and not verify or stage and version:
        raise UsageError("--verify goes with --stage or --version, and with none of the other options of a build")
    if verify:
        return _verify(workspace, chosen, workspace.stage(stage), version, as_json)
    packages = workspace.packages(chosen)
    to_look_at = materials or licences or as_json or out or sys.stdout.isatty()
    if len(functions) == 1 == len(chosen) and not to_look_at:
        sys.stdout.buffer.write(packages[chosen[0].name].path.read_bytes())
        return 0
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
    return 0


def _verify(workspace: Workspace, chosen: list[Function], stage: Stage, version: int | None, as_json: bool) -> int:
    from ci.observe import verify
    from ci.render import data, verified as render

    commit = workspace.origin.commit
    found = verify.verify(workspace, chosen, stage, str(version) if version else None)
    click.echo(data.to_json(render.data(found, commit)) if as_json else render.text(found, commit), nl=False)
    return 1 if any(each.differences for each in found) else 0
