"""Keeping to a quota of calls a second, whatever the network does to their timing. No I/O."""

from __future__ import annotations

import heapq
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass
class Slot:
    """What one call takes of the quota. ``sent`` is when it was handed to the network, on ``time.monotonic``."""

    sent: float


class Pace:
    """At most ``rate`` calls in any second, counted where they arrive: half of them at once, the others evenly.

    A call arrives at some time between its sending and its answer. So it keeps its slot until one second after
    its answer (after ``_TRANSIT`` seconds, where the answer takes longer).

    Evenly, because the quota is the account's: a process that took all of it at once would leave nothing to others
    for a second, nor to the one that is started after it.
    """

    _TRANSIT = 0.25
    _AT_ONCE = 0.5
    _LATE = 0.05
    """Seconds that are caught up with, when a call could not begin when it was due."""
    _SHARE_KEPT = 0.8
    _RECOVERY = 30.0

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._share = float(rate)
        self._cut = 0.0
        self._under_way = 0
        self._due = 0.0
        self._ends: list[float] = []
        self._head = threading.Lock()
        """Held by the call whose turn is next."""
        self._freed = threading.Condition()

    @contextmanager
    def turn(self, stop: threading.Event) -> Iterator[Slot]:
        """Wait for a slot and hold it during the call. Raises KeyboardInterrupt when ``stop`` is set first."""
        slot = Slot(self._begin(stop))
        try:
            yield slot
        finally:
            with self._freed:
                self._under_way -= 1
                heapq.heappush(self._ends, min(time.monotonic(), slot.sent + self._TRANSIT) + 1.0)
                self._freed.notify()

    def _begin(self, stop: threading.Event) -> float:
        while not stop.is_set():
            if self._head.acquire(timeout=0.1):
                try:
                    return self._next(stop)
                finally:
                    self._head.release()
        raise KeyboardInterrupt

    def _next(self, stop: threading.Event) -> float:
        with self._freed:
            while not stop.is_set():
                now = time.monotonic()
                while self._ends and self._ends[0] <= now:
                    heapq.heappop(self._ends)
                taken, limit = self._under_way + len(self._ends), self._limit(now)
                if taken < limit and (taken < limit * self._AT_ONCE or now >= self._due):
                    self._under_way += 1
                    self._due = max(self._due, now - self._LATE) + 1 / limit
                    return now
                until = self._due if taken < limit else self._ends[0] if self._ends else now + 0.1
                self._freed.wait(min(max(until - now, 0.0), 0.1))
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
