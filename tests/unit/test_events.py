"""A stream of events is cut into JSON values."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from ci.errors import UsageError
from ci.observe import invoke


@pytest.mark.parametrize(
    ("expected", "lines"),
    [
        ([], []),
        ([], ["\n", "  \n"]),
        ([{}], ["{}"]),
        ([{"a": 1}, {"a": 2}], ['{"a": 1}\n', '{"a": 2}\n']),
        ([{"a": 1}, {"a": 2}], ['{"a": 1} {"a": 2}']),
        ([{"a": 1}], ['\ufeff{"a": 1}\n']),
        ([{"a": [1, 2]}, 3], ["{\n", '  "a": [\n', "1, 2]\n", "}\n", "3\n"]),
        ([{"a": "}{]["}, "{"], ['{"a": "}{]["}\n', '"{"\n']),
        ([{"a": '\\"}'}, None], ['{"a": "\\\\\\"}"}\n', "null"]),
        ([[{}], {}], ["[\n", "{}\n", "]{\n", "}"]),
    ],
)
def test_a_value_may_take_many_lines_or_share_one(expected: list[object], lines: list[str]) -> None:
    """Brackets inside of strings count for nothing."""
    assert expected == [json.loads(event) for event in invoke.events(lines)]


def test_a_value_is_given_before_the_next_line_is_there() -> None:
    """A stream need not end before its first event is sent."""

    def lines() -> Iterator[str]:
        yield "{\n"
        yield "}\n"
        raise AssertionError("read too far")

    assert "{\n}" == next(invoke.events(lines()))


@pytest.mark.parametrize("broken", ["{'a': 1}", '{"a": ', "}", '{"a": 1', "nope", '"\udcff"'])
def test_what_is_not_json_is_told_by_its_number(broken: str) -> None:
    """What came before it has been given."""
    stream = invoke.events(["1\n", f"2 {broken}\n"])
    assert ["1", "2"] == [next(stream), next(stream)]
    with pytest.raises(UsageError, match="event 3 is not JSON"):
        next(stream)
