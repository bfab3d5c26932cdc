"""dollop new"""

from __future__ import annotations

from pathlib import Path

import click

from ci import console
from ci.errors import UsageError


@click.command()
@click.argument("name")
@click.pass_context
def new(context: click.Context, name: str) -> None:
    """Add a function with its test.

    Its entry goes to the end of pipeline.yaml, whose comments stay. No file is replaced.
    """
    from ci import config, scaffold

    root = Path(context.obj)
    pipeline = config.load(root / "pipeline.yaml")
    written = scaffold.with_function((root / "pipeline.yaml").read_text(encoding="utf-8-sig"), name)
    write(root, scaffold.function(name))
    write(root, dict([scaffold.conftest()]), again=True)
    (root / "pipeline.yaml").write_text(written, encoding="utf-8")
    config.load(root / "pipeline.yaml")
    console.note(f"next: dollop plan {next(iter(pipeline.stages))} {name}")


def write(root: Path, files: dict[str, str], again: bool = False) -> None:
    """Write files that are not there, and say which. With ``again``, those that are there stay as they are.

    Raises UsageError, before anything is written, when one is there.
    """
    there = [path for path in files if (root / path).exists()]
    if there and not again:
        raise UsageError(f"{there[0]} is there already: nothing was written", "move it away, or choose another name")
    for path in (path for path in files if path not in there):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(files[path], encoding="utf-8")
        click.echo(path)
