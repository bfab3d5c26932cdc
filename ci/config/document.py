"""pipeline.yaml as it was read: its values, their lines, and the problems that were found so far."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from ci.config import nodes, yaml_reader
from ci.errors import ConfigError, Problem, UsageError

SIZE_LIMIT = 1_000_000
"""Bytes of pipeline.yaml. A thousand functions, each said at length, are half of that."""


class Document:
    """The file ``path``. What is wrong with it becomes a problem, and the reading goes on: all are told at once.

    Raises UsageError where there is no such file, ConfigError where it is no YAML that can be read.
    """

    def __init__(self, path: Path) -> None:
        self.file = str(path)
        self.root = path.parent.resolve()
        self.node, self.problems = yaml_reader.parse(_text(path), self.file)

    def problem(self, what: str, *path: str | int) -> None:
        """Something is wrong with the value at ``path``."""
        self.problems.append(Problem(self.file, self.node.line_of(path), nodes.where(path), what))

    def problem_of(self, function: str, what: str, *key: str | int) -> None:
        """Something is wrong with ``key`` of a function, which may have it from defaults."""
        self.problem(what, *(self.origin(function, *key) or ("functions", function, *key)))

    def origin(self, function: str, *key: str | int) -> tuple[str | int, ...]:
        """Where the file says ``key``, rightly or wrongly: in the function or in defaults. Empty: in neither."""
        for start in (("functions", function), ("defaults",)):
            if self.node.at((*start, *key)):
                return (*start, *key)
        return ()

    def inside(
        self, said: str, is_one: Callable[[Path], bool], kind: str, function: str, *key: str | int
    ) -> Path | None:
        """The path ``said``, relative to the root. None, and a problem, where that is not a ``kind`` inside of it."""
        path = Path(os.path.normpath(said))
        what = f"there is no {kind} {path}" if said.isprintable() else f"there is no such {kind}"
        try:
            real = (self.root / path).resolve()
            if path.is_absolute() or not real.is_relative_to(self.root):
                what = "leads outside of the repository"
            elif is_one(real):
                return path
        except OSError as error:
            what = f"cannot be looked up: {error.strerror}"
        except (RuntimeError, ValueError):  # a circle of links, a character that no name has
            pass
        self.problem_of(function, what, *key)
        return None


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(SIZE_LIMIT + 1)
        if len(content) > SIZE_LIMIT:
            raise ConfigError([Problem(str(path), 1, "", f"is larger than {SIZE_LIMIT // 1000} kB")])
        return content.decode("utf-8-sig")
    except (FileNotFoundError, NotADirectoryError):
        raise UsageError(
            f"there is no {path.name} in {path.parent.resolve()}",
            "go to the folder that has it, or name that folder: dollop -C DIR",
        ) from None
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise ConfigError([Problem(str(path), line, "", "is not UTF-8")]) from None
