"""dollop comment"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ci import console, foreign
from ci.verbs import options

if TYPE_CHECKING:
    from ci.github.comment import Pull
    from ci.github.run import Run


@click.group()
def comment() -> None:
    """Tell a pull request what its merge will do."""


def _tell(verb: Callable[..., None]) -> Callable[..., None]:
    """Give the verb the run and its pull request. A comment that cannot be written fails no job."""

    @functools.wraps(verb)
    def run(**options: Any) -> None:
        from ci.errors import UsageError
        from ci.github import comment
        from ci.github.run import current

        here = current(os.environ)
        if here is None:
            raise UsageError("this is no step of a GitHub workflow", "see .github/workflows/pull-request.yml")
        try:
            pull = comment.find(here)
            if pull is None:
                console.note("the run is about no pull request")
                return
            verb(here, pull, **options)
        except comment.GithubError as error:
            console.error(error)

    return run


@comment.command()
@click.argument("file", type=options.PATH)
@_tell
def plan(run: Run, pull: Pull, file: Path) -> None:
    """Show the plan that is in FILE."""
    body = foreign.text(file)
    console.note(f"comment {pull.write(_stage(body, file), body)}")


_UNTOLD = "a step before the plan failed, the login to AWS for example (AWS_ROLE, or the secrets): see the run"


@comment.command()
@click.argument("stage")
@click.argument("messages", nargs=-1)
@_tell
def failure(run: Run, pull: Pull, stage: str, messages: tuple[str, ...]) -> None:
    """Say in MESSAGES why there is no plan for STAGE; without any, where to look."""
    from ci.render import markdown

    body = markdown.failure(stage, list(filter(str.strip, messages)) or [_UNTOLD], run.failing, run.commit)
    console.note(f"comment {pull.write(stage, body)}")


@comment.command()
@click.argument("file", type=options.PATH)
@_tell
def check(run: Run, pull: Pull, file: Path) -> None:
    """Say in the run's summary whether the plan in FILE is the one that the pull request showed."""
    from ci.render import markdown, marker

    now = marker.read(foreign.text(file))
    then = marker.read(pull.read(_stage(foreign.text(file), file)) or "")
    run.summarize(markdown.kept(then, now, pull.number) if now else "")


@comment.command()
@click.argument("file", type=options.PATH)
@_tell
def release(run: Run, pull: Pull, file: Path) -> None:
    """Write into the comment what became of it: the release record in FILE."""
    from ci.release import from_json
    from ci.render import markdown

    released = from_json(foreign.text(file), str(file))
    body = pull.read(released.stage)
    if body is not None:
        console.note(f"comment {pull.write(released.stage, markdown.released(body, released, run.links))}")


def _stage(body: str, file: Path) -> str:
    from ci.errors import UsageError
    from ci.render import marker

    found = marker.read(body)
    if found is None:
        raise UsageError(f"{file} is no plan for a comment", "dollop plan --markdown FILE writes one")
    return found.stage
