"""functions/heartbeat, called by EventBridge on a schedule."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest
from heartbeat import handle

SCHEDULED = {
    "version": "0", "id": "53dc4d37-cffa-4f76-80c9-8b7d4a4d2eaa", "detail-type": "Scheduled Event",
    "source": "aws.events", "account": "123456789012", "time": "2026-11-23T16:53:06Z", "region": "eu-west-1",
    "resources": ["arn:aws:events:eu-west-1:123456789012:rule/every-minute"], "detail": {},
}
"""https://docs.aws.amazon.com/eventbridge/latest/ref/events-ref-schedule.html"""
CONTEXT = SimpleNamespace(
    function_name="heartbeat", function_version="7",
    invoked_function_arn="arn:aws:lambda:eu-west-1:123456789012:function:heartbeat:prod",
)


def test_logs_one_structured_line(capsys: pytest.CaptureFixture[str]) -> None:
    """The log holds one line of JSON that says when, where and which version."""
    beat = handle(SCHEDULED, CONTEXT)
    expected = {
        "message": "heartbeat", "time": "2026-11-23T16:53:06Z", "stage": "prod",
        "function": "heartbeat", "version": "7",
    }
    assert expected == beat
    assert [expected] == [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_a_call_by_hand_beats_too(capsys: pytest.CaptureFixture[str]) -> None:
    """An empty event, as a smoke test sends it, has no time and is no error."""
    assert handle({}, CONTEXT)["time"] is None
