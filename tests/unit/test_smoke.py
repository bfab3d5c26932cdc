"""A smoke test passes when the answer holds what is expected, and says what differs when not."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ci.apply import smoke
from ci.errors import ReleaseError
from ci.model import Smoke


@pytest.mark.parametrize(
    ("expect", "answer"),
    [
        ({"statusCode": 200}, {"statusCode": 200, "body": "Guten tag"}),
        ({}, {"anything": 1}),
        ({"a": {"b": [1, 2]}}, {"a": {"b": [1, 2], "c": 3}}),
        ("Guten tag", "Guten tag"),
        (None, None),
        ([1], [1]),
    ],
)
def test_passes(expect: Any, answer: Any) -> None:
    """An object may hold more than is expected; everything else must be equal."""
    smoke.check("echo", Smoke({}, expect), {"Payload": json.dumps(answer).encode()})


@pytest.mark.parametrize(
    ("expect", "payload", "expected"),
    [
        ({"statusCode": 200}, b'{"statusCode": 500}', "answer.statusCode is 500, expected 200"),
        ({"statusCode": 200}, b"{}", "answer.statusCode is missing"),
        ({"a": {"b": 1}}, b'{"a": {"b": 2}}', "answer.a.b is 2, expected 1"),
        ({"a": 1}, b"null", 'answer is null, expected {"a": 1}'),
        ({"ok": True}, b'{"ok": 1}', "answer.ok is 1, expected true"),
        ([1], b"[1, 2]", "answer is [1, 2], expected [1]"),
        ("a", b"not JSON", 'answer is "not JSON", expected "a"'),
        ("a", b"\xff", 'answer is "\\ufffd", expected "a"'),
        ("a", b'"' + b"x" * 300 + b'"', f'answer is "{"x" * 198}…, expected "a"'),
    ],
)
def test_fails(expect: Any, payload: bytes, expected: str) -> None:
    """The message says where the answer differs, and how."""
    with pytest.raises(ReleaseError) as failed:
        smoke.check("echo", Smoke({}, expect), {"Payload": payload})
    assert f"echo: smoke test: {expected}" == failed.value.message


def test_a_function_that_fails() -> None:
    """Its own error is shown, whatever was expected."""
    payload = b'{"errorMessage": "no such table"}'
    with pytest.raises(ReleaseError, match="echo: smoke test: the function failed: .*no such table"):
        smoke.check("echo", Smoke({}, {}), {"Payload": payload, "FunctionError": "Unhandled"})
