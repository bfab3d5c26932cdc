"""The command: its verbs (ci/verbs), its exit codes, the one place where errors end."""

from __future__ import annotations

import errno
import os
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from keyword import iskeyword
from pathlib import Path
from typing import NoReturn

import click

from ci import __version__, console
from ci.errors import ON_DISK, DollopError, UsageError


def main() -> NoReturn:
    """Run a verb and exit: 0 done, 1 failed as reported, 2 usage or configuration, 3 a bug of ours, 130 interrupted."""
    signal.signal(signal.SIGTERM, _terminated)
    sys.stdin = sys.stdin or open(os.devnull)
    sys.stdout = sys.stdout or open(os.devnull, "w")  # they are None where the caller closed them
    sys.stderr = sys.stderr or open(os.devnull, "w")
    with _workflow_step() as failures:
        code = _run(failures.append)
    sys.exit(code)


_FULL = (errno.ENOSPC, errno.EDQUOT)
_REFUSED = (*_FULL, errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOTDIR)
"""What a disk, or who may do what on it, says: no bug of ours."""


def _run(failed: Callable[[DollopError], None]) -> int:
    def say(error: DollopError) -> None:
        console.error(error)
        failed(error)

    try:
        code = int(verbs(prog_name="dollop", standalone_mode=False) or 0)
        sys.stdout.flush()
        return code
    except click.ClickException as error:
        error.show()
        failed(UsageError(error.format_message()))
        return 2
    except DollopError as error:
        say(error)
        return 130 if isinstance(error.__cause__, KeyboardInterrupt) else error.exit_code
    except (KeyboardInterrupt, click.Abort):
        say(DollopError("interrupted", "run it again and it goes on from there"))
        return 130
    except BrokenPipeError:  # the reader has seen enough: dollop plan | head
        _write_no_more()
        return 1
    except OSError as error:
        if error.filename and error.errno in _REFUSED:
            say(DollopError(f"{error.filename}: {error.strerror}", ON_DISK))
        elif error.errno in _FULL:
            _write_no_more()
            say(DollopError("the output cannot be written: there is no space left where it goes"))
        else:
            return _bug(say)
        return 1
    except Exception:
        return _bug(say)


def _bug(say: Callable[[DollopError], None]) -> int:
    import traceback

    traceback.print_exc()
    say(DollopError("this is a bug of dollop's: please report it with the lines above"))
    return 3


def _write_no_more() -> None:
    """What is left in the buffer has nowhere to go."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@contextmanager
def _workflow_step() -> Iterator[list[DollopError]]:
    """In a workflow, nothing that is printed is a command to GitHub, and failures are shown beside their lines."""
    failures: list[DollopError] = []
    if os.environ.get("GITHUB_ACTIONS") != "true":
        yield failures
        return
    from ci.github.run import Run, commands_stopped

    with commands_stopped():
        yield failures
    for failure in failures:
        Run(os.environ).failed(failure)


def _terminated(*_: object) -> NoReturn:
    raise KeyboardInterrupt


_VERBS = (
    "build", "plan", "deploy", "promote", "rollback", "redeploy", "status", "report", "pages", "invoke", "logs",
    "metrics", "prune", "delete", "drift", "comment", "shards", "policy", "setup", "doctor", "init", "new", "import",
    "schema", "completion", "demo", "local",
)
"""In the order in which they are used, not of the alphabet. Each is a module of ci/verbs."""


class _Verbs(Mapping[str, click.Command]):
    """Each is loaded when it is asked for: no run waits for the others."""

    def __getitem__(self, verb: str) -> click.Command:
        if verb not in _VERBS:
            raise KeyError(verb)
        name = f"{verb}_" if iskeyword(verb) else verb
        command: click.Command = getattr(import_module(f"ci.verbs.{name}"), name)
        return command

    def __iter__(self) -> Iterator[str]:
        return iter(_VERBS)

    def __len__(self) -> int:
        return len(_VERBS)


class _InOrder(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of all verbs."""
        return list(self.commands)


@click.group(
    cls=_InOrder, commands=_Verbs(),
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="dollop")
@click.option("-C", "folder", type=click.Path(path_type=Path), default=".", help="Work in this folder.")
@click.pass_context
def verbs(context: click.Context, folder: Path) -> None:
    """Ship Python functions to AWS Lambda: build, plan, deploy, promote, roll back.

    FUNCTIONS are names or globs ('api_*'); without any, all functions of pipeline.yaml are meant.
    Data goes to stdout, progress to stderr.
    """
    try:
        os.getcwd()
    except FileNotFoundError:
        raise UsageError("the folder that this runs in is gone", "go to one that is there") from None
    context.obj = folder
