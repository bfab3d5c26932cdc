"""What every step of carrying out a plan needs."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from ci.aws import Aws
from ci.errors import DollopError
from ci.parallel import WORKERS, Track
from ci.plan.plan import FunctionPlan, Plan

Log = Callable[..., None]
"""``log("updated alias test", env="test", function="echo", version="8")``"""

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Job:
    """One plan on its way."""

    plan: Plan
    sites: Mapping[str, Aws]
    _log: Log
    _arns: dict[str, str] = field(default_factory=dict)

    def aws(self, function: FunctionPlan) -> Aws:
        """The way to where ``function`` is."""
        return self.sites[function.site]

    def arn(self, function: FunctionPlan) -> str:
        """Unqualified; asked for once where this release has created the function."""
        if function.arn:
            return function.arn
        if function.label not in self._arns:
            answer = self.aws(function).settle(function.aws_name)
            self._arns[function.label] = ":".join(answer["Configuration"]["FunctionArn"].split(":")[:7])
        return self._arns[function.label]

    @property
    def _first(self) -> Aws:
        return next(iter(self.sites.values()))

    @property
    def interrupted(self) -> threading.Event:
        """That of all sites: what stops one stops the others."""
        return self._first.interrupted

    @property
    def track(self) -> Track:
        """Shows how far long work is."""
        return self._first.track

    def begin(self) -> threading.Event:
        """From now on the sites stop together, at the event that is returned."""
        event = self.interrupted
        for aws in self.sites.values():
            aws.interrupted = event
        return event

    def go_on(self) -> None:
        """Whatever is still under way sees the event that stopped it; what begins now does not."""
        event = threading.Event()
        for aws in self.sites.values():
            aws.interrupted = event

    def say(self, message: str, **fields: str) -> None:
        """Log what is about more than one function."""
        self._log(message, env=self.plan.stage, **fields)

    def log(self, message: str, function: FunctionPlan, **fields: str) -> None:
        site = {"site": function.site} if function.site else {}
        self._log(message, env=self.plan.stage, function=function.function, **site, **fields)

    def each(
        self, what: str, work: Callable[[Item], Result], items: Iterable[Item], workers: int = WORKERS
    ) -> list[Result]:
        """``Aws.each`` over all sites, that says in which of them something failed."""

        def told(item: Item) -> Result:
            try:
                return work(item)
            except DollopError as error:
                raise error.within(item.site if isinstance(item, FunctionPlan) else "")

        return self._first.each(what, told, items, workers)
