from __future__ import annotations

import pytest

from ci.build import shards
from ci.errors import UsageError


@pytest.mark.parametrize(
    ("functions", "expected"), [(0, 0), (1, 0), (25, 0), (26, 2), (50, 2), (51, 3), (6400, 256), (10_000, 256)]
)
def test_how_many(functions: int, expected: int) -> None:
    """Up to 25 functions need no matrix; beyond, one job for every 25, and never more than GitHub takes."""
    assert expected == len(shards.names(functions))


@pytest.mark.parametrize("count", [26, 51, 100, 7000])
def test_every_function_is_built_once(count: int) -> None:
    """The shards have all functions between them, none twice, in nearly equal parts."""
    items = [f"function-{number}" for number in range(count)]
    parts = [shards.part(items, shard) for shard in shards.names(count)]
    assert sorted(items) == sorted(item for part in parts for item in part)
    assert max(map(len, parts)) - min(map(len, parts)) <= 1


@pytest.mark.parametrize("shard", ["", "0/2", "3/2", "1", "1/0", "a/b", "1/2 ", "-1/2"])
def test_not_a_shard(shard: str) -> None:
    """A shard that cannot be is refused."""
    with pytest.raises(UsageError, match="not a shard"):
        shards.part(["a"], shard)
