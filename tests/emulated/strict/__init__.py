"""A strict AWS: a proxy in front of MiniStack that adds what AWS does and MiniStack does not, and faults by script.

What it adds, each from AWS's reference of the call:

- an update, and publishing, while an update is in progress is a ResourceConflictException; an update takes ``settle`` s
- PublishVersion refuses a wrong CodeSha256 or RevisionId, and gives the newest version when nothing changed since
- an alias points to a version that is there
- a source is connected to an alias once
- GetFunction with a Qualifier tells neither tags nor reserved concurrency
- Code.Location is the code of the version that was asked for, and takes a Range
- with ``quotas``: GetFunction 100/s, all other calls of the control plane 15/s, in any second; above that 429
  (https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html#api-requests)

Every call is kept in ``calls``, in the order of arrival. An account has a proxy of its own.
"""

from __future__ import annotations

import threading
import time
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace

from tests.emulated.strict import faults
from tests.emulated.strict.calls import Answer, Call, Gone, error, request
from tests.emulated.strict.faults import KINDS, LASTING, NOT_YET, OLD, OUTCOMES, Fault
from tests.emulated.strict.rules import Rules
from tests.emulated.strict.server import Server, Upstream

__all__ = ["CONTROL", "GET_FUNCTION", "KINDS", "LASTING", "NOT_YET", "OLD", "OUTCOMES", "Call", "Fault", "Strict"]

CONTROL = 15
GET_FUNCTION = 100


class Strict:
    """The proxy. ``others``: calls a second that others take off both quotas. ``hang``: a time-out's length in s."""

    def __init__(self, upstream: int, settle: float = 0.02, quotas: bool = False, hang: float = 2.0) -> None:
        self.quotas = quotas
        self.hang = hang
        self.others = 0.0
        self.calls: list[Call] = []
        self.faults: list[Fault] = []
        self.refusals: dict[str, tuple[int, str, str]] = {}
        """Operation -> status, code and message that every call of it is refused with."""
        self.before: Callable[[Call], None] = lambda call: None
        """Called when a call arrives."""
        self.after: Callable[[Call], None] = lambda call: None
        """Called once a call took effect, before its answer is sent."""
        self.elsewhere: Callable[[Call, Mapping[str, str], bytes], Answer | None] = lambda call, headers, body: None
        """Who answers in place of MiniStack, where it has no such service."""
        self._upstream = Upstream(upstream)
        self._rules = Rules(self._upstream, settle, lambda: self.url)
        self._lock = threading.RLock()
        self._writing: dict[str, threading.RLock] = defaultdict(threading.RLock)
        self._seen: Counter[tuple[str, str]] = Counter()
        self._broken: set[tuple[str, ...]] = set()
        self._windows: dict[int, deque[float]] = defaultdict(deque)
        self._server = Server(self.answer, self._upstream.hang_up)

    @property
    def settle(self) -> float:
        """Seconds that an update takes."""
        return self._rules.settle

    @settle.setter
    def settle(self, seconds: float) -> None:
        self._rules.settle = seconds

    @property
    def publishing(self) -> float:
        """Seconds that a new version takes to be ready, where that is more: one of SnapStart takes minutes."""
        return self._rules.publishing

    @publishing.setter
    def publishing(self, seconds: float) -> None:
        self._rules.publishing = seconds

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @contextmanager
    def running(self) -> Iterator[Strict]:
        thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            self._server.server_close()
            thread.join()

    def writes(self) -> list[Call]:
        """The calls that may have changed something."""
        return [call for call in self.calls if call.writes]

    def forget(self) -> None:
        """Start to count and to fail anew. What AWS holds stays."""
        with self._lock:
            self.calls.clear()
            self.faults.clear()
            self._seen.clear()
            self._broken.clear()
            self.before = self.after = lambda call: None

    def heal(self) -> None:
        """No more faults; an update that was stuck ends, one that failed can be done again."""
        with self._lock:
            self.forget()
            self._rules.heal()

    def answer(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes, at: float
    ) -> tuple[Answer, str]:
        """The answer to what arrived ``at``, and what the wire does to it: nothing, ``truncated``."""
        if path.startswith("/_code/"):
            return self._rules.send_code(path.removeprefix("/_code/"), headers.get("Range", "")), ""
        call = self._arrived(request(method, path, headers, body, at))
        fault = self._fault(call)
        kind = fault.kind if fault else ""
        self.before(call)
        answer = faults.instead(kind, call, self.hang) or self._refused(call)
        if answer is None:
            answer = self._effect(call, kind, method, path, headers, body)
            self.after(call)
            if kind == "time-out after":
                time.sleep(self.hang)
            if kind in ("reset after", "time-out after"):
                raise Gone
        call.status = answer.status
        return answer, kind if kind == "truncated" else ""

    def _arrived(self, call: Call) -> Call:
        with self._lock:
            self._seen[call.operation, call.function] += 1
            nth = self._seen[call.operation, call.function]
            call = replace(call, number=len(self.calls) + 1, nth=nth)
            self.calls.append(call)
        return call

    def _fault(self, call: Call) -> Fault | None:
        with self._lock:
            fault = next((fault for fault in self.faults if fault.hits(call)), None)
            if fault and fault.kind == "expired":
                self._broken.add(("expired",))
            if fault and fault.kind == "denied":
                self._broken.add(("denied", call.operation))
            for broken in self._broken:
                if broken[1:] in ((), (call.operation,)):
                    return Fault(broken[0], call.operation, call.function)
            return fault

    def _refused(self, call: Call) -> Answer | None:
        if call.operation in self.refusals:
            return error(*self.refusals[call.operation])
        if not self.quotas or call.operation == "Invoke":
            return None
        quota = GET_FUNCTION if call.operation == "GetFunction" else CONTROL
        with self._lock:
            window = self._windows[quota]
            while window and window[0] <= call.at - 1:
                window.popleft()
            if len(window) + self.others < quota:
                window.append(call.at)
                return None
        return error(429, "TooManyRequestsException", "Rate exceeded")

    def _effect(
        self, call: Call, kind: str, method: str, path: str, headers: Mapping[str, str], body: bytes
    ) -> Answer:
        if (answer := self.elsewhere(call, headers, body)) is not None:
            return answer
        if call.operation == "Invoke" or not call.writes:
            return self._rules.told(call, self._upstream.send(method, path, headers, body))
        with self._writing[call.where]:
            refused = self._rules.refused(call, headers)
            if refused is not None:
                return refused
            answer = self._upstream.send(method, path, headers, body)
            if answer.status < 300:
                self._rules.accepted(call, kind, answer)
            return self._rules.told(call, answer)
