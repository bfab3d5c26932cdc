"""The same work for many functions at once, stopping cleanly at the first failure or Ctrl-C."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

WORKERS = 16
"""Threads wait on AWS nearly all of the time; the quotas, not the threads, set the pace."""


def each(
    work: Callable[[Item], Result],
    items: Iterable[Item],
    interrupted: threading.Event | None = None,
    workers: int = WORKERS,
) -> list[Result]:
    """``work`` of each item, in the order of the items.

    When one fails, or the user interrupts, what has not begun is dropped, what runs is finished
    (a call to AWS cannot be taken back half-way), and the first error is raised. ``interrupted`` is
    set on Ctrl-C, for work that only waits.
    """
    with ThreadPoolExecutor(workers) as pool:
        futures = [pool.submit(work, item) for item in items]
        try:
            wait(futures, return_when=FIRST_EXCEPTION)
        except KeyboardInterrupt:
            if interrupted:
                interrupted.set()
            raise
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
    for future in futures:
        if not future.cancelled() and future.exception() is not None:
            future.result()
    return [future.result() for future in futures]
