"""dollop new"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import click

from ci import console
from ci.errors import ON_DISK, ConfigError, DollopError, UsageError


@click.command()
@click.argument("name")
@click.pass_context
def new(context: click.Context, name: str) -> None:
    """Add a function with its test.

    Its entry goes to the end of pipeline.yaml, whose comments stay. No file is replaced.
    """
    from ci import config, scaffold

    root = Path(context.obj)
    file = root / "pipeline.yaml"
    pipeline, before = config.load(file), file.read_bytes()
    text = before.decode("utf-8-sig")
    ending = "\r\n" if "\r\n" in text else "\n"
    written, files = scaffold.with_function(text.replace("\r\n", "\n"), name), scaffold.function(name)
    made = write(root, files)
    try:
        file.write_text(written, encoding="utf-8", newline=ending)
        config.load(file)
    except (ConfigError, OSError):
        file.write_bytes(before)
        _take_back(root, made)
        raise
    for path in [*made, *write(root, dict([scaffold.conftest()]), again=True)]:
        click.echo(path)
    console.note(f"next: dollop plan {next(iter(pipeline.stages))} {name}; without an AWS account, add --local")


def write(root: Path, files: dict[str, str], again: bool = False) -> list[str]:
    """Write files that are not there: which. With ``again``, those that are there stay as they are.

    Raises UsageError, before anything is written, when one is there.
    """
    there = [path for path in files if (root / path).exists()]
    if there and not again:
        raise UsageError(f"{there[0]} is there already: nothing was written", "move it away, or choose another name")
    missing = [path for path in files if path not in there]
    for path in missing:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        try:
            (root / path).write_text(files[path], encoding="utf-8")
        except OSError as error:
            _take_back(root, missing)
            raise DollopError(f"{root / path}: {error.strerror}", ON_DISK) from None
    return missing


def _take_back(root: Path, files: Iterable[str]) -> None:
    for path in files:
        (root / path).unlink(missing_ok=True)
        with suppress(OSError):  # other files are in it
            (root / path).parent.rmdir()
