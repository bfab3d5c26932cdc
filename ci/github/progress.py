"""What takes its time is told in the run's summary, beside the log."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from ci.github.run import Run
from ci.render.blocks import code


def told(run: Run, log: Callable[..., None]) -> Callable[..., None]:
    """``log``, which leaves in the summary, too, what is about the release as a whole, with the time of day."""

    def tell(message: str, **fields: str) -> None:
        log(message, **fields)
        if "function" not in fields:
            text = " ".join((message, *(f"{key}={value}" for key, value in sorted(fields.items()))))
            run.summarize(f"- {datetime.now(UTC):%H:%M:%S} {code(text)}")

    return tell
