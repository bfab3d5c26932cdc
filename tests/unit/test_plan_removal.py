"""Prune and delete: what goes, and what must stay."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ci.model import Packaging
from ci.model.live import Handed, LiveAlias, LiveLayer
from ci.plan import removal
from ci.plan.actions import DeleteFunction, DeleteLayer, DeleteVersion
from tests.unit import given
from tests.unit.given import REGION, alias, found, function, version

VERSIONS = tuple(version(str(number)) for number in range(1, 13))
"""1 to 12: as text, 10 would come before 2."""


@pytest.mark.parametrize(
    ("aliases", "retain", "expected"),
    [
        ((alias("12"),), 10, ["1", "2"]),
        ((alias("12"),), 12, []),
        ((alias("12"),), 99, []),
        ((alias("12"),), 1, [str(number) for number in range(1, 12)]),
        ((alias("12", previous="1"),), 10, ["2"]),
        ((alias("12"), alias("2", "prod", previous="1")), 10, []),
        ((alias("12"), alias("2", "of-somebody-else", release=None)), 10, ["1"]),
        ((alias("12", weights={"1": 0.5}),), 10, ["2"]),
        ((replace(alias("12"), handed=Handed("12", "1", "r", "1234", "2026-01-31T09:00:00Z")),), 10, ["2"]),
        ((alias("$LATEST", release=None),), 10, ["1", "2"]),
        ((), 10, ["1", "2"]),
    ],
)
def test_prune(aliases: tuple[LiveAlias, ...], retain: int, expected: list[str]) -> None:
    """The oldest versions beyond ``retain`` go, but none that any alias runs, splits to or would go back to."""
    live = given.live({"echo": found(*VERSIONS, aliases=aliases)})
    for plan in (
        removal.prune(REGION, [function(retain=retain)], live, given.origin()),
        removal.prune(REGION, [function(retain=5)], live, given.origin(), retain),
    ):
        assert [DeleteVersion(number, 641) for number in expected] == list(plan.functions[0].actions)


def test_prune_without_a_function() -> None:
    """What AWS does not have is not in the plan."""
    assert () == removal.prune(REGION, [function()], given.live({"echo": None}), given.origin()).functions


def test_delete() -> None:
    """One action for the whole function; what stops answering is named. What is not there is not in the plan."""
    aliases = (alias("12"), alias("11", "prod"))
    live = given.live({"echo": found(*VERSIONS, aliases=aliases), "api": None})
    (plan,) = removal.delete(REGION, [function(), function("api")], live, given.origin()).functions
    assert (DeleteFunction({"prod": "11", "test": "12"}),) == plan.actions


LAYER = "arn:aws:lambda:eu-west-1:123456789012:layer:deps"


@pytest.mark.parametrize(
    ("ours", "retain", "expected"),
    [
        ((1, 2, 3, 4, 5), 1, [1, 2, 4]),  # echo is left with its versions 2 and 3, of the layers 3 and 5
        ((1, 2, 3, 4, 5), 2, [1, 2]),
        ((1, 2, 3, 4, 5), 5, []),
        ((2, 4), 1, [2]),
        ((), 1, []),
    ],
)
def test_prune_of_layers(ours: tuple[int, ...], retain: int, expected: list[int]) -> None:
    """Of those that we published, the oldest beyond ``retain`` go, but none that any version left has."""
    with_layer = replace(function(), packaging=Packaging(layer="deps"))
    versions = tuple(version(str(n), Layers=[f"{LAYER}:{layer}"]) for n, layer in ((1, 1), (2, 3), (3, 5)))
    live = given.live({"echo": found(*versions, aliases=(alias("3", previous="2"),)), "gone": None})
    plan = removal.prune(REGION, [with_layer], live, given.origin(), 2)
    layers = {"deps": LiveLayer(None, 5, tuple((number, f"{LAYER}:{number}") for number in ours))}
    pruned = removal.prune_layers(plan, [with_layer], live, layers, retain)
    assert [DeleteLayer("deps", number) for number in expected] == list(pruned.old_layers)
    assert plan.functions == pruned.functions
    assert not pruned.empty
