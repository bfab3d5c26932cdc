"""Rolling back: which functions go where, and when that is refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from ci.errors import Refused
from ci.model import Stage
from ci.model.live import LiveAlias, LiveFunction
from ci.plan import rollback
from ci.plan.actions import PointAlias
from ci.record import AliasRecord, read_alias
from tests.unit import given
from tests.unit.given import REGION, TEST, alias, found, function, moment, version

VERSIONS = tuple(version(str(number)) for number in range(1, 10))


def moved(number: str, release: str, at: int, previous: str | None, since: int | None = None) -> LiveAlias:
    """An alias that ``release`` has moved in minute ``at``."""
    return alias(
        number, release=release, at=moment(at), previous=previous, since=None if since is None else moment(since)
    )


def function_with(*aliases: LiveAlias) -> LiveFunction:
    return found(*VERSIONS, aliases=aliases)


def targets(aliases: Mapping[str, LiveAlias | None], whole: bool = True, stage: Stage = TEST) -> dict[str, str]:
    live = given.live({name: function_with(*([one] if one else [])) for name, one in aliases.items()})
    return rollback.targets(stage, [function(name) for name in aliases], live, whole)


@pytest.mark.parametrize(
    ("aliases", "expected"),
    [
        pytest.param(
            {"a": moved("8", "r2", 2, "7"), "b": moved("5", "r1", 1, "4")}, {"a": "7"}, id="the last release only"
        ),
        pytest.param(
            {"a": moved("8", "r", 2, "7"), "b": moved("5", "r", 3, "4", since=1)},
            {"a": "7", "b": "4"},
            id="a release that was broken off and finished",
        ),
        pytest.param(
            {"a": moved("8", "r", 1, "7"), "b": moved("5", "r", 1, None)}, {"a": "7"}, id="a new function stays"
        ),
        pytest.param(
            {"a": moved("8", "r", 3, "9", since=2), "b": moved("5", "r", 1, "4")},
            {"a": "9"},
            id="released, released over, released again: only the last time goes back",
        ),
        pytest.param(
            {"a": moved("7", "undo-r", 2, "8", since=1), "b": moved("5", "r", 1, "4")},
            {"b": "4"},
            id="a rollback that was broken off goes on",
        ),
        pytest.param(
            {"a": moved("7", "undo-r", 2, "8", since=1), "b": moved("5", "r", 1, None)},
            {"a": "8"},
            id="the function that was new is no unfinished rollback",
        ),
        pytest.param(
            {"a": moved("7", "undo-r", 4, "8", since=3), "b": moved("5", "r", 1, "4")},
            {"a": "8"},
            id="an earlier release of that name is no unfinished rollback",
        ),
        pytest.param(
            {"a": moved("8", "redo-r", 3, "7", since=2), "b": moved("4", "undo-r", 2, "5", since=1)},
            {"b": "5"},
            id="the undoing of a rollback that was broken off goes on",
        ),
        pytest.param(
            {"a": moved("7", "undo-r", 4, "8", since=3), "b": moved("5", "redo-r", 3, "4", since=2)},
            {"b": "4"},
            id="and the undoing of that",
        ),
        pytest.param(
            {"a": moved("8", "r", 1, "7"), "b": alias("5", release=None), "c": None},
            {"a": "7"},
            id="functions that other tools look after",
        ),
        pytest.param(
            {"a": moved("8", "r2", 1, "7", since=1), "b": moved("5", "r9", 1, None)},
            {"a": "7"},
            id="two releases within one second",
        ),
        pytest.param(
            {"a": moved("8", "r", 1, "7"), "b": moved("8", "r", 1, "7")},
            {"a": "7", "b": "7"},
            id="all of a release",
        ),
    ],
)
def test_whole_stage(aliases: dict[str, LiveAlias | None], expected: dict[str, str]) -> None:
    """The last release goes back as a whole, whatever order the functions are in."""
    assert expected == targets(aliases)
    assert expected == targets(dict(reversed(aliases.items())))


def test_chosen_functions_go_back_each_by_itself() -> None:
    """Whatever release moved them."""
    chosen = {"a": moved("8", "r2", 2, "7"), "b": moved("5", "r1", 1, "4")}
    assert {"a": "7", "b": "4"} == targets(chosen, whole=False)


def test_chosen_functions_finish_too() -> None:
    """Broken off after the first of them, the same command does not undo itself."""
    chosen = {"a": moved("7", "undo-r", 2, "8", since=1), "b": moved("5", "r", 1, "4")}
    assert {"b": "4"} == targets(chosen, whole=False)


STALE = LiveAlias("test", "5", "r", "", AliasRecord("r", "1", moment(1), "7", "8"))


@pytest.mark.parametrize(
    ("aliases", "whole", "expected"),
    [
        ({"a": None}, False, "a: it has no alias test: nothing to roll back"),
        ({"a": None}, True, "no function has the alias test: nothing to roll back"),
        ({}, True, "no function has the alias test: nothing to roll back"),
        ({"a": moved("1", "r", 1, None)}, True, "a: the alias test has run no version before 1"),
        ({"a": moved("1", "r", 1, None)}, False, "a: the alias test has run no version before 1"),
        (
            {"a": alias("5", release=None)},
            False,
            "a: the alias test does not say what it ran before: it was moved by another tool",
        ),
        ({"a": STALE}, False, "a: the alias test does not say what it ran before: it was moved by another tool"),
        (
            {"a": moved("8", "r", 1, "7"), "b": None, "c": moved("1", "r", 1, None)},
            False,
            "b: it has no alias test: nothing to roll back\nc: the alias test has run no version before 1",
        ),
    ],
)
def test_nothing_to_go_back_to(aliases: dict[str, LiveAlias | None], whole: bool, expected: str) -> None:
    """Refused, with a line for each function that is asked for; also where another tool moved the alias since."""
    with pytest.raises(Refused) as refused:
        targets(aliases, whole)
    assert expected == refused.value.message


def planned(aliases: Mapping[str, LiveAlias], to: Mapping[str, str], release: str = "") -> Any:
    live = given.live({name: function_with(one) for name, one in aliases.items()})
    there = {name: next((one for one in VERSIONS if one.version == number), None) for name, number in to.items()}
    functions = [function(name) for name in aliases]
    return rollback.rollback(TEST, REGION, functions, to, there, live, given.origin(moment(9)), release)


def records(plan: Any) -> dict[str, AliasRecord | None]:
    actions = {one.function: one.shift[0] for one in plan.functions if one.shift}
    return {name: read_alias(action.description) for name, action in actions.items() if isinstance(action, PointAlias)}


@pytest.mark.parametrize(
    ("release", "expected"), [("r", "undo-r"), ("undo-r", "redo-r"), ("redo-r", "undo-r"), ("to-5-00", "undo-to-5-00")]
)
def test_rollbacks_are_named_after_what_they_undo(release: str, expected: str) -> None:
    """Undone and done again are told apart, so that either can be finished."""
    plan = planned({"a": moved("8", release, 1, "7"), "b": moved("5", release, 2, "4", since=0)}, {"a": "7", "b": "4"})
    expect = {
        "a": AliasRecord(expected, "1234", moment(9), "8", "7", moment(1)),
        "b": AliasRecord(expected, "1234", moment(9), "5", "4", moment(1)),
    }
    assert expect == records(plan)


def test_to_a_version() -> None:
    """It remembers what it left; going to that version with other functions is another release."""
    aliases = {"a": moved("8", "r", 1, "7"), "b": moved("8", "r", 1, "7")}
    names = set()
    for to in ({"a": "5"}, {"b": "5"}, {"a": "5", "b": "5"}, {"a": "5"}):
        found = records(planned(aliases, to, "to-5"))
        assert {name: ("8", "5") for name in to} == {n: (r.previous, r.version) for n, r in found.items() if r}
        names |= {record.release for record in found.values() if record}
    assert 3 == len(names)
    assert all(name.startswith("to-5-") for name in names)


def test_what_stays_is_said() -> None:
    """A function that was new in the release is named, one of an earlier release is not."""
    aliases = {"a": moved("8", "r", 2, "7"), "b": moved("1", "r", 2, None), "c": moved("1", "r", 1, None)}
    assert ("b: new in this release, it stays on version 1",) == planned(aliases, {"a": "7"}).notes


@pytest.mark.parametrize(
    ("aliases", "to", "expected"),
    [
        ({"a": moved("8", "r", 1, "7")}, {"a": "77"}, "a: version 77 does not exist any more"),
        ({"a": alias("8", "prod")}, {"a": "7"}, "a: it has no alias test: nothing to roll back"),
    ],
)
def test_refusals(aliases: dict[str, LiveAlias], to: dict[str, str], expected: str) -> None:
    """A pruned version, a stage that the function is not in."""
    with pytest.raises(Refused) as refused:
        planned(aliases, to)
    assert expected == refused.value.message


def test_a_version_that_cannot_be_called_is_refused() -> None:
    """AWS could not make it ready: users would get errors from it."""
    live, broken = given.live({"a": function_with(moved("8", "r", 1, "7"))}), replace(version("7"), failed="no address")
    with pytest.raises(Refused, match="^a: version 7 cannot be called: no address$"):
        rollback.rollback(TEST, REGION, [function("a")], {"a": "7"}, {"a": broken}, live, given.origin(moment(9)))


def test_by_commit() -> None:
    """The newest version that was built from it; functions without one are named, all of them."""
    live = given.live(
        {
            "a": found(version("1", commit="aaaaaaa1"), version("2", commit="aaaaaaa1"), version("3")),
            "b": found(version("1", commit=None)),
            "c": None,
        }
    )
    assert {"a": "2"} == rollback.by_commit([function("a")], live, "aaaaaaa")
    with pytest.raises(Refused) as refused:
        rollback.by_commit([function(name) for name in "abc"], live, "aaaaaaa")
    assert "b: no version was built from aaaaaaa\nc: no version was built from aaaaaaa" == refused.value.message


def test_by_commit_of_a_work_tree_that_differed() -> None:
    """Not the commit itself: what nobody has committed is gone back to only when it is named so."""
    live = given.live({"a": found(version("1", commit="aaaaaaa1"), version("2", commit="aaaaaaa1+"))})
    assert {"a": "1"} == rollback.by_commit([function("a")], live, "aaaaaaa")
    assert {"a": "2"} == rollback.by_commit([function("a")], live, "aaaaaaa+")


def test_by_commit_that_is_not_the_only_one() -> None:
    """Nobody guesses which of them was meant."""
    live = given.live({"a": found(version("1", commit="aaaaaaa1"), version("2", commit="aaaaaaa2"))})
    with pytest.raises(Refused, match="several commits begin with aaaaaaa: aaaaaaa1, aaaaaaa2"):
        rollback.by_commit([function("a")], live, "aaaaaaa")
