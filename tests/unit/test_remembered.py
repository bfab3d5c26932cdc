"""Tags and concurrency: what somebody changed by hand, told apart from what the repository changed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st

from ci import diff, remembered
from ci.model import Function
from ci.model.live import LiveFunction
from ci.plan.changes import Change
from tests.unit.given import found, function, version

LEFT = function(tags={"team": "blue", "tier": "1"}, concurrency=3)
"""What was released."""


def live(tags: Mapping[str, str] | None = None, concurrency: int | None = 3, told: str | None = None) -> LiveFunction:
    """What AWS has since ``LEFT`` was released; all of it as it was left, where nothing is said."""
    told = remembered.landed(LEFT, LiveFunction()) if told is None else told
    own = {"team": "blue", "tier": "1"} if tags is None else tags
    return found(version(), tags={**own, "dollop": told}, concurrency=concurrency)


NOTHING: list[Change] = []


@pytest.mark.parametrize(
    ("wanted", "now", "expected"),
    [
        pytest.param(LEFT, live(), NOTHING, id="all is as it was left"),
        pytest.param(function(tags={"team": "red"}, concurrency=9), live(), NOTHING, id="the repository changed all"),
        pytest.param(function(tags={"team": "blue", "new": "1"}), live(), NOTHING, id="the repository has a new tag"),
        pytest.param(LEFT, live(concurrency=7), [Change("concurrency", "3", "7")], id="concurrency"),
        pytest.param(LEFT, live(concurrency=None), [Change("concurrency", "3", "none")], id="concurrency taken away"),
        pytest.param(LEFT, live(concurrency=0), [Change("concurrency", "3", "0")], id="none may run"),
        pytest.param(
            replace(LEFT, concurrency=9), live(concurrency=7), [Change("concurrency", "3", "7")], id="both changed it"
        ),
        pytest.param(replace(LEFT, concurrency=7), live(concurrency=7), NOTHING, id="both changed it to the same"),
        pytest.param(replace(LEFT, concurrency=None), live(concurrency=7), NOTHING, id="no longer managed"),
        pytest.param(
            LEFT, live({"team": "red", "tier": "1"}), [Change("tag team", verb="changed")], id="a tag's value"
        ),
        pytest.param(LEFT, live({"tier": "1"}), [Change("tag team", verb="removed")], id="a tag taken away"),
        pytest.param(
            LEFT, live({"team": "blue", "tier": "1", "by": "me"}), [Change("tag by", verb="added")], id="one tag more"
        ),
        pytest.param(
            function(tags={"team": "green", "tier": "2"}, concurrency=3),
            live({"team": "red", "tier": "1"}),
            [Change("tag team", verb="changed")],
            id="one tag by hand, another by the repository",
        ),
        pytest.param(
            function(tags={"team": "green"}), live({"tier": "1"}), [Change("tag team", verb="removed")],
            id="taken away while the repository changed its value",
        ),
        pytest.param(LEFT, live({"team": "red"}, 7, told=""), NOTHING, id="nothing is told"),
        pytest.param(LEFT, live({"team": "red"}, 7, told="our tag"), NOTHING, id="the tag is somebody else's"),
        pytest.param(
            LEFT, live({"team": "red"}, 7, told="concurrency:3"), [Change("concurrency", "3", "7")],
            id="only concurrency is told",
        ),
        pytest.param(LEFT, live(concurrency=3, told="concurrency:3/5"), NOTHING, id="on its way"),
        pytest.param(replace(LEFT, concurrency=8), live(concurrency=5, told="concurrency:3/5"), NOTHING, id="arrived"),
        pytest.param(
            LEFT, live(concurrency=7, told="concurrency:2/3"), [Change("concurrency", "3", "7")], id="neither of both"
        ),
    ],
)
def test_by_hand(wanted: Function, now: LiveFunction, expected: list[Change]) -> None:
    """Named by field, and only what differs from what is wanted."""
    assert expected == list(remembered.by_hand(now, diff.unversioned(wanted, now)))


@pytest.mark.parametrize(
    ("concurrency", "now", "prepared", "landed"),
    [
        (3, live(told="concurrency:3"), "concurrency:3", "concurrency:3"),
        (9, live(told="concurrency:3"), "concurrency:3/9", "concurrency:9"),
        (9, live(told=""), "concurrency:3/9", "concurrency:9"),
        (9, live(concurrency=None, told=""), "concurrency:none/9", "concurrency:9"),
        (9, live(concurrency=7, told="concurrency:3"), "concurrency:3/9", "concurrency:9"),
        (3, live(concurrency=7, told="concurrency:3"), "concurrency:3", "concurrency:3"),
        (9, live(concurrency=3, told="concurrency:3/5"), "concurrency:3/9", "concurrency:9"),
        (9, live(concurrency=5, told="concurrency:3/5"), "concurrency:5/9", "concurrency:9"),
        (5, live(concurrency=5, told="concurrency:3/5"), "concurrency:5", "concurrency:5"),
        (None, live(told="concurrency:3"), "", ""),
    ],
)
def test_what_is_remembered(concurrency: int | None, now: LiveFunction, prepared: str, landed: str) -> None:
    """What was left and what is to come, until that has come; what somebody set by hand is never told as left."""
    wanted = function(concurrency=concurrency)
    assert (prepared, landed) == (remembered.prepared(wanted, now), remembered.landed(wanted, now))


TAGS = st.dictionaries(st.text("abc :/", min_size=1, max_size=8), st.text("xyz", max_size=8), max_size=50)


@for_all(TAGS, st.booleans())
def test_the_tag_is_one_that_aws_takes(tags: dict[str, str], limited: bool) -> None:
    """At most 256 of its characters, and at most 50 tags with it; then it tells of every tag.

    https://docs.aws.amazon.com/lambda/latest/dg/configuration-tags.html
    """
    wanted = function(tags=tags, concurrency=10_000 if limited else None)
    told = remembered.prepared(wanted, LiveFunction())
    assert re.fullmatch(r"[\w .:/=+@-]{0,256}", told)
    if len(tags) < 45:
        other = found(version(), tags={key: f"{value}-" for key, value in tags.items()} | {"dollop": told})
        changed = [change.key for change in remembered.by_hand(other, diff.tags(wanted, other))]
        assert [f"tag {key}" for key in sorted(tags)] == changed
    if len(tags) == 50:
        assert "" == told
