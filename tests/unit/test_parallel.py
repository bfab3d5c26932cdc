"""The same work for many: results in order, one failure stops the rest, an interruption too."""

from __future__ import annotations

import threading
import time

import pytest

from ci import parallel


def test_results_are_in_the_order_of_the_items() -> None:
    """However long each takes."""

    def work(number: int) -> int:
        time.sleep(0.002 * (5 - number))
        return number * 10

    assert [0, 10, 20, 30, 40] == parallel.each(work, range(5))


def test_nothing_to_do() -> None:
    """No items, no results."""
    assert [] == parallel.each(str, [])


def test_done_is_told_for_each() -> None:
    """By the caller's own thread, so that it may draw."""
    threads: list[int] = []
    parallel.each(str, range(3), done=lambda: threads.append(threading.get_ident()))
    assert [threading.get_ident()] * 3 == threads


def test_at_most_so_many_at_once() -> None:
    """``workers`` bounds them, and all of them work."""
    both = threading.Barrier(2, timeout=5)
    lock, running, most = threading.Lock(), [0], [0]

    def work(_: int) -> None:
        with lock:
            running[0] += 1
            most[0] = max(most[0], running[0])
        both.wait()
        with lock:
            running[0] -= 1

    parallel.each(work, range(6), workers=2)
    assert 2 == most[0]


def test_the_first_failure_stops_the_rest() -> None:
    """What has not begun does not begin; what waits for ``stop`` is let go; the error is the caller's."""
    stop, begun = threading.Event(), []

    def work(number: int) -> None:
        begun.append(number)
        if number == 1:
            raise ValueError("the second")
        assert stop.wait(5)

    with pytest.raises(ValueError, match="the second"):
        parallel.each(work, range(50), stop, workers=2)
    assert {0, 1} == set(begun)
    assert stop.is_set()


def test_the_reason_counts_not_its_echo() -> None:
    """Work that ends because it was told to stop does not hide why."""
    stop = threading.Event()

    def work(number: int) -> None:
        if number == 0:
            stop.wait(5)
            raise KeyboardInterrupt
        time.sleep(0.01)
        raise ValueError("the reason")

    with pytest.raises(ValueError, match="the reason"):
        parallel.each(work, range(2), stop)


def test_stopped_from_outside() -> None:
    """A signal's handler sets ``stop``: no more is begun, and the caller is interrupted."""
    stop, begun = threading.Event(), []

    def work(number: int) -> None:
        begun.append(number)
        stop.set()

    with pytest.raises(KeyboardInterrupt):
        parallel.each(work, range(100), stop, workers=1)
    assert [0] == begun


def test_what_hangs_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    """A call that does not come back cannot keep the user waiting."""
    monkeypatch.setattr(parallel, "_GRACE", 0.05)
    hanging = threading.Event()

    def work(number: int) -> None:
        if number:
            raise ValueError("failed")
        hanging.wait(10)

    start = time.monotonic()
    with pytest.raises(ValueError, match="failed"):
        parallel.each(work, range(2))
    assert time.monotonic() - start < 5
    hanging.set()


def test_work_aside() -> None:
    """It is begun at once; its result, or its error, is had by whoever asks, as often as they ask."""
    begun = threading.Event()
    result = parallel.aside(lambda: (begun.set(), 7)[1])
    assert begun.wait(5)
    assert (7, 7) == (result(), result())

    def fail() -> None:
        raise OSError("no such index")

    failed = parallel.aside(fail)
    for _ in range(2):
        with pytest.raises(OSError, match="no such index"):
            failed()
