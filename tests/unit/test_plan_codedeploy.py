"""A stage whose aliases CodeDeploy moves: what is planned, how it is shown, what an alias tells of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ci import record
from ci.errors import Refused
from ci.live.answers import alias as read
from ci.model import CodeDeploy
from ci.model.live import Handed, LiveAlias, LiveFunction, LiveGroup
from ci.observe import strays as by_hand
from ci.plan import codedeploy, promote, rollback
from ci.plan.actions import CreateApplication, CreateDeployment, Deployer, PointAlias, PutGroup, StopDeployment
from ci.plan.plan import Plan
from ci.release import Release, Released
from ci.render import data, markdown, text
from ci.render.links import Links
from tests.unit import given
from tests.unit.given import PROD, REGION, alias, found, function, package, version

BY = CodeDeploy("CodeDeployDefault.LambdaAllAtOnce", "arn:aws:iam::123456789012:role/codedeploy", "dollop-demo", ("e",))
STAGE = replace(PROD, rollout=BY)
V7, V8 = version("7"), version("8", package({"echo.py": "v2"}))
HANDED = Handed("7", "8", "test-0a1b2c3d", "1234", "2026-01-31T08:58:00Z")
WHO = Deployer("dollop-demo", "prod-echo")
NOTHING, ALL = LiveGroup(False, None), LiveGroup(True, BY.role)


def told(version: str, weights: dict[str, float] | None = None, own: LiveAlias | None = None) -> LiveAlias:
    """The alias as AWS has it once it was handed over, while it pointed to 7."""
    own = own or alias("7", "prod", previous="6")
    item = {"Name": "prod", "FunctionVersion": version, "RevisionId": "r"}
    item |= {"Description": record.handed_description(own.description, HANDED)}
    return read(item | {"RoutingConfig": {"AdditionalVersionWeights": weights or {}}})


def prod(now: LiveAlias) -> LiveFunction:
    return found(V7, V8, aliases=(now,), stage=PROD)


def promoted(live: LiveFunction, target: Any = V8, group: LiveGroup = ALL, stage: Any = STAGE) -> Plan:
    released = Released(target.version, target.record.digest, target.code_sha256)
    release = Release("test-0a1b2c3d", "test", given.COMMIT, "1234", given.moment(0), {"echo": released})
    lives = given.live({"echo": live}, stage)
    plan = promote.promote(stage, REGION, [function("echo")], release, {"echo": target}, lives, given.origin())
    return codedeploy.with_groups(plan, {name: group for name in codedeploy.deployers(plan)})


def rolled_back(live: LiveFunction) -> Plan:
    functions, lives = [function("echo")], given.live({"echo": live}, STAGE)
    to = rollback.targets(STAGE, functions, lives, True)
    versions = {name: version(number) for name, number in to.items()}
    return rollback.rollback(STAGE, REGION, functions, to, versions, lives, given.origin())


def actions(plan: Plan) -> list[Any]:
    return [action for each in plan.functions for action in each.actions]


def test_two_writes_an_alias() -> None:
    """Its description, which keeps what was there and tells what is under way; then CodeDeploy gets the rest."""
    point, deployment = actions(promoted(prod(alias("7", "prod", previous="6"))))
    assert isinstance(point, PointAlias) and point.handed and point.guard is None
    left = replace(HANDED, at=given.origin().at)
    assert (alias("7", "prod", previous="6").description, left) == record.read_handed(point.description)
    assert CreateDeployment(WHO, BY.config, ("e",), "prod", "7", "8", "8") == deployment


@pytest.mark.parametrize(
    ("group", "expected"),
    [
        (NOTHING, [CreateApplication("dollop-demo"), PutGroup(WHO, None, BY.role)]),
        (LiveGroup(True, None), [PutGroup(WHO, None, BY.role)]),
        (LiveGroup(True, "other"), [PutGroup(WHO, "other", BY.role)]),
        (ALL, []),
    ],
)
def test_what_is_missing_is_made_first(group: LiveGroup, expected: list[Any]) -> None:
    """Application and group, each a write of its own; a group with another role gets this one."""
    assert expected == actions(promoted(prod(alias("7", "prod")), group=group))[:-2]


def test_shown_as_text_markdown_and_data() -> None:
    """What is made, who moves the alias and how; a plan with another configuration has another digest."""
    plan = promoted(prod(alias("7", "prod")), group=NOTHING)
    shown = text.plan(plan)
    assert "  + CodeDeploy application\n    name: dollop-demo\n" in shown
    assert f"  + CodeDeploy deployment group\n    name: prod-echo\n    role: {BY.role}\n" in shown
    how = "CodeDeployDefault.LambdaAllAtOnce, unless there is an alarm: e"
    assert f"    version: 7 -> 8\n    CodeDeploy: {how}\n" in shown
    page = markdown.plan(plan, Links("https://github.com/octo/shop", "1"))
    assert "> `CodeDeploy moves the aliases (CodeDeployDefault.LambdaAllAtOnce), which takes them back" in page
    assert "+ CodeDeploy deployment group prod-echo\n" in page
    told = data.plan(plan)["functions"][0]["actions"]
    calls = ["CreateApplication", "CreateDeploymentGroup", "UpdateAlias", "CreateDeployment"]
    assert calls == [action["call"] for action in told]
    other = promoted(prod(alias("7", "prod")), group=NOTHING, stage=replace(STAGE, rollout=replace(BY, config="mine")))
    assert data.digest(plan) != data.digest(other)


def test_at_once_where_aws_cannot_split() -> None:
    """As with a canary: nothing for CodeDeploy to do."""
    (action,) = actions(promoted(found(V8, aliases=(), stage=PROD)))
    assert ("the alias is new", False) == (action.at_once, action.handed)


def test_an_alias_tells_how_far_codedeploy_is() -> None:
    """By where it points: not begun or taken back, under way, done; moved by somebody else."""
    before, under_way, done, other = told("7"), told("7", {"8": 0.1}), told("8"), told("9")
    assert (HANDED, None) == (before.handed, before.under_way)
    assert (HANDED, HANDED) == (under_way.handed, under_way.under_way)
    own = alias("7", "prod", previous="6").record
    assert own == before.record == under_way.record
    assert done.handed is None and done.record
    assert ("7", "8", HANDED.release, HANDED.at, own and own.at) == (
        done.record.previous, done.record.version, done.record.release, done.record.at, done.record.since
    )
    assert (None, own) == (other.handed, other.record)


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (told("7"), ["CodeDeploy has alias prod to version 8 since 2026-01-31T08:58:00Z: it has not begun, or"]),
        (told("7", {"8": 0.1}), ["alias prod sends 10% to version 8, CodeDeploy moves it since 2026-01-31T08:58:00Z"]),
        (told("8"), []),
        (told("9"), ["alias prod was pointed to version 9 by hand"]),
        (told("7", {"6": 0.5}), ["alias prod sends 50% to version 6"]),
    ],
)
def test_status_tells(now: LiveAlias, expected: list[str]) -> None:
    """What CodeDeploy does is not called another tool's, and what another tool does not CodeDeploy's."""
    lives = given.live({"echo": replace(prod(alias("7", "prod")), aliases={"prod": now})}, STAGE)
    strays = list(by_hand.of(lives))
    assert len(expected) == len(strays)
    assert all(stray.startswith(f"echo: {part}") for stray, part in zip(strays, expected, strict=True))


def test_while_it_is_under_way() -> None:
    """A plan says that it will be refused, and carries what to look for; without CodeDeploy there is no plan."""
    plan = promoted(prod(told("7", {"8": 0.1})))
    point, _ = actions(plan)
    assert WHO == point.guard and {} == point.weights
    assert any("CodeDeploy moves the alias prod from version 7 to 8" in note for note in plan.notes)
    with pytest.raises(Refused, match="echo: CodeDeploy is moving the alias prod"):
        promoted(prod(told("7", {"8": 0.1})), stage=PROD)


def test_a_rollback_stops_it() -> None:
    """First the deployment ends, then the alias is as it was, with the record that it had."""
    plan = rolled_back(prod(told("7", {"8": 0.1})))
    stop, point = actions(plan)
    assert StopDeployment(WHO, HANDED) == stop
    own = alias("7", "prod", previous="6")
    assert ("7", "7", own.description) == (point.before, point.expected, point.description)
    assert "    CodeDeploy: stopped\n" in text.plan(plan)
    assert "a rollback moves at once, without CodeDeploy" in plan.notes


@pytest.mark.parametrize(("now", "expected"), [(told("8"), "7"), (told("7"), "6")])
def test_a_rollback_after_it(now: LiveAlias, expected: str) -> None:
    """When CodeDeploy is done, to what ran before; when it took the alias back, to what ran before that."""
    live = replace(prod(alias(now.version, "prod")), aliases={"prod": now})
    (point,) = actions(rolled_back(live))
    assert expected == point.expected
    assert (WHO if now.handed else None) == point.guard


def test_a_long_description_is_cut_and_the_record_is_not() -> None:
    """AWS takes 256 characters; what is under way is what must be read again."""
    written = record.handed_description("x" * 256, HANDED)
    assert 256 == len(written)
    assert HANDED == record.read_handed(written)[1]
    assert ("", HANDED) == record.read_handed(record.handed_description("", HANDED))
