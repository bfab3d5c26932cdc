"""Keeping to a quota of calls a second, whatever the network does to their timing. No I/O."""

from __future__ import annotations

import heapq
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass
class Place:
    """What one call takes of the quota. ``sent`` is when it was handed to the network, on ``time.monotonic``."""

    sent: float


class Pace:
    """At most ``rate`` calls in any second, counted where they arrive.

    A call arrives at some time between its sending and its answer. So it keeps its place until one second after
    its answer (after ``_TRANSIT`` seconds, where the answer takes longer).
    """

    _TRANSIT = 0.25
    _SHARE_KEPT = 0.7
    _RECOVERY = 30.0

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._share = float(rate)
        self._cut = 0.0
        self._under_way = 0
        self._ends: list[float] = []
        self._freed = threading.Condition()

    @contextmanager
    def turn(self, stop: threading.Event) -> Iterator[Place]:
        """Wait for a place and hold it during the call. Raises KeyboardInterrupt when ``stop`` is set first."""
        place = Place(self._begin(stop))
        try:
            yield place
        finally:
            with self._freed:
                self._under_way -= 1
                heapq.heappush(self._ends, min(time.monotonic(), place.sent + self._TRANSIT) + 1.0)
                self._freed.notify()

    def _begin(self, stop: threading.Event) -> float:
        with self._freed:
            while not stop.is_set():
                now = time.monotonic()
                while self._ends and self._ends[0] <= now:
                    heapq.heappop(self._ends)
                if self._under_way + len(self._ends) < self._limit(now):
                    self._under_way += 1
                    return now
                self._freed.wait(min(self._ends[0] - now, 0.1) if self._ends else 0.1)
        raise KeyboardInterrupt

    def slow_down(self) -> None:
        """The quota is used by others, too: leave them a share, and take it back little by little."""
        with self._freed:
            now = time.monotonic()
            if now - self._cut >= 1.0:
                self._share = max(1.0, self._limit(now) * self._SHARE_KEPT)
                self._cut = now

    def _limit(self, now: float) -> float:
        return min(self._rate, self._share + (now - self._cut) * self._rate / self._RECOVERY)
