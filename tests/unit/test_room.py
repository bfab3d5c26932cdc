"""A package and the layers of its function, together under AWS's quota."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ci.errors import BuildError
from ci.model import UNZIPPED_LIMIT
from ci.model.live import LiveFunction
from ci.plan import deploy, room
from ci.plan.plan import Plan
from tests.unit import given
from tests.unit.given import REGION, TEST, found, function, package, version

LAYER = "arn:aws:lambda:eu-west-1:123456789012:layer:numbers:3"
OTHER = "arn:aws:lambda:eu-west-1:999999999999:layer:theirs:1"
WANTED = function(Layers=[LAYER, OTHER])
BUILT = replace(package(), unzipped=200_000_000)


def planned(live: LiveFunction | None) -> Plan:
    return deploy.deploy(TEST, REGION, [WANTED], {"echo": BUILT}, given.live({"echo": live}), given.origin())


@pytest.mark.parametrize("more", [0, 1])
def test_package_and_layers_count_together(more: int) -> None:
    """To the byte; the message says what each of them takes."""
    plan = planned(None)
    assert (LAYER, OTHER) == room.layers(plan, [WANTED])
    sizes = {LAYER: UNZIPPED_LIMIT - 200_000_000 - 1 + more, OTHER: 1}
    if not more:
        assert plan == room.checked(plan, [WANTED], {"echo": BUILT}, sizes)
        return
    with pytest.raises(BuildError, match=r"function echo: with its layers it is 262\.1 MB unzipped") as raised:
        room.checked(plan, [WANTED], {"echo": BUILT}, sizes)
    assert f"the package 200.0 MB, {LAYER} 62.1 MB, {OTHER} 0.0 MB" in raised.value.message


def test_a_layer_that_may_not_be_looked_at() -> None:
    """It is said, and not taken for small."""
    plan = room.checked(planned(None), [WANTED], {"echo": BUILT}, {LAYER: 1, OTHER: None})
    assert (f"{OTHER}: its size could not be read, and does not count",) == plan.notes


def test_only_what_changes_is_looked_at() -> None:
    """Code or layers; a function that runs as it should costs no call."""
    layers = {"Layers": [LAYER, OTHER]}
    assert (LAYER, OTHER) == room.layers(planned(found(version("7"))), [WANTED])
    assert (LAYER, OTHER) == room.layers(planned(found(version("7", Layers=[LAYER]))), [WANTED])
    assert () == room.layers(planned(found(version("7", built=BUILT, **layers))), [WANTED])
    assert () == room.layers(planned(found(version("7", built=BUILT, MemorySize=256, **layers))), [WANTED])
