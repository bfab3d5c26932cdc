"""One family of errors. The class carries the exit code; the instance carries the way out.

Exit codes: 1 failed as reported, 2 usage or configuration. What is not in this family is a bug
of ours (3, with its traceback).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self


ON_DISK = "check the disk and who may write there"
"""What next, when a file cannot be written."""


class DollopError(Exception):
    """A failure that is reported, not traced: ``message`` says where and what, ``hint`` what next."""

    exit_code = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def about(self, function: str) -> Self:
        """The same error, and about which function it is, where it does not say so."""
        if function not in self.message:
            self.message = f"{function}: {self.message}"
            self.args = (self.message,)
        return self

    def within(self, site: str) -> Self:
        """The same error, and in which site it is, where a stage has several."""
        if site:
            self.message = "\n".join(f"{site}: {line}" for line in self.message.splitlines())
            self.args = (self.message,)
        return self


class UsageError(DollopError):
    """The command line asks for what cannot be: an unknown stage, a glob that matches nothing."""

    exit_code = 2


@dataclass(frozen=True, order=True)
class Problem:
    """One thing wrong with a file: ``pipeline.yaml:12: functions.echo.memory: must be at least 128``."""

    file: str
    line: int
    where: str
    what: str

    def __str__(self) -> str:
        where = f"{self.where}: " if self.where else ""
        return f"{self.file}:{self.line}: {where}{self.what}"


class ConfigError(DollopError):
    """pipeline.yaml, or something it names, is wrong. Holds every problem found, not only the first."""

    exit_code = 2

    def __init__(self, problems: Iterable[Problem], hint: str = "") -> None:
        self.problems = tuple(sorted(problems))
        super().__init__("\n".join(str(problem) for problem in self.problems), hint)


class BuildError(DollopError):
    """A package could not be built, or what was built would not run or not be accepted."""


class CredentialsError(DollopError):
    """No credentials or no region: nothing was called."""

    exit_code = 2


class AwsError(DollopError):
    """AWS, or the way to it, said no. ``code`` is AWS's own error code where there is one."""

    def __init__(self, message: str, hint: str = "", code: str = "") -> None:
        super().__init__(message, hint)
        self.code = code


class AbsentError(AwsError):
    """AWS answered that the resource does not exist. No other answer means absent."""


class OutdatedError(AwsError):
    """AWS answered as it was before our last write."""


class MovedError(AwsError):
    """Live moved under the plan: a revision id, version or code hash is not the planned one."""


class ReleaseError(DollopError):
    """A release did not land. ``restored`` says whether every alias is back where it was."""

    def __init__(self, message: str, hint: str = "", restored: bool = True) -> None:
        super().__init__(message, hint)
        self.restored = restored


class Unwatched(ReleaseError):
    """A release that goes on by itself, only without this command."""


class Refused(DollopError):
    """The verb would do harm and was not asked to: nothing was called."""
