"""The workflow run that this process is a step of: what GitHub tells it, and what it may tell GitHub.

https://docs.github.com/en/actions/reference/workflows-and-actions/variables
https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands
"""

from __future__ import annotations

import json
import re
import secrets
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from ci.errors import ConfigError, DollopError, UsageError
from ci.render import blocks
from ci.render.links import Links
from ci.render.markdown import SUMMARY_LIMIT

ANNOTATIONS = 10
"""As many errors of one step are shown:
https://docs.github.com/en/actions/reference/limits#annotations-per-step"""


@dataclass(frozen=True)
class Run:
    """The variables of one run."""

    environ: Mapping[str, str]

    @property
    def repository(self) -> str:
        """``owner/name``."""
        return self._variable("GITHUB_REPOSITORY")

    @property
    def token(self) -> str:
        return self._variable("GITHUB_TOKEN", "export GITHUB_TOKEN=$(gh auth token); in a step, ${{ github.token }}")

    @property
    def api(self) -> str:
        return self.environ.get("GITHUB_API_URL") or "https://api.github.com"

    @property
    def commit(self) -> str:
        """The commit that people know: of a pull request its head, not the merge that GitHub tests."""
        head = self._pull.get("head", {}).get("sha") or (self.event.get("workflow_run") or {}).get("head_sha")
        return str(head or self._variable("GITHUB_SHA"))

    @property
    def pull(self) -> int | None:
        """The number of the pull request that the run is about, where the event says so."""
        number = self._pull.get("number")
        return number if isinstance(number, int) else None

    @cached_property
    def event(self) -> Mapping[str, Any]:
        """The payload that started the run: https://docs.github.com/en/webhooks/webhook-events-and-payloads"""
        path = self.environ.get("GITHUB_EVENT_PATH")
        try:
            event = json.loads(Path(path).read_bytes()) if path else {}
        except (OSError, ValueError) as error:
            raise UsageError(f"GITHUB_EVENT_PATH: {path} cannot be read: {error}") from None
        return event if isinstance(event, dict) else {}

    @property
    def _pull(self) -> Mapping[str, Any]:
        return self.event.get("pull_request") or {}

    @property
    def links(self) -> Links:
        server = self.environ.get("GITHUB_SERVER_URL") or "https://github.com"
        return Links(f"{server}/{self.repository}", self._variable("GITHUB_RUN_ID"))

    @property
    def failing(self) -> Links:
        """As ``links``, but where another run started this one and failed, to that one."""
        other = self.event.get("workflow_run") or {}
        return replace(self.links, run=str(other["id"])) if other.get("conclusion") == "failure" else self.links

    def _variable(self, name: str, hint: str = "this verb is a step of a workflow: see .github/workflows") -> str:
        value = self.environ.get(name)
        if not value:
            raise UsageError(f"{name} is not set", hint)
        return value

    # ------------------------------------------------------------ what a step may say

    def summarize(self, text: str) -> None:
        """Append to the run's summary, as far as it takes more."""
        path = self.environ.get("GITHUB_STEP_SUMMARY")
        if not path:
            return
        with open(path, "ab") as stream:
            if stream.tell() + len(text.encode()) < SUMMARY_LIMIT:
                stream.write(f"{text}\n\n".encode())

    def output(self, name: str, value: str) -> None:
        """Set an output of the step, of any number of lines."""
        path = self.environ.get("GITHUB_OUTPUT")
        if path:
            end = f"end-{secrets.token_hex(16)}"
            with open(path, "a", encoding="utf-8") as stream:
                stream.write(f"{name}<<{end}\n{value}\n{end}\n")

    def failed(self, error: DollopError) -> None:
        """Annotate the file and line of each problem, and leave the whole of it in the summary and as an output."""
        for line in annotated(error, Path()):
            print(line, file=sys.stderr)
        text = shortened(f"{error.message}\n{error.hint}".rstrip())
        with suppress(OSError):  # the disk may be what failed
            self.summarize("\n".join(blocks.listed(text)))
            self.output("failure", text)


OUTPUT_LIMIT = 60_000
"""Bytes of an output: the next step takes it as a variable of its environment, and Linux takes 128 KB of one."""


def shortened(text: str) -> str:
    """The first lines of ``text``, with the number of those that are too many."""
    lines, size = text.splitlines(), 0
    for number, line in enumerate(lines):
        size += len(line.encode()) + 1
        if size > OUTPUT_LIMIT:
            return "\n".join([*lines[:number], f"and {len(lines) - number} more lines: see the log"])
    return text


def current(environ: Mapping[str, str]) -> Run | None:
    """The run, or None where this is no step of a workflow."""
    return Run(environ) if environ.get("GITHUB_ACTIONS") == "true" else None


def annotated(error: DollopError, root: Path) -> Iterable[str]:
    """The workflow commands that show ``error`` beside the lines it is about, of files under ``root``."""
    if not isinstance(error, ConfigError):
        yield command("error", shortened(error.message), *_place(error.message, root))
        return
    shown = error.problems if len(error.problems) <= ANNOTATIONS else error.problems[: ANNOTATIONS - 1]
    for problem in shown:
        yield command("error", f"{problem.where}: {problem.what}".removeprefix(": "), problem.file, problem.line)
    if len(error.problems) > len(shown):
        yield command("error", f"and {len(error.problems) - len(shown)} more problems: see the log")


def _place(message: str, root: Path) -> tuple[str, int]:
    """The file that ``message`` begins with, and its line; for a function, where pipeline.yaml names it."""
    if found := re.match(r"([^\s:]+)(?::(\d+))?: ", message):
        with suppress(OSError):
            if (root / found[1]).is_file():
                return found[1], int(found[2] or 0)
    if found := re.match(r"function ([\w-]+): ", message):
        with suppress(OSError, UnicodeDecodeError):
            lines = (root / "pipeline.yaml").read_text().splitlines()
            after = next((number for number, line in enumerate(lines) if line.startswith("functions:")), len(lines))
            for number, line in enumerate(lines[after:], after + 1):
                if re.match(rf"""\s+["']?{found[1]}["']?\s*:""", line):
                    return "pipeline.yaml", number
    return "", 0


def command(name: str, message: str, file: str = "", line: int = 0) -> str:
    """``::error file=pipeline.yaml,line=3::message``, with what would end it early escaped."""
    properties = [f"file={_escaped(file, property=True)}"] if file else []
    properties += [f"line={line}"] if line else []
    return f"::{name}{' ' * bool(properties)}{','.join(properties)}::{_escaped(message)}"


def _escaped(text: str, property: bool = False) -> str:
    for char, code in (("%", "%25"), ("\r", "%0D"), ("\n", "%0A"), *((":", "%3A"), (",", "%2C")) * property):
        text = text.replace(char, code)
    return re.sub(r"[\x00-\x1f\x7f]", "", text)


@contextmanager
def commands_stopped() -> Iterator[None]:
    """While this is open, no line that is printed is taken for a workflow command, whoever wrote it.

    https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands#stopping-and-starting-workflow-commands
    """
    token = secrets.token_hex(16)
    print(f"::stop-commands::{token}", file=sys.stderr, flush=True)
    try:
        yield
    finally:
        sys.stdout.flush()
        print(f"::{token}::", file=sys.stderr, flush=True)
