"""The pace of calls, on a clock that is real and a quota that is counted where calls arrive."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from ci.aws.pace import Pace

RATE = 40


def called(pace: Pace, count: int, workers: int = 16) -> list[float]:
    """When each of ``count`` calls was made."""
    stop, at = threading.Event(), []

    def one(number: int) -> None:
        with pace.turn(stop) as place:
            at.append(place.sent)

    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(one, range(count)))
    return sorted(at)


def most_in_a_second(at: list[float]) -> int:
    return max(sum(start <= other < start + 1 for other in at) for start in at)


def test_no_second_has_more_calls_than_the_quota_and_none_is_wasted() -> None:
    """Two seconds' worth of calls: within the quota at any time, and done in hardly more than its time."""
    at = called(Pace(RATE), 2 * RATE)
    assert most_in_a_second(at) <= RATE
    assert at[-1] - at[0] <= 2 * 1.15


def test_one_process_after_another_finds_its_share() -> None:
    """Started half a second after the last call of one that had used all of the quota: together they keep to it."""
    first = called(Pace(RATE), RATE + RATE // 2)
    time.sleep(0.5)
    assert most_in_a_second(first + called(Pace(RATE), RATE)) <= RATE


def test_few_calls_need_not_wait() -> None:
    """Half of the quota at once: a release of a few functions is not slowed down."""
    at = called(Pace(RATE), RATE // 2)
    assert at[-1] - at[0] < 0.3


def test_others_are_left_their_share() -> None:
    """After a refusal fewer calls are made a second; the share comes back with time."""
    pace = Pace(RATE)
    pace.slow_down()
    at = called(pace, RATE)
    assert most_in_a_second(at) < 0.9 * RATE


def test_waiting_for_a_turn_ends_with_a_signal() -> None:
    """However many wait, and whatever for."""
    pace, stop = Pace(1), threading.Event()
    with pace.turn(stop):
        with ThreadPoolExecutor(4) as pool:
            waiting = [pool.submit(lambda: pace.turn(stop).__enter__()) for _ in range(4)]
            stop.set()
            for each in waiting:
                with pytest.raises(KeyboardInterrupt):
                    each.result(timeout=2)
