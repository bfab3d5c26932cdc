"""dollop import"""

from __future__ import annotations

import os
from pathlib import Path

import click

from ci import console
from ci.errors import UsageError
from ci.verbs import options


@click.command("import")
@click.argument("tool", type=click.Choice(["apex", "lambroll", "sam"]))
@click.argument("path", type=options.PATH, default=".")
@click.option("--env", "environment", help="apex: what --env was, to read project.ENV.json and function.ENV.json.")
@click.pass_context
def import_(context: click.Context, tool: str, path: Path, environment: str | None) -> None:
    """Write pipeline.yaml from another tool's project.

    What is deployed already is adopted under its name and alias. What could not be carried over stands in comments.
    Nothing is called, and no file is replaced.
    """
    from ci import config
    from ci.importer import project, write

    root = Path(context.obj)
    target = root / "pipeline.yaml"
    if target.exists():
        raise UsageError(f"{target} is there already", "move it away, or import into another folder: dollop -C DIR")
    draft = project.read(tool, root / path, root, environment, os.environ)
    text = write.text(draft, f"the {tool} project in {path}")
    target.write_text(text, encoding="utf-8")
    for note in text.splitlines()[2:]:  # behind what every such file starts with
        if note.lstrip().startswith("# "):
            console.note(note.strip(" #"))
    click.echo(target)
    config.load(target)
    console.note(f"next: dollop plan {draft.alias}")
