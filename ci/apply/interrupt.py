"""A signal while a release is under way is noted, not thrown: the release decides where it stops."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""What ends a run: Ctrl-C, a cancelled job (SIGINT, SIGTERM 7.5 s later, SIGKILL 2.5 s later), a closed terminal.
https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-cancellation"""


@contextmanager
def noted(stop: threading.Event) -> Iterator[None]:
    """Within it a signal sets ``stop`` and nothing else. Without effect outside of the main thread, which has them.

    Under nohup, a closed terminal ends nothing."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    heard = [number for number in SIGNALS if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN]
    before = {number: signal.signal(number, lambda *_: stop.set()) for number in heard}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
