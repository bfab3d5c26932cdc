"""Promotion to another region or account: what was released is published there once more, and nothing else."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ci.errors import Refused
from ci.model import Package, Site
from ci.model.live import LiveFunction, LiveVersion
from ci.plan import carry
from ci.plan.actions import CreateFunction, PublishVersion, UpdateCode
from ci.plan.plan import Plan
from ci.release import Release, Released
from tests.unit import given
from tests.unit.given import PROD, alias, found, function, package, version

OLD, NEW = package({"echo.py": "v1"}), package({"echo.py": "v2"})
V7 = version("7", OLD, commit="a" * 40)
V8 = version("8", NEW, {"GREETING": "hello"}, commit="b" * 40, MemorySize=512)
KEY = "arn:aws:kms:us-east-1:222222222222:key/k"
ABROAD = Site("us-east-1", settings={"echo": {"Role": "arn:aws:iam::222222222222:role/lambda", "KMSKeyArn": KEY}})


def release(one: LiveVersion) -> Release:
    assert one.record is not None
    released = {"echo": Released(one.version, one.record.digest, one.code_sha256)}
    return Release("test-0a1b2c3d", "test", given.COMMIT, "1234", "2026-01-31T08:00:00Z", released)


def there(number: str, runs: LiveVersion) -> LiveFunction:
    """The function in the other region, where ``runs`` is version ``number``."""
    copied = replace(runs, version=number)
    one = found(copied, aliases=(alias(number, "prod"),), stage=PROD)
    return replace(one, arn=one.arn.replace(given.REGION, "us-east-1"))


def planned(of: LiveVersion, live: LiveFunction | None, built: Package = NEW, allow_older: bool = False) -> Plan:
    wanted = carry.wanted(function(MemorySize=128), of, ABROAD)
    before = given.live({"echo": found(V7, V8)})
    return carry.carry(
        PROD, "us-east-1", [wanted], release(of), {"echo": of}, {"echo": built}, before,
        given.live({"echo": live}, PROD), given.origin(), allow_older,
    )


def test_a_version_is_published_as_it_was_released() -> None:
    """Its code, variables and settings, not those of this checkout; role and key are of the site."""
    (plan,) = planned(V8, None).functions
    create, publish = plan.prepare
    assert isinstance(create, CreateFunction) and isinstance(publish, PublishVersion)
    assert (NEW, V8.environment, 512) == (create.package, create.environment, create.settings["MemorySize"])
    own = ABROAD.settings["echo"]
    assert own == {key: create.settings[key] for key in own}
    assert ("b" * 40, NEW.digest) == (publish.record.commit, publish.record.digest)


def test_what_is_there_already_is_left_alone() -> None:
    """Another number says nothing: the same content with the same configuration is the same version."""
    own = ABROAD.settings["echo"]
    same = replace(V8, settings={**V8.settings, **own})
    assert planned(V8, there("3", same)).empty
    changed = planned(V8, there("3", replace(same, environment={})))
    assert not any(isinstance(action, UpdateCode) for action in changed.functions[0].prepare)
    assert ("3", "GREETING") == (changed.functions[0].version, changed.functions[0].changes[0].key)


def test_an_older_release_does_not_go_over_a_newer_one() -> None:
    """Which is newer tells the source, by what each version was made of; numbers there are others."""
    with pytest.raises(Refused, match="version 7 of release test-0a1b2c3d is older than 8, which runs") as raised:
        planned(V7, there("1", V8), OLD)
    assert "--allow-older" in raised.value.hint
    assert not planned(V7, there("1", V8), OLD, allow_older=True).empty
    assert not planned(V8, there("9", V7)).empty


def test_one_place_under_two_names_is_refused() -> None:
    """A role of the account where the source is: there an alias would move."""
    with pytest.raises(Refused, match="test and prod are one place: arn:aws:lambda:eu-west-1:"):
        planned(V8, replace(there("7", V7), arn=f"{given.ARN}echo"))


@pytest.mark.parametrize(
    ("built", "sound"),
    [
        pytest.param(NEW, True, id="the same bytes"),
        pytest.param(package({"echo.py": "v2"}, zipped="otherwise"), True, id="the same content"),
        pytest.param(OLD, False, id="other code"),
    ],
)
def test_the_package_is_that_of_the_release(built: Package, sound: bool) -> None:
    """By the digests of the release record."""
    if sound:
        assert built is carry.proven(built, V8, release(V8))
        return
    with pytest.raises(Refused, match="echo: the package is not the code of release test-0a1b2c3d: its digest differs"):
        carry.proven(built, V8, release(V8))


def test_a_version_that_is_gone_is_refused() -> None:
    """As where an alias moves."""
    with pytest.raises(Refused, match="echo: version 8 of release test-0a1b2c3d is gone"):
        carry.checked([function()], release(V8), {"echo": None})
