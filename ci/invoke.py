"""Invoke a function through a stage's alias."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass

from ci.aws import Aws
from ci.errors import UsageError
from ci.model import Function, Stage


@dataclass(frozen=True)
class Answer:
    """What the function answered. ``failed``: it raised, or ran out of time or memory."""

    text: str
    failed: bool
    log: str = ""
    """The end of its log, if it was asked for."""


def invoke(aws: Aws, function: Function, stage: Stage, event: str, logs: bool = False) -> Answer:
    """Send ``event`` (JSON, ``{}`` when empty) and wait. Never sent twice.

    Raises UsageError when the event is no JSON, AbsentError when the stage has no such function.
    """
    try:
        json.loads(event or "{}")
    except ValueError as error:
        raise UsageError(f"the event is not JSON: {error}") from None
    answer = aws.invoke(function.aws_name, stage.alias, (event or "{}").encode(), logs)
    log = base64.b64decode(answer.get("LogResult") or "").decode("utf-8", "replace")
    return Answer(answer["Payload"].decode("utf-8", "replace"), "FunctionError" in answer, log)
