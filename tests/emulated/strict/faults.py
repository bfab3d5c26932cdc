"""What goes wrong, by script."""

from __future__ import annotations

import time
from dataclasses import dataclass

from tests.emulated.strict.calls import Answer, Call, Gone, error


@dataclass(frozen=True)
class Fault:
    """What goes wrong: ``kind``, one of ``KINDS``, ``NOT_YET`` or ``OLD``.

    From the ``nth`` such call on, ``times`` times (None: always).
    """

    kind: str
    operation: str
    function: str
    nth: int = 1
    times: int | None = 1

    def hits(self, call: Call) -> bool:
        same = (self.operation, self.function) == (call.operation, call.function)
        return same and self.nth <= call.nth and (self.times is None or call.nth < self.nth + self.times)


KINDS = (
    "throttled",
    "internal error",
    "bad gateway",
    "reset before",
    "reset after",
    "truncated",
    "time-out before",
    "time-out after",
    "expired",
    "denied",
    "stuck",
    "update fails",
)
"""``expired`` and ``denied`` last: the token for every call, the permission for every such call. ``stuck`` and
``update fails`` are about what an accepted update comes to."""

NOT_YET = "not heard of yet"
"""What was just made is absent for one of AWS's servers. It is none of ``KINDS``: what is read first may be absent."""

OLD = "the version before"
"""Version 1 answers an invocation of an alias that has moved."""

LASTING = ("expired", "denied")
OUTCOMES = ("stuck", "update fails")


def instead(kind: str, call: Call, hang: float) -> Answer | None:
    """The answer of a fault that keeps the call from having an effect. None: it has one."""
    if kind == "time-out before":
        time.sleep(hang)
    if kind in ("reset before", "time-out before"):
        raise Gone
    if kind == "bad gateway":
        return Answer(502, b"<html><body>502 Bad Gateway</body></html>", {"Content-Type": "text/html"})
    if kind == OLD:
        return Answer(200, b"{}", {"X-Amz-Executed-Version": "1"})
    action = f"{call.service}:{call.operation}"
    refusals = {
        NOT_YET: (404, "ResourceNotFoundException", f"Function not found: {call.function}"),
        "throttled": (429, "TooManyRequestsException", "Rate exceeded"),
        "internal error": (500, "ServiceException", "An error occurred and the request cannot be processed."),
        "expired": (403, "ExpiredTokenException", "The security token included in the request is expired"),
        "denied": (
            403,
            "AccessDeniedException",
            f"User: arn:aws:sts::123456789012:assumed-role/deploy/ci is not authorized to perform: {action} on "
            f"resource: arn:aws:lambda:eu-west-1:123456789012:function:{call.function} because no identity-based "
            f"policy allows the {action} action",
        ),
    }
    return error(*refusals[kind]) if kind in refusals else None
