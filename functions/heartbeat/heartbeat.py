"""Says, on a schedule, that it is alive: one structured line for whoever watches the log."""

from __future__ import annotations

import json
from typing import Any

from shared.stage import stage


def handle(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """An EventBridge schedule's event in, the line that was logged out.

    https://docs.aws.amazon.com/eventbridge/latest/ref/events-ref-schedule.html
    """
    beat = {
        "message": "heartbeat",
        "time": event.get("time"),
        "stage": stage(context),
        "function": context.function_name,
        "version": context.function_version,
    }
    print(json.dumps(beat))
    return beat
