"""Invoke a function through a stage's alias, once for each event."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ci.aws import Aws
from ci.errors import AbsentError, UsageError
from ci.model import Function, Stage


@dataclass(frozen=True)
class Answer:
    """What the function answered, in one line. ``failed``: it raised, or ran out of time or memory."""

    text: str
    failed: bool
    log: str = ""
    """The end of its log, if it was asked for."""


def invoke(aws: Aws, function: Function, stage: Stage, event: str, logs: bool = False) -> Answer:
    """Send ``event`` (JSON) and wait. Never sent twice.

    Raises AbsentError when the stage has no such function, AwsError when it could not be invoked.
    """
    try:
        answer = aws.invoke(function.aws_name, stage.alias, event.encode(), logs)
    except AbsentError as error:
        error.hint = f"bring it there: dollop {'promote' if stage.source else 'deploy'} {stage.name} {function.name}"
        raise
    log = base64.b64decode(answer.get("LogResult") or "").decode("utf-8", "replace")
    return Answer(_in_one_line(answer["Payload"].decode("utf-8", "replace")), "FunctionError" in answer, log)


def _in_one_line(text: str) -> str:
    if len(text.splitlines()) < 2:
        return text
    try:
        return json.dumps(json.loads(text))
    except ValueError:
        return " ".join(text.splitlines())


_MARKS = re.compile(r'"(?:[^"\\]|\\.)*"|(?P<open>[\[{])|(?P<close>[\]}])')


def events(lines: Iterable[str]) -> Iterator[str]:
    """Each JSON value of a stream, as soon as its last line is there; a value may take many lines, or share one.

    Raises UsageError where the stream is not JSON; the values before that have been given.
    """
    number, depth, held = 0, 0, []
    for line in lines:
        held.append(line)
        depth += sum(1 if mark["open"] else -1 if mark["close"] else 0 for mark in _MARKS.finditer(line))
        if depth <= 0:
            for event in _values("".join(held), number):
                number += 1
                yield event
            depth, held = 0, []
    yield from _values("".join(held), number)


def _values(text: str, number: int) -> Iterator[str]:
    decoder = json.JSONDecoder()
    text = text.removeprefix("\ufeff").strip()
    while text:
        number += 1
        try:
            _, end = decoder.raw_decode(text)
            text[:end].encode()  # what was no UTF-8 on stdin fails here
        except (ValueError, RecursionError) as error:
            hint = "nothing was sent for it; what is in a file goes to stdin: dollop invoke FUNCTION < event.json"
            raise UsageError(f"event {number} is not JSON: {error}", hint) from None
        yield text[:end]
        text = text[end:].lstrip()
