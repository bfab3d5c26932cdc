"""The options that verbs share, and what is made of them."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from ci import console

if TYPE_CHECKING:
    from ci.plan.plan import Plan
    from ci.workspace import Workspace

Verb = TypeVar("Verb", bound=Callable[..., Any])

PATH = click.Path(path_type=Path)
FOLDER = click.Path(file_okay=False, path_type=Path)
FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


class _ToWrite(click.Path):
    """A file that can be written when the work is done: found out before anything is called."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        path = super().convert(value, param, ctx)
        assert isinstance(path, Path)
        if not os.path.exists(path) and not os.access(path.parent, os.W_OK | os.X_OK):
            self.fail(f"{path} cannot be written: {path.parent} is no folder, or not yours to write in", param, ctx)
        return path


TO_WRITE = _ToWrite(dir_okay=False, writable=True, path_type=Path)


def _named(key: str) -> Callable[[click.Context, click.Parameter, str], list[str]]:
    """What a shell completes with the names under ``key`` of pipeline.yaml."""

    def complete(context: click.Context, _: click.Parameter, start: str) -> list[str]:
        from ci.config.completion import names

        return names(Path(context.find_root().params.get("folder") or "."), key, start)

    return complete


stages = _named("stages")
functions = click.argument("functions", nargs=-1, shell_complete=_named("functions"))
function = click.argument("function", shell_complete=_named("functions"))
stage = click.argument("stage", shell_complete=stages)
a_stage = click.argument("stage", required=False, shell_complete=stages)
stage_option = click.option("--stage", help="[default: the first that is deployed to]", shell_complete=stages)
built = click.option("--packages", "built", type=PATH, help="Take these packages; build nothing.")
as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def since(default: str) -> Callable[[Verb], Verb]:
    """How far back a verb looks."""
    return click.option(
        "--since", default=default, show_default=True, help="An age (90s, 5m, 1h30m, 2d) or a moment, UTC."
    )


def variables(verb: Verb) -> Verb:
    """Environment variables over those of pipeline.yaml."""
    for option in (
        click.option("--set", "pairs", multiple=True, metavar="KEY=VALUE", help="Set an environment variable."),
        click.option("--env-file", "files", type=PATH, multiple=True, help="Set those of a file: KEY=VALUE, or JSON."),
    ):
        verb = option(verb)
    return verb


_WORKSPACE = ("region", "profile", "local", "built")


def workspace(verb: Callable[..., Any]) -> Callable[..., Any]:
    """Give the verb a Workspace, its first argument, in the folder of ``-C``."""

    @click.pass_context
    @functools.wraps(verb)
    def run(context: click.Context, /, **options: Any) -> Any:
        from ci.workspace import Workspace

        connection = {key: options.pop(key) for key in _WORKSPACE if key in options}
        files, pairs = options.pop("files", ()), options.pop("pairs", ())
        if files or pairs:
            from ci.config import variables

            connection["variables"] = variables.read(files, pairs)
        made = Workspace(context.obj, console.note, console.progress, **connection, track=console.track)
        return verb(made, **options)

    return run


def aws(verb: Verb) -> Verb:
    """The options of every verb that talks to AWS."""
    for option in (
        click.option("--local", is_flag=True, help="Use the embedded AWS: no account needed."),
        click.option("--profile", help="AWS profile, instead of AWS_PROFILE."),
        click.option("--region", help="AWS region, instead of AWS_REGION and pipeline.yaml."),
    ):
        verb = option(verb)
    return verb


@dataclass(frozen=True)
class Output:
    """What is to become of a plan."""

    dry_run: bool
    as_json: bool
    record: Path | None
    plan: Path | None

    def finish(self, workspace: Workspace, plan: Plan) -> None:
        """The end of the path: show the plan and, unless it is a dry run, carry out the same object."""
        from ci import approved, foreign
        from ci.apply import apply
        from ci.release import to_json

        show(plan, self.as_json)
        publish(workspace, plan)
        if self.plan:
            approved.check(plan, foreign.text(self.plan), str(self.plan))
        if not self.dry_run:
            release = apply(plan, workspace.ways(plan), _log(plan))
            if self.record:
                self.record.write_text(to_json(release))


def _log(plan: Plan) -> Callable[..., None]:
    """The log; in a workflow a rollout, which takes its time, is told in the run's summary too."""
    from ci.github.run import current

    run = current(os.environ)
    if plan.rollout is None or run is None:
        return console.log
    from ci.github import progress

    return progress.told(run, console.log)


def output(verb: Callable[..., Any]) -> Callable[..., Any]:
    """The options of every verb that changes something, as one ``Output``."""

    @as_json
    @click.option("--dry-run", is_flag=True, help="Show the plan and stop.")
    @click.option("--record", type=TO_WRITE, help="Write the release record into this file.")
    @click.option("--plan", type=FILE, help="Only when it is this plan, of dollop plan --out.")
    @functools.wraps(verb)
    def run(
        *positional: Any, dry_run: bool, as_json: bool, record: Path | None, plan: Path | None, **options: Any
    ) -> Any:
        return verb(*positional, output=Output(dry_run, as_json, record, plan), **options)

    return run


def show(plan: Plan, as_json: bool) -> None:
    """Print a plan."""
    from ci.render import data, text

    if as_json:
        click.echo(data.to_json(data.plan(plan)), nl=False)
    else:
        console.show(text.plan(plan))


def publish(workspace: Workspace, plan: Plan, file: Path | None = None) -> None:
    """In a workflow, a plan goes into the run's summary too; and into ``file`` as a comment on a pull request."""
    from ci.errors import UsageError

    if os.environ.get("GITHUB_ACTIONS") == "true":
        from ci.github import report
        from ci.github.run import Run

        report.plan(Run(os.environ), workspace, plan, file)
    elif file:
        raise UsageError("--markdown writes a comment for a pull request: only a workflow can", "use --json")
