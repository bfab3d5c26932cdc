"""Promotion: a stage gets exactly the versions of a release, or nothing moves and every reason is told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from ci.errors import Refused
from ci.model import Secret
from ci.model.live import LiveFunction, LiveVersion
from ci.plan import promote
from ci.plan.actions import PointAlias
from ci.plan.changes import Change
from ci.plan.plan import Plan
from ci.record import read_alias
from ci.release import Release, Released
from tests.unit import given
from tests.unit.given import PROD, REGION, alias, found, function, package, version

V8 = version("8", package({"echo.py": "v2"}))


def release(**versions: LiveVersion) -> Release:
    released = {
        name: Released(one.version, one.record.digest if one.record else "", one.code_sha256)
        for name, one in versions.items()
    }
    return Release("test-0a1b2c3d", "test", given.COMMIT, "1234", "2026-01-31T08:00:00Z", released)


def planned(
    of: Release,
    versions: Mapping[str, LiveVersion | None],
    live: Mapping[str, LiveFunction | None],
    allow_older: bool = False,
) -> Plan:
    functions = [function(name) for name in live]
    return promote.promote(
        PROD, REGION, functions, of, versions, given.live(live, PROD), given.origin(), allow_older=allow_older
    )


def prod(number: str, **more: Any) -> LiveFunction:
    return found(version(number), aliases=(alias(number, "prod", **more),), stage=PROD)


@pytest.mark.parametrize(
    ("live", "expected"),
    [
        pytest.param(found(V8, aliases=(alias("8"),), stage=PROD), (None, "8", None), id="the first promotion"),
        pytest.param(prod("7"), ("7", "8", "revision-of-prod"), id="the next"),
        pytest.param(
            found(V8, aliases=(alias("$LATEST", "prod", release=None),), stage=PROD),
            ("$LATEST", "8", "revision-of-prod"),
            id="another tool has pointed it to $LATEST",
        ),
    ],
)
def test_alias_moves_to_the_released_version(live: LiveFunction, expected: tuple[str | None, ...]) -> None:
    """One action, which names a version that is there; nothing is written to the function."""
    plan = planned(release(echo=V8), {"echo": V8}, {"echo": live})
    (action,) = plan.functions[0].actions
    assert isinstance(action, PointAlias)
    assert expected == (action.before, action.version, action.revision)
    record = read_alias(action.description)
    assert record is not None
    assert ("test-0a1b2c3d", "8") == (record.release, record.version)


def test_nothing_to_do() -> None:
    """What runs already is left alone."""
    plan = planned(release(echo=V8), {"echo": V8}, {"echo": found(V8, stage=PROD)})
    assert plan.empty
    assert "8" == plan.functions[0].version


def test_a_canary_is_not_what_was_released() -> None:
    """An alias on the right version that sends a share elsewhere is set right, and the plan says so."""
    live = found(V8, aliases=(alias("8", "prod", weights={"7": 0.25}),), stage=PROD)
    plan = planned(release(echo=V8), {"echo": V8}, {"echo": live})
    assert [PointAlias] == [type(action) for action in plan.functions[0].actions]
    assert ("echo: the alias prod sends 25 % of its calls to version 7: that ends",) == plan.notes


def test_what_changes_is_shown_without_secrets() -> None:
    """AWS does not tell which settings came from outside; pipeline.yaml does."""
    wanted = function(KMSKeyArn=Secret("arn:aws:kms:secret"))
    target = version("8", KMSKeyArn="arn:aws:kms:new", MemorySize=256, environment={"A": "1"})
    live = given.live({"echo": found(version("7", KMSKeyArn="arn:aws:kms:old"), stage=PROD)}, PROD)
    plan = promote.promote(PROD, REGION, [wanted], release(echo=target), {"echo": target}, live, given.origin())
    changes = (Change("memory", "128", "256"), Change("kms_key", verb="changed"), Change("A", verb="added"))
    assert changes == plan.functions[0].changes


OTHER = version("8", package({"echo.py": "other"}))
BY_HAND = version("$LATEST", commit=None)


@pytest.mark.parametrize(
    ("of", "target", "running", "expected"),
    [
        pytest.param(
            release(),
            None,
            "7",
            "echo: not in release test-0a1b2c3d: it has never been deployed to the stage test",
            id="not released",
        ),
        pytest.param(release(echo=V8), None, "7", "echo: version 8 of release test-0a1b2c3d is gone", id="pruned"),
        pytest.param(
            release(echo=V8),
            OTHER,
            "7",
            "echo: version 8 is not the code of release test-0a1b2c3d: its digest differs",
            id="other code by that number",
        ),
        pytest.param(
            release(echo=V8),
            V8,
            "9",
            "echo: version 8 of release test-0a1b2c3d is older than 9, which runs",
            id="older",
        ),
        pytest.param(
            release(echo=BY_HAND),
            BY_HAND,
            "7",
            "echo: the stage test runs $LATEST, which is no version: deploy to it first",
            id="no version",
        ),
        pytest.param(
            release(echo=V8),
            replace(V8, failed="no free address (SubnetOutOfIPAddresses)"),
            "7",
            "echo: version 8 of release test-0a1b2c3d cannot be called: no free address (SubnetOutOfIPAddresses)",
            id="failed",
        ),
    ],
)
def test_refusals(of: Release, target: LiveVersion | None, running: str, expected: str) -> None:
    """Each says which function and why."""
    with pytest.raises(Refused) as refused:
        planned(of, {"echo": target}, {"echo": prod(running)})
    assert expected == refused.value.message


def test_a_version_that_nobody_called_is_announced() -> None:
    """Its first calls will fail; where it runs already, nothing is said."""
    idle = replace(V8, inactive=True)
    told = [planned(release(echo=V8), {"echo": idle}, {"echo": prod(number)}).notes for number in ("7", "8")]
    assert "echo: version 8 is inactive: nobody has called it for weeks" in told[0][0]
    assert () == told[1]


def test_every_reason_at_once() -> None:
    """The user is not sent back three times."""
    live = {"a": prod("9"), "b": prod("7"), "c": prod("7"), "d": prod("7"), "e": None}
    of = release(a=V8, b=V8, c=V8, d=V8)
    with pytest.raises(Refused) as refused:
        planned(of, {"a": V8, "b": None, "c": OTHER, "d": V8}, live)
    assert ["a", "b", "c", "e"] == [line.partition(":")[0] for line in refused.value.message.splitlines()]


def test_older_on_purpose() -> None:
    """With --allow-older the older version is taken, and only that refusal is lifted."""
    plan = planned(release(echo=V8), {"echo": V8}, {"echo": prod("9")}, allow_older=True)
    assert isinstance(plan.functions[0].shift[0], PointAlias)
    with pytest.raises(Refused, match="gone"):
        planned(release(echo=V8), {"echo": None}, {"echo": prod("9")}, allow_older=True)
