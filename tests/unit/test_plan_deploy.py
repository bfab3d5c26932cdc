"""What a deploy does to one function, for each state in which it may find it."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from ci.errors import Refused
from ci.model import REQUEST_LIMIT, Function, Package, Packaging, Secret
from ci.model.live import LiveFunction
from ci.plan import deploy
from ci.plan.actions import (
    Attach,
    CreateFunction,
    PointAlias,
    PublishVersion,
    PutConcurrency,
    StorePackage,
    TagFunction,
    UntagFunction,
    UpdateCode,
    UpdateConfiguration,
)
from ci.plan.changes import Change
from ci.plan.plan import FunctionPlan, Plan
from ci.record import read_alias
from ci.render import data, text
from tests.unit import given
from tests.unit.given import REGION, TEST, alias, found, function, package, version, workbench

CHANGED = package({"echo.py": "v2"})


def planned(
    live: LiveFunction | None, wanted: Function | None = None, built: Package | None = None, commit: str = given.COMMIT
) -> Plan:
    """A deploy of the one function ``echo``."""
    wanted, built = wanted or function(), built or package()
    origin = given.origin(commit=commit)
    return deploy.deploy(TEST, REGION, [wanted], {"echo": built}, given.live({"echo": live}), origin)


def only(plan: Plan) -> FunctionPlan:
    (function,) = plan.functions
    return function


def kinds(live: LiveFunction | None, wanted: Function | None = None, built: Package | None = None) -> list[type]:
    return [type(action) for action in only(planned(live, wanted, built)).actions]


BUCKET = Packaging(bucket="packages-{region}")


def test_a_package_that_no_request_holds() -> None:
    """It is stored first, under its hash, in a bucket of the function's account and region; one byte less is not."""
    wanted = replace(function(Role="arn:aws:iam::123456789012:role/lambda"), packaging=BUCKET)
    large = package(size=REQUEST_LIMIT + 1)
    store, create, *_ = only(planned(None, wanted, large)).actions
    key = f"dollop/{base64.b64decode(large.code_sha256).hex()}.zip"
    assert StorePackage(large, f"packages-{REGION}", key, "123456789012") == store
    assert isinstance(create, CreateFunction) and store == create.stored
    assert CreateFunction == kinds(None, wanted, package(size=REQUEST_LIMIT))[0]
    changed = package({"echo.py": "v2"}, size=REQUEST_LIMIT + 1)
    store, update, *_ = only(planned(found(V7), wanted, changed)).actions
    assert isinstance(update, UpdateCode) and store == update.stored
    assert "call': 'PutObject'" in str(data.plan(planned(found(V7), wanted, changed)))
    assert f"  + package echo\n    bucket: packages-{REGION}\n" in text.plan(planned(found(V7), wanted, changed))
    assert [] == kinds(found(V7), wanted)


WHOLE = [UpdateConfiguration, UpdateCode, PublishVersion, PointAlias]
V7 = version("7")


LIMITED = [TagFunction, PutConcurrency, Attach]
"""What is remembered comes before the concurrency, and tells afterwards that it is done."""


@pytest.mark.parametrize(
    ("live", "wanted", "built", "expected"),
    [
        pytest.param(None, None, None, [CreateFunction, PublishVersion, PointAlias], id="a function that AWS has not"),
        pytest.param(found(V7), None, None, [], id="as it is wanted"),
        pytest.param(found(V7), function(MemorySize=256), CHANGED, WHOLE, id="everything is changed"),
        pytest.param(
            found(V7),
            function(MemorySize=256),
            None,
            [UpdateConfiguration, PublishVersion, PointAlias],
            id="the configuration is changed",
        ),
        pytest.param(found(V7), None, CHANGED, [UpdateCode, PublishVersion, PointAlias], id="the code is changed"),
        pytest.param(found(V7), None, package(zipped="other compressor"), [], id="the same content in other bytes"),
        pytest.param(
            found(V7),
            function(Architectures=["arm64"]),
            None,
            [UpdateCode, PublishVersion, PointAlias],
            id="the architecture is kept with the code, whose bytes are the same",
        ),
        pytest.param(found(V7), function(tags={"team": "a"}), None, [TagFunction], id="a tag reaches no version"),
        pytest.param(found(V7), function(concurrency=5), None, LIMITED, id="nor does reserved concurrency"),
        pytest.param(found(V7, tags={"x": "y"}, concurrency=9), None, None, [], id="what is not said is not managed"),
        pytest.param(found(V7, tags={"x": "y"}), function(tags={}), None, [UntagFunction, TagFunction], id="no tags"),
        pytest.param(found(V7, tags={"aws:x": "y"}), function(tags={}), None, [], id="AWS's own tags are not ours"),
        pytest.param(found(V7, concurrency=9), function(concurrency=0), None, LIMITED, id="none may run"),
        pytest.param(found(V7, aliases=()), None, None, [PointAlias], id="a version, but no alias on it"),
        pytest.param(
            found(latest=workbench(V7)), None, None, [PublishVersion, PointAlias], id="created, but nothing published"
        ),
        pytest.param(
            found(V7, version("8", CHANGED), aliases=(alias("7"),)),
            None,
            CHANGED,
            [PointAlias],
            id="a release broke off after it had published",
        ),
        pytest.param(
            found(V7, aliases=(alias("7"),), latest=workbench(version("8", CHANGED))),
            None,
            CHANGED,
            [PublishVersion, PointAlias],
            id="a release broke off after it had uploaded",
        ),
        pytest.param(
            found(V7, version("8", CHANGED), aliases=(alias("7"),), latest=workbench(version(MemorySize=512))),
            None,
            CHANGED,
            [PointAlias],
            id="the version is there: $LATEST was changed by hand and does not matter",
        ),
        pytest.param(
            found(V7, version("8", CHANGED, commit=None), aliases=(alias("7"),)),
            None,
            CHANGED,
            [PointAlias],
            id="somebody has published this code by hand",
        ),
        pytest.param(
            found(version("7"), version("8", CHANGED), aliases=(alias("7"),)),
            None,
            None,
            [],
            id="what runs is wanted, and a newer version is not",
        ),
        pytest.param(
            found(V7, aliases=(alias("$LATEST", release=None),)),
            None,
            None,
            [PointAlias],
            id="no stage runs $LATEST, whatever it is",
        ),
        pytest.param(
            found(V7, aliases=(alias("$LATEST", release=None),), latest=workbench(version(MemorySize=512))),
            function(MemorySize=512),
            None,
            [PublishVersion, PointAlias],
            id="not even where $LATEST is what is wanted",
        ),
        pytest.param(
            found(V7, aliases=(alias("7", weights={"6": 0.1}),)),
            function(tags={"team": "a"}),
            None,
            [TagFunction, PointAlias],
            id="a canary by hand ends with the next change",
        ),
    ],
)
def test_actions(
    live: LiveFunction | None, wanted: Function | None, built: Package | None, expected: list[type]
) -> None:
    """Nothing is done that is done already, and nothing is left out."""
    assert expected == kinds(live, wanted, built)


def test_create_carries_everything() -> None:
    """A new function is created with all that is said of it, published, and only then pointed to."""
    wanted = function(environment={"GREETING": "Guten tag"}, tags={"team": "a"}, concurrency=5, MemorySize=256)
    create, publish, limit, point, landed = only(planned(None, wanted)).actions
    assert isinstance(create, CreateFunction) and isinstance(landed, Attach)
    told = create.tags["dollop"]
    assert told.startswith("concurrency:none/5 tags:")
    tags = {"team": "a", "dollop": told}
    assert CreateFunction(wanted.settings, wanted.environment, tags, package()) == create
    assert told.replace("none/5", "5") == landed.about.settings["Value"]
    assert isinstance(publish, PublishVersion) and isinstance(point, PointAlias)
    assert ("1", package().code_sha256) == (publish.expected, publish.record.code_sha256)
    assert PutConcurrency(None, 5) == limit
    assert (None, None, "1", None, "") == (point.before, point.version, point.expected, point.revision, point.restore)


def test_update_holds_only_what_differs() -> None:
    """A setting that is as wanted is not written again, nor is an environment that is."""
    running = version("7", environment={"GREETING": "Hello"}, MemorySize=128, Timeout=3)
    live = found(running, latest=replace(workbench(running), revision="r1"))
    settings = only(planned(live, function(environment={"GREETING": "Hello"}, MemorySize=256))).prepare[0]
    assert UpdateConfiguration({"MemorySize": 256}, None) == settings
    environment = only(planned(live, function(environment={"GREETING": "Guten tag"}))).prepare[0]
    assert UpdateConfiguration({}, {"GREETING": Secret("Guten tag")}) == environment


@pytest.mark.parametrize(("size", "expected"), [(200, [UpdateCode, UpdateConfiguration]), (2000, None)])
def test_code_and_layers_fit_together_in_between(size: int, expected: list[type] | None) -> None:
    """What leaves the package comes as a layer: with the old package it could be more than AWS takes; or the reverse.

    https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
    """
    layered = function(Layers=["arn:aws:lambda:eu-west-1:123456789012:layer:deps:1"])
    steps = kinds(found(version("7", package(size=1000))), layered, package({"echo.py": "v2"}, size=size))
    assert (expected or [UpdateConfiguration, UpdateCode]) == steps[:2]
    failed = found(V7, latest=replace(workbench(version("7", package(size=1000))), failed="no address"))
    mended = kinds(failed, layered, package({"echo.py": "v2"}, size=size))
    assert [UpdateConfiguration, UpdateCode] == mended[:2], "what failed is mended first"


def test_what_aws_sets_at_creation_only_is_refused() -> None:
    """No update takes it: it could only fail, with other functions under way. What is so already is not."""
    tenants = {"TenancyConfig": {"TenantIsolationMode": "PER_TENANT"}}
    with pytest.raises(Refused, match="^echo: tenancy: AWS sets it when it creates a function, and never after$"):
        planned(found(V7), function(**tenants))
    live = found(version("7", **tenants), latest=replace(workbench(version("7", **tenants)), failed="no address"))
    update = only(planned(live, function(**tenants, MemorySize=256))).prepare[0]
    assert isinstance(update, UpdateConfiguration)
    assert "TenancyConfig" not in update.settings


def test_update_that_had_failed_is_written_again() -> None:
    """After one AWS describes what was asked for, and runs what was before: nothing of it counts as done."""
    wanted = function(environment={"GREETING": "Guten tag"}, MemorySize=256)
    described = version("$LATEST", environment={"GREETING": "Guten tag"}, MemorySize=256)
    live = found(V7, latest=replace(described, record=None, failed="the role cannot be assumed"))
    members = {name: value for name, value in wanted.settings.items() if name != "Architectures"}
    assert UpdateConfiguration(members, wanted.environment) == only(planned(live, wanted)).prepare[0]


def test_update_is_bound_to_what_was_seen() -> None:
    """The plan carries the revisions of $LATEST and of the alias, so that whoever comes between is noticed."""
    plan = only(planned(found(V7), None, CHANGED))
    point = plan.shift[-1]
    assert isinstance(point, PointAlias)
    assert ("revision-of-latest", "revision-of-test") == (plan.revision, point.revision)
    assert (alias("7").description, "7", "8") == (point.restore, point.before, point.expected)


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (alias("7", at="2026-01-30T09:00:00Z"), ("7", "8", "2026-01-30T09:00:00Z")),
        (alias("7", release=None), ("7", "8", None)),
        (alias("$LATEST", release=None), (None, "8", None)),
        (None, (None, "8", None)),
    ],
)
def test_alias_remembers_what_it_left(now: Any, expected: tuple[str | None, ...]) -> None:
    """The description says which version ran before, unless that was none, and since when."""
    point = only(planned(found(V7, aliases=(now,) if now else ()), None, CHANGED)).shift[-1]
    assert isinstance(point, PointAlias)
    record = read_alias(point.description)
    assert record is not None
    assert expected == (record.previous, record.version, record.since)


@pytest.mark.parametrize(
    ("of_hand", "wanted", "expected"),
    [
        ({"MemorySize": 512}, {"MemorySize": 256}, (Change("memory", "128", "512"),)),
        ({"MemorySize": 512, "Timeout": 9}, {"MemorySize": 512}, (Change("timeout", "3", "9"),)),
        ({"MemorySize": 256}, {"MemorySize": 256}, ()),
    ],
)
def test_drift_is_what_gets_lost(
    of_hand: Mapping[str, Any], wanted: Mapping[str, Any], expected: tuple[Change, ...]
) -> None:
    """Named as changed by hand: what $LATEST has, no version has, and the deploy overwrites."""
    live = found(V7, latest=replace(version("$LATEST", **of_hand), record=None))
    assert expected == only(planned(live, function(**wanted))).drift


def test_drift_in_the_code() -> None:
    """Code uploaded by hand is named before it is overwritten."""
    live = found(V7, latest=workbench(version("8", package({"echo.py": "by hand"}))))
    assert (Change("code", verb="changed"),) == only(planned(live, None, CHANGED)).drift


def test_drift_hides_secrets() -> None:
    """A setting whose value comes from outside is secret where AWS tells it, too."""
    key = Secret("arn:aws:kms:secret")
    live = found(V7, latest=replace(version("$LATEST", KMSKeyArn="arn:aws:kms:by-hand"), record=None))
    plan = planned(live, function(KMSKeyArn=key))
    assert (Change("kms_key", verb="added"),) == only(plan).drift
    assert "arn:aws:kms" not in repr(only(plan).drift + only(plan).changes)


def test_canary_is_announced() -> None:
    """Whoever sees the plan sees that a share of the traffic comes back."""
    plan = planned(found(V7, aliases=(alias("7", weights={"6": 0.05}),)), None, CHANGED)
    assert ("echo: the alias test sends 5 % of its calls to version 6: that ends",) == plan.notes


def test_release_is_named_by_content() -> None:
    """The same commit and content give the same name, so that a second run finishes the first; secrets do not enter."""
    plain, other = function(environment={"GREETING": "a"}), function(environment={"GREETING": "b"})
    names = [planned(found(V7), wanted).release for wanted in (plain, other)]
    assert names[0] == names[1]
    assert "1f3a2b4" == names[0].partition("-")[0]
    others = {
        planned(found(V7), plain, CHANGED).release,
        planned(found(V7), function(environment={"GREETING": "a"}, MemorySize=256)).release,
        planned(found(V7), function(environment={"HELLO": "a"})).release,
        planned(found(V7), plain, commit="2222222").release,
    }
    assert 5 == len(others | {names[0]})
