"""Errors of the SDK in our words: the way out that a message names is the one that there is."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError

from ci.aws.translation import translate
from ci.errors import MovedError


@pytest.mark.parametrize(
    ("operation", "code", "status", "text", "expected"),
    [
        ("update_function_code", "CodeStorageExceededException", 400, "Code storage limit exceeded.", "dollop prune"),
        ("get_function", "InvalidSignatureException", 403, "Signature expired: 20260131T090000Z is now", "clock"),
        ("get_function", "InvalidSignatureException", 403, "Signature not yet current: 20260131T09", "clock"),
        ("get_function", "InvalidSignatureException", 403, "The request signature we calculated", "credentials"),
        ("invoke", "KMSAccessDeniedException", 502, "Lambda was unable to decrypt", "mend what it says"),
        ("invoke", "ResourceConflictException", 409, "It is in the state: Pending", "until it is ready"),
        ("invoke", "SnapStartNotReadyException", 409, "Lambda is initializing your function", "until it is ready"),
        ("invoke", "ServiceException", 500, "Internal failure", "AWS itself failed"),
    ],
)
def test_what_next(operation: str, code: str, status: int, text: str, expected: str) -> None:
    """Nobody is told to come back later for what does not mend itself, nor that live moved where it did not."""
    answer = {"Error": {"Code": code, "Message": text}, "ResponseMetadata": {"HTTPStatusCode": status}}
    told = translate(ClientError(answer, operation), operation, {"FunctionName": "echo"})
    assert f"{text} ({code})" in told.message
    assert expected in told.hint
    assert not isinstance(told, MovedError)
