"""What every step of carrying out a plan needs."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeVar

from ci.aws import Aws
from ci.parallel import WORKERS, Track, each
from ci.plan.actions import FunctionPlan, Plan

Log = Callable[..., None]
"""``log("updated alias test", env="test", function="echo", version="8")``"""

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Job:
    """One plan on its way."""

    plan: Plan
    aws: Aws
    _log: Log
    track: Track

    def say(self, message: str, **fields: str) -> None:
        """Log what is about more than one function."""
        self._log(message, env=self.plan.stage, **fields)

    def log(self, message: str, function: FunctionPlan, **fields: str) -> None:
        self._log(message, env=self.plan.stage, function=function.function, **fields)

    def each(
        self, what: str, work: Callable[[Item], Result], items: Iterable[Item], workers: int = WORKERS
    ) -> list[Result]:
        """``parallel.each`` that ends at a signal and shows how far it is."""
        listed = list(items)
        with self.track(what, len(listed)) as done:
            return each(work, listed, self.aws.interrupted, done, workers)
