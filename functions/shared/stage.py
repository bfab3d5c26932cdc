"""Which stage the code runs as.

``test`` and ``prod`` run the same published version, environment variables included: that is what makes a
promotion exact. What tells them apart is the alias that was called, and it is in the invoked ARN.
"""

from __future__ import annotations

from typing import Any


def stage(context: Any) -> str | None:
    """The alias that was invoked, ``test`` or ``prod``; None when it was a version, or no qualifier at all.

    ``arn:aws:lambda:eu-west-1:123456789012:function:echo:test``, see
    https://docs.aws.amazon.com/lambda/latest/dg/python-context.html
    """
    _, _, qualifier = context.invoked_function_arn.partition(":function:")[2].partition(":")
    return qualifier if qualifier and qualifier != "$LATEST" and not qualifier.isdecimal() else None
