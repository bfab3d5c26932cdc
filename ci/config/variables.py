"""Environment variables from the command line (``--env-file``, ``--set``): they go over those of pipeline.yaml.

A file has a ``KEY=VALUE`` a line, taken as it stands, and comments that begin with ``#``, as Docker reads it
(https://docs.docker.com/reference/cli/docker/container/run/#env); or it is one JSON object of strings, as Apex had it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from ci import service_model
from ci.config.environment import RESERVED
from ci.errors import ConfigError, Problem, UsageError
from ci.model import Pipeline, Secret


def read(files: Iterable[Path], pairs: Iterable[str]) -> dict[str, Secret]:
    """All of them, the later over the earlier, the pairs over the files. No message repeats a value.

    Raises ConfigError for what is wrong in a file, UsageError for a pair and for a file that cannot be read.
    """
    variables: dict[str, Secret] = {}
    problems: list[Problem] = []
    for file in files:
        for line, name, value in _entries(file):
            what = "must be KEY=VALUE" if value is None else _problem(name)
            if what:
                problems.append(Problem(str(file), line, "", what))
            variables[name] = Secret(value or "")
    if problems:
        raise ConfigError(problems)
    for position, pair in enumerate(pairs, 1):
        name, equals, value = pair.partition("=")
        if what := _problem(name) if equals else "must be KEY=VALUE":
            raise UsageError(f"--set number {position} {what}")
        variables[name] = Secret(value)
    return variables


def _entries(file: Path) -> list[tuple[int, str, str | None]]:
    """Line, name and value; the value is None where the line is none of those."""
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8"
        raise UsageError(f"--env-file {file}: cannot be read: {reason}") from None
    if text.lstrip().startswith("{"):
        return [(1, name, value) for name, value in _object(file, text).items()]
    lines = ((number, line.strip()) for number, line in enumerate(text.splitlines(), 1))
    split = ((number, line.partition("=")) for number, line in lines if line and not line.startswith("#"))
    return [(number, name, value if equals else None) for number, (name, equals, value) in split]


def _object(file: Path, text: str) -> dict[str, str]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        raise UsageError(f"--env-file {file}: not JSON, though it starts with a brace") from None
    if not isinstance(found, dict) or not all(isinstance(value, str) for value in found.values()):
        raise UsageError(f"--env-file {file}: must be one JSON object, and all of its values strings")
    return found


def _problem(name: str) -> str | None:
    """What Lambda would not take of the name. It is not repeated: it may be a value where no name was given."""
    names = service_model.shape("EnvironmentVariableName").pattern or ""
    if not re.fullmatch(names, name):
        return "has a name that may not be: letters, digits and _, a letter first, two characters or more"
    return f"sets {name}, which Lambda sets itself" if name in RESERVED else None


def over(pipeline: Pipeline, variables: Mapping[str, Secret], functions: Iterable[str]) -> Pipeline:
    """``pipeline`` where each of ``functions`` has the variables too."""
    changed = {
        name: replace(pipeline.functions[name], environment={**pipeline.functions[name].environment, **variables})
        for name in functions
    }
    return replace(pipeline, functions={**pipeline.functions, **changed})
