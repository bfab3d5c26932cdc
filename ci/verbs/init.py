"""dollop init"""

from __future__ import annotations

from pathlib import Path

import click

from ci import console
from ci.verbs.new import write


@click.command()
@click.option("--project", help="The name of the project [default: that of the folder].")
@click.pass_context
def init(context: click.Context, project: str | None) -> None:
    """Start a project: pipeline.yaml, a first function and its test.

    No file is replaced.
    """
    from ci import config, scaffold
    from ci.importer.draft import key

    root = Path(context.obj)
    name = project or key(root.resolve().name)
    made = write(root, {"pipeline.yaml": scaffold.project(name), **scaffold.function(scaffold.EXAMPLE)})
    for path in [*made, *write(root, dict([scaffold.conftest()]), again=True)]:
        click.echo(path)
    _ignore(root / ".gitignore", scaffold.IGNORED)
    config.load(root / "pipeline.yaml")
    console.note("next: dollop deploy test --local; for AWS, put your own role into pipeline.yaml")


def _ignore(file: Path, patterns: tuple[str, ...]) -> None:
    said = file.read_text(encoding="utf-8") if file.exists() else ""
    missing = [pattern for pattern in patterns if pattern not in said.splitlines()]
    if missing:
        start = said if not said or said.endswith("\n") else f"{said}\n"
        file.write_text(start + "".join(f"{pattern}\n" for pattern in missing), encoding="utf-8")
