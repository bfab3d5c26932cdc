"""A stage with a canary: what its plans do before an alias moves, and how they show it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ci.model import Canary
from ci.model.live import CanaryRecord, LiveAlias, LiveFunction
from ci.plan import deploy, promote, rollback
from ci.plan.actions import PointAlias, SplitAlias
from ci.plan.plan import Plan
from ci.record import alias_description
from ci.release import Release, Released
from ci.render import data, markdown, text
from ci.render.links import Links
from tests.unit import given
from tests.unit.given import PROD, REGION, TEST, alias, found, function, package, version

CANARY = Canary(10, 300, ("errors", "slow"))
STAGE = replace(PROD, rollout=CANARY)
V7, V8 = version("7"), version("8", package({"echo.py": "v2"}))
OTHER_ROLE = f"{given.ROLE}-2"
BEGUN = "2026-01-31T08:58:00Z"


def promoted(live: LiveFunction, target: Any = V8, canary: Canary = CANARY) -> Plan:
    stage = replace(PROD, rollout=canary)
    released = Released(target.version, target.record.digest, target.code_sha256)
    release = Release("test-0a1b2c3d", "test", given.COMMIT, "1234", given.moment(0), {"echo": released})
    wanted, lives = [function("echo")], given.live({"echo": live}, stage)
    return promote.promote(stage, REGION, wanted, release, {"echo": target}, lives, given.origin())


def prod(**more: Any) -> LiveFunction:
    return found(V7, aliases=(alias("7", "prod", **more),), stage=PROD)


def canary_of(number: str, share: float = 0.1) -> LiveFunction:
    """The alias prod at 7, with a canary that this tool began."""
    now = alias("7", "prod", weights={number: share}, previous="6")
    own = replace(now, canary=CanaryRecord("7", number, "0a1b2c3d", BEGUN))
    return found(V7, aliases=(own,), stage=PROD)


def actions(plan: Plan) -> list[Any]:
    return [action for each in plan.functions for action in each.actions]


def test_two_writes_an_alias() -> None:
    """The first gives the new version its share and keeps everything else, the second moves the alias."""
    plan = promoted(prod())
    split, point = actions(plan)
    assert isinstance(split, SplitAlias) and isinstance(point, PointAlias)
    assert ("7", "8", 10) == (split.before, split.expected, split.share)
    assert split.restore == alias("7", "prod").description == point.restore
    assert ("7", "8", "") == (point.before, point.expected, point.at_once)
    assert CANARY == plan.rollout


def test_shown_as_text_markdown_and_data() -> None:
    """How much, how long, and what is watched; a plan for another share has another digest."""
    plan = promoted(prod())
    assert "    version: 7 -> 8\n    canary: 10% for 5 min, unless there is an alarm: errors, slow\n" in text.plan(plan)
    shown = markdown.plan(plan, Links("https://github.com/octo/shop", "1"))
    assert "> `canary: 10% of the calls for 5 min, while these alarms are watched: errors, slow; " in shown
    assert "  canary: 10% for 5 min, unless there is an alarm: errors, slow\n" in shown
    told = data.plan(plan)
    assert {"share": 10, "seconds": 300, "alarms": ("errors", "slow")} == told["canary"]
    assert [
        {"call": "UpdateAlias", "alias": "prod", "percent": {"7": 90, "8": 10}},
        {"call": "UpdateAlias", "alias": "prod", "before": "7", "after": "8"},
    ] == told["functions"][0]["actions"]
    others = [promoted(prod(), canary=one) for one in (replace(CANARY, share=20), replace(CANARY, alarms=()))]
    assert 3 == len({data.digest(one) for one in (plan, *others)})


@pytest.mark.parametrize(
    ("live", "target", "expected"),
    [
        pytest.param(found(V8, aliases=(), stage=PROD), V8, "the alias is new", id="new"),
        pytest.param(
            found(V7, aliases=(alias("$LATEST", "prod"),), stage=PROD), V8, "it runs $LATEST, which is no version",
            id="the workbench",
        ),
        pytest.param(
            prod(), version("8", Role=OTHER_ROLE),
            "AWS splits no calls between versions with different roles", id="another role",
        ),
        pytest.param(
            prod(), version("8", DeadLetterConfig={"TargetArn": "arn:aws:sqs:eu-west-1:123456789012:dead"}),
            "AWS splits no calls between versions with different dead-letter targets", id="other dead letters",
        ),
    ],
)
def test_at_once_where_aws_cannot_split(live: LiveFunction, target: Any, expected: str) -> None:
    """The plan says so, before anything happens."""
    plan = promoted(live, target)
    (action,) = actions(plan)
    assert expected == action.at_once
    assert f"    at once: {expected}\n" in text.plan(plan)
    assert plan.rollout is None


def test_a_deploy_compares_with_what_is_said() -> None:
    """The version is not there yet: its role will be that of pipeline.yaml."""
    stage = replace(TEST, rollout=CANARY)
    for role, expected in ((given.ROLE, [SplitAlias, PointAlias]), (OTHER_ROLE, [PointAlias])):
        wanted, built = [function("echo", Role=role)], {"echo": package({"echo.py": "v2"})}
        plan = deploy.deploy(stage, REGION, wanted, built, given.live({"echo": found(V7)}), given.origin())
        assert expected == [type(action) for action in plan.functions[0].shift]


def test_its_own_canary_is_gone_on_with() -> None:
    """Begun by a run that died: nothing is written again but the move, and no other tool is blamed."""
    plan = promoted(canary_of("8"))
    (action,) = actions(plan)
    assert (BEGUN, "7", "8", {}) == (action.begun, action.before, action.expected, action.weights)
    assert CANARY == plan.rollout
    assert () == plan.notes
    assert f"    canary: 10% for 5 min, since {BEGUN}, unless" in text.plan(plan)


@pytest.mark.parametrize("live", [canary_of("9"), canary_of("8", 0.2), prod(weights={"8": 0.1})])
def test_any_other_canary_ends(live: LiveFunction) -> None:
    """One of another version, one of another share, one that another tool began: the plan says so, and begins anew."""
    plan = promoted(live)
    assert [SplitAlias, PointAlias] == [type(action) for action in actions(plan)]
    assert 1 == len(plan.notes) and "that ends" in plan.notes[0]


def test_what_another_tool_began_comes_back_and_what_we_began_does_not() -> None:
    """Where a release goes back: to the state before it, but not to a canary of ours that nobody watches any more."""
    for live, expected in ((prod(weights={"6": 0.1}), {"6": 0.1}), (canary_of("9"), {})):
        split, point = actions(promoted(live))
        assert expected == split.weights == point.weights


def rolled_back(lives: dict[str, LiveFunction], whole: bool = True) -> Plan:
    functions, live = [function(name) for name in lives], given.live(lives, STAGE)
    to = rollback.targets(STAGE, functions, live, whole)
    versions = {name: version(number) for name, number in to.items()}
    return rollback.rollback(STAGE, REGION, functions, to, versions, live, given.origin())


def test_a_rollback_moves_at_once() -> None:
    """It has no time to lose, and says so."""
    (action,) = actions(plan := rolled_back({"echo": prod(previous="6")}))
    assert ("7", "6") == (action.before, action.expected)
    assert "a rollback moves at once, without a canary" in plan.notes


@pytest.mark.parametrize("whole", [True, False])
def test_a_rollback_ends_a_canary(whole: bool) -> None:
    """What ran goes on to run, with the record that it had: the next rollback goes to what ran before it."""
    live = canary_of("8")
    (action,) = actions(plan := rolled_back({"echo": live}, whole))
    before = (live.aliases or {})["prod"].record
    assert before is not None
    assert ("7", "7", alias_description(before)) == (action.before, action.expected, action.description)
    assert "echo: the alias prod sends 10 % of its calls to version 8: that ends" in plan.notes
    assert "    version: 7" in text.plan(plan).splitlines()


def test_a_rollback_takes_back_what_the_same_release_had_moved() -> None:
    """Of a release that died while its aliases moved; what an earlier release moved stays."""
    def at(number: str, release: str, when: int) -> LiveFunction:
        one: LiveAlias = alias(number, "prod", release=release, at=given.moment(when), previous="7")
        return found(version(number), aliases=(one,), stage=PROD)

    late = {"api": at("8", "test-0a1b2c3d", 60), "old": at("8", "test-00000000", 0), "echo": canary_of("8")}
    plan = rolled_back(late)
    moves = {each.function: [action.expected for action in each.shift] for each in plan.functions}
    assert {"api": ["7"], "echo": ["7"]} == moves
