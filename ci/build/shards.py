"""How a large build is spread over the jobs of a matrix. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TypeVar

from ..errors import UsageError

PER_JOB = 25
"""Functions that one job builds before a second one is worth its start-up."""

JOBS_LIMIT = 256
"""https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax#jobsjob_idstrategymatrix"""

Item = TypeVar("Item")


def names(functions: int) -> list[str]:
    """The shards for so many functions, ``1/3``, ``2/3``, ``3/3``; none where one job is enough."""
    count = min(-(-functions // PER_JOB), JOBS_LIMIT)
    return [f"{number}/{count}" for number in range(1, count + 1)] if count > 1 else []


def part(items: Sequence[Item], shard: str) -> list[Item]:
    """Those of ``items`` that ``shard`` builds: every item is in exactly one, and none has two more than another.

    Raises UsageError where ``shard`` is not of the form ``2/5``.
    """
    match = re.fullmatch(r"([1-9][0-9]*)/([1-9][0-9]*)", shard)
    if not match or int(match[1]) > int(match[2]):
        raise UsageError(f"not a shard: {shard!r}", "say the number of the part and how many there are: 2/5")
    return list(items[int(match[1]) - 1::int(match[2])])
