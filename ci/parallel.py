"""The same work for many functions at once, stopping cleanly at the first failure or signal."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

Track = Callable[[str, int], AbstractContextManager[Callable[[], None]]]
"""``with track("reading test", 1000) as done:`` shows how far the work is; ``done()`` is one item more."""


@contextmanager
def quiet(what: str, total: int) -> Iterator[Callable[[], None]]:
    """A Track that shows nothing."""
    yield lambda: None


WORKERS = 16
"""Threads wait on AWS nearly all of the time; the quotas, not the threads, set the pace."""

_GRACE = 2.0
"""Seconds in which what is under way may end, once no more is wanted. What GitHub cancels it kills after 10:
https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-cancellation"""


def each(
    work: Callable[[Item], Result],
    items: Iterable[Item],
    stop: threading.Event | None = None,
    done: Callable[[], None] = lambda: None,
    workers: int = WORKERS,
) -> list[Result]:
    """``work`` of each item, in the order of the items; ``done`` is called, by the caller's thread, after each.

    When one fails, ``stop`` is set, for work that waits: no more is begun, what runs may end, and the error is
    raised. When ``stop`` is set by somebody else, likewise, with KeyboardInterrupt. What does not end in time (a call
    may hang) is left to itself; ``stop`` stays set.
    """
    stop = threading.Event() if stop is None else stop
    todo = deque(enumerate(items))
    results: dict[int, Result] = {}
    ended: SimpleQueue[tuple[int, Result] | BaseException] = SimpleQueue()
    total = len(todo)
    failed = threading.Event()

    def run() -> None:
        while not (stop.is_set() or failed.is_set()):
            try:
                position, item = todo.popleft()
            except IndexError:
                return
            try:
                ended.put((position, work(item)))
            except BaseException as error:
                failed.set()  # before the caller's thread hears of it: no other begins meanwhile
                ended.put(error)

    # Daemons: one that hangs must not keep the process from ending.
    threads = [threading.Thread(target=run, daemon=True) for _ in range(min(workers, total))]
    try:
        for thread in threads:
            thread.start()
        while len(results) < total:
            if stop.is_set():
                raise KeyboardInterrupt
            try:
                outcome = ended.get(timeout=0.1)
            except Empty:
                continue
            if isinstance(outcome, BaseException):
                raise _cause(outcome, stop, threads, ended)
            results[outcome[0]] = outcome[1]
            done()
    except KeyboardInterrupt:
        _end(stop, threads)
        raise
    return [results[position] for position in range(total)]


def aside(work: Callable[[], Result]) -> Callable[[], Result]:
    """Begin ``work`` in a thread of its own. What is returned waits for it, and returns or raises what it did."""
    results: list[Result] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            results.append(work())
        except BaseException as error:
            errors.append(error)

    def result() -> Result:
        thread.join()
        for error in errors:
            raise error
        return results[0]

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return result


def _end(stop: threading.Event, threads: Iterable[threading.Thread]) -> None:
    stop.set()
    deadline = time.monotonic() + _GRACE
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))


def _cause(
    first: BaseException, stop: threading.Event, threads: Iterable[threading.Thread], ended: SimpleQueue[Any]
) -> BaseException:
    """The first error that is not just the stopping because of another one."""
    _end(stop, threads)
    errors = [first]
    while not ended.empty():
        outcome = ended.get()
        if isinstance(outcome, BaseException):
            errors.append(outcome)
    return next((error for error in errors if not isinstance(error, KeyboardInterrupt)), first)
