"""How code that is promoted unchanged finds out which stage it runs as."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from shared.stage import stage


@pytest.mark.parametrize(
    ("qualifier", "expected"),
    [(":test", "test"), (":prod", "prod"), (":7", None), (":$LATEST", None), ("", None), (":v7", "v7")],
)
@pytest.mark.parametrize("partition", ["aws", "aws-cn", "aws-us-gov"])
def test_the_stage_is_the_alias_that_was_invoked(partition: str, qualifier: str, expected: str | None) -> None:
    """A version number, ``$LATEST`` and no qualifier name no stage."""
    arn = f"arn:{partition}:lambda:eu-west-1:123456789012:function:echo{qualifier}"
    assert expected == stage(SimpleNamespace(invoked_function_arn=arn))
