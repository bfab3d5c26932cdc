"""Releases over another one that faults, signals and SIGKILL are tried on, and what may become of them."""

from __future__ import annotations

import dataclasses
import json
import random
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from ci import live
from ci.attachments import resources
from ci import aws as _aws
from ci.apply import apply
from ci.errors import DollopError, ReleaseError, Unwatched
from ci.live import codedeploy
from ci.model import Canary, CodeDeploy, Stage, label
from ci.plan import rollback, sites
from ci.plan.plan import Plan
from tests.emulated.conftest import REGION, Account
from tests.emulated.embedded import Servers
from tests.emulated.releasing import (
    NEW, PROD, TEST, Edition, account_of, aliases, attempt, connect, silent, to_deploy, to_promote,
)
from tests.emulated.strict import Strict
from tests.emulated.strict.codedeploy import CodeDeploy as Played

Things = dict[str, tuple[Any, ...]]
"""What a release touches, seen from outside, by the words in which a message names it (``alpha: alias test``): what a
release promises of it, and its detail."""


@dataclass(frozen=True)
class Scenario:
    """A release over another one: what is there ``before`` it, how it is planned, and what is there once it landed."""

    stage: Stage
    before: Callable[[_aws.Aws, Edition, Edition], None]
    plan: Callable[[_aws.Aws, Edition], Plan]
    landed: Mapping[str, Any]
    seen: Callable[[Account, Stage], Things]
    ways: Callable[[_aws.Aws], _aws.Aws | Mapping[str, _aws.Aws]] = lambda aws: aws
    """To each site, by its name, of the way to the first."""

    def release(self, aws: _aws.Aws, wanted: Edition) -> None:
        """Plan it and carry it out."""
        apply(self.plan(aws, wanted), self.ways(aws), silent)

    @contextmanager
    def staged(
        self, servers: Servers, account: Account, editions: tuple[Edition, Edition], hang: float = 2.0
    ) -> Iterator[Stand]:
        """What is there before the release, and a proxy in front of it that has forgotten how it came about."""
        with Strict(servers.ministack, settle=0, hang=hang).running() as strict:
            played = Played(servers.moto, account.client)
            strict.elsewhere = played.answer
            through = Account(account.id, strict.url)
            self.before(connect(through), *editions)
            strict.forget()
            yield Stand(self, editions[1], account, through, strict, played, self.seen(account, self.stage))

    def has_landed(self, things: Things) -> bool:
        return self.landed == {name: promised for name, (promised, *_) in things.items()}

    def verdict(self, before: Things, after: Things, under_way: set[str], error: BaseException | None) -> str:
        """``whole``, ``untouched``, ``told`` (half done, and the error names everything that is), or ``lost``.

        ``under_way``: what CodeDeploy is at. What goes on by itself has to be named where it is not yet as it will be.
        """
        moved = {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)} | under_way
        if error is None:
            return "whole" if self.has_landed(after) and not under_way else "lost"
        if not moved:
            return "untouched"
        if isinstance(error, Unwatched):
            moved = {name for name in moved if self.landed.get(name) != after.get(name, (None,))[0]}
        told = isinstance(error, ReleaseError) and not error.restored
        return "told" if told and all(f"{name}: " in str(error) for name in moved) else "lost"


@dataclass(frozen=True)
class Stand:
    """A scenario that is set up: the release can begin."""

    scenario: Scenario
    wanted: Edition
    account: Account
    through: Account
    strict: Strict
    played: Played
    before: Things

    def see(self) -> Things:
        return self.scenario.seen(self.account, self.scenario.stage)

    def release(self) -> DollopError | KeyboardInterrupt | None:
        """What became of it."""
        aws = connect(self.through)
        return attempt(lambda: self.scenario.release(aws, self.wanted))

    def verdict(self, error: BaseException | None) -> str:
        under_way = {f"{moved['Name']}: alias {moved['Alias']}" for moved in self.played.under_way()}
        return self.scenario.verdict(self.before, self.see(), under_way, error)

    def again(self) -> str:
        """``whole``, where running it again, undisturbed and once CodeDeploy has ended what it has, finishes it."""
        self.strict.heal()
        self.played.to_the_end()
        if failed := self.release():
            return f"failed: {failed}"
        left = self.scenario.plan(connect(self.through), self.wanted)
        return "whole" if left.empty and self.scenario.has_landed(self.see()) else "lost"


def _aliases(account: Account, stage: Stage) -> Things:
    return {
        f"{name}: alias {stage.alias}": ((version, weights), description)
        for name, (version, weights, description) in aliases(account, stage, ("alpha", "beta", NEW)).items()
    }


def _deployed(aws: _aws.Aws, first: Edition, second: Edition) -> None:
    apply(to_deploy(aws, first), aws, silent)


def _promoted(aws: _aws.Aws, first: Edition, second: Edition) -> None:
    apply(to_deploy(aws, first), aws, silent)
    apply(to_promote(aws, first), aws, silent)
    apply(to_deploy(aws, second), aws, silent)


def _all(stage: Stage) -> dict[str, Any]:
    versions = {"alpha": "2", "beta": "2", NEW: "1"}
    return {f"{name}: alias {stage.alias}": (version, {}) for name, version in versions.items()}


# ---------------------------------------------------------------- what is around them


def around(wanted: Edition) -> Edition:
    """Only ``alpha``, whose URL changes and one of whose schedules takes the place of another, and ``gamma``."""
    schedule, days = ("hourly", "rate(1 hour)") if wanted.number == 1 else ("nightly", "rate(1 day)")
    said = {
        "alpha": {
            "url": {"AuthType": "AWS_IAM", "Cors": {"MaxAge": wanted.number}},
            "schedules": {schedule: {"ScheduleExpression": days, "Input": {"edition": wanted.number}}},
        },
        NEW: {"permissions": {"mail": {"Principal": "ses.amazonaws.com"}}},
    }
    functions = tuple(
        dataclasses.replace(
            each, attachments={PROD.name: resources.wanted(each.aws_name, PROD.alias, "", said[each.name])}
        )
        for each in wanted.functions if each.name in said
    )
    return dataclasses.replace(wanted, functions=functions)


def _to_promote_around(aws: _aws.Aws, wanted: Edition) -> Plan:
    return to_promote(aws, around(wanted))


def _promoted_around(aws: _aws.Aws, first: Edition, second: Edition) -> None:
    first, second = around(first), around(second)
    apply(to_deploy(aws, first), aws, silent)
    apply(to_promote(aws, first), aws, silent)
    apply(to_deploy(aws, second), aws, silent)


def _all_around(account: Account, stage: Stage) -> Things:
    """Aliases, and everything at them that anybody may have attached."""
    functions, events = account.client("lambda"), account.client("events")
    absent = functions.exceptions.ResourceNotFoundException
    found: Things = {}
    for name, (version, weights, description) in aliases(account, stage, ("alpha", NEW)).items():
        at = {"FunctionName": name, "Qualifier": stage.alias}
        found[f"{name}: alias {stage.alias}"] = (version, weights), description
        for url in functions.list_function_url_configs(FunctionName=name)["FunctionUrlConfigs"]:
            found[f"{name}: url {stage.alias}"] = url["Cors"]["MaxAge"], url["AuthType"], url["FunctionArn"]
        try:
            statements = json.loads(functions.get_policy(**at)["Policy"])["Statement"]
        except absent:
            statements = []
        for statement in statements:
            entry = statement["Sid"].split("-")[2]
            found[f"{name}: permission {entry}"] = statement["Principal"], json.dumps(statement, sort_keys=True)
    for name in ("alpha", NEW):
        try:
            tags = functions.list_tags(Resource=f"arn:aws:lambda:{REGION}:{account.id}:function:{name}")["Tags"]
        except absent:
            continue
        if mark := tags.get(f"dollop:{stage.alias}"):
            kinds, _, digest = mark.partition(" @")
            found[f"{name}: mark {stage.alias}"] = kinds, digest
    for rule in events.list_rules()["Rules"]:
        _, name, _, entry = rule["Name"].split("-")
        found[f"{name}: rule {entry}"] = rule["ScheduleExpression"], rule["State"]
        for target in events.list_targets_by_rule(Rule=rule["Name"])["Targets"]:
            found[f"{name}: target {entry}"] = target["Input"], target["Arn"]
    return found


AROUND = {
    "alpha: alias prod": ("2", {}),
    "alpha: mark prod": "permission rule url",
    "alpha: url prod": 2,
    "alpha: rule nightly": "rate(1 day)",
    "alpha: target nightly": '{"edition": 2}',
    "alpha: permission nightly": {"Service": "events.amazonaws.com"},
    "gamma: alias prod": ("1", {}),
    "gamma: mark prod": "permission",
    "gamma: permission mail": {"Service": "ses.amazonaws.com"},
}


# ---------------------------------------------------------------- what calls them, and is kept ready


QUEUES = ("orders", "first", "second")


def _fed(aws: _aws.Aws, wanted: Edition) -> Edition:
    """Only ``alpha``: one of its queues takes the place of another, the rest is changed."""
    old, new = ("first", 1) if wanted.number == 1 else ("second", 2)
    queue = f"arn:aws:sqs:{REGION}:{account_of(aws)}:"
    said = {
        "events": {
            "orders": {"EventSourceArn": f"{queue}orders", "BatchSize": new},
            old: {"EventSourceArn": f"{queue}{old}"},
        },
        "provisioned_concurrency": new,
        "log_retention": 7 * new,
    }
    alpha = next(each for each in wanted.functions if each.name == "alpha")
    attached = resources.wanted(alpha.aws_name, PROD.alias, f"/aws/lambda/{alpha.aws_name}", said)
    return dataclasses.replace(
        wanted, functions=(dataclasses.replace(alpha, attachments={PROD.name: attached}),)
    )


def _to_promote_fed(aws: _aws.Aws, wanted: Edition) -> Plan:
    return to_promote(aws, _fed(aws, wanted))


def _promoted_fed(aws: _aws.Aws, first: Edition, second: Edition) -> None:
    for name in QUEUES:
        aws.ask("sqs", "create_queue", QueueName=name)
    _promoted(aws, _fed(aws, first), _fed(aws, second))


def _all_that_feeds(account: Account, stage: Stage) -> Things:
    functions, logs = account.client("lambda"), account.client("logs")
    found: Things = {}
    for name, (version, weights, description) in aliases(account, stage, ("alpha",)).items():
        at = {"FunctionName": name, "Qualifier": stage.alias}
        found[f"{name}: alias {stage.alias}"] = (version, weights), description
        listed = functions.list_event_source_mappings(FunctionName=f"{name}:{stage.alias}")
        for mapping in listed["EventSourceMappings"]:
            entry = mapping["EventSourceArn"].rpartition(":")[2]
            found[f"{name}: event {entry}"] = mapping["BatchSize"], mapping["State"]
        ready = functions.get_provisioned_concurrency_config(**at)["RequestedProvisionedConcurrentExecutions"]
        found[f"{name}: provisioned {stage.alias}"] = (ready,)
        tags = functions.get_function(FunctionName=name)["Tags"]
        kinds, _, digest = tags[f"dollop:{stage.alias}"].partition(" @")
        found[f"{name}: mark {stage.alias}"] = kinds, digest
        for group in logs.describe_log_groups(logGroupNamePrefix=f"/aws/lambda/{name}")["logGroups"]:
            found[f"{name}: retention {stage.alias}"] = (group.get("retentionInDays"),)
    return found


FED = {
    "alpha: alias prod": ("2", {}),
    "alpha: mark prod": "event provisioned retention",
    "alpha: event orders": 2,
    "alpha: event second": 10,
    "alpha: provisioned prod": 2,
    "alpha: retention prod": 14,
}


# ---------------------------------------------------------------- moved by CodeDeploy, or after a canary

BY = CodeDeploy(
    "CodeDeployDefault.LambdaCanary10Percent5Minutes", "arn:aws:iam::123456789012:role/codedeploy", "dollop-demo", ()
)
TWO = {"alpha: alias prod": ("2", {}), "gamma: alias prod": ("1", {})}


def _to_hand_over(aws: _aws.Aws, wanted: Edition) -> Plan:
    return codedeploy.with_groups(aws, to_promote(aws, _two(wanted), dataclasses.replace(PROD, rollout=BY)))


def _to_rehearse(aws: _aws.Aws, wanted: Edition) -> Plan:
    """With a canary that lasts one look at its alarm."""
    return to_promote(aws, _two(wanted), dataclasses.replace(PROD, rollout=Canary(10, 0, ("errors",))))


def _promoted_with_an_alarm(aws: _aws.Aws, first: Edition, second: Edition) -> None:
    _promoted_of_two(aws, first, second)
    aws.ask(
        "cloudwatch", "put_metric_alarm", AlarmName="errors", MetricName="Errors", Namespace="AWS/Lambda", Period=60,
        Statistic="Sum", EvaluationPeriods=1, Threshold=1, ComparisonOperator="GreaterThanThreshold",
    )


def _two(wanted: Edition) -> Edition:
    return dataclasses.replace(wanted, functions=tuple(each for each in wanted.functions if each.name != "beta"))


def _promoted_of_two(aws: _aws.Aws, first: Edition, second: Edition) -> None:
    _promoted(aws, _two(first), _two(second))


# ---------------------------------------------------------------- back to a commit


def _to_the_first(aws: _aws.Aws, wanted: Edition) -> Plan:
    """``gamma`` has no version of that commit, and stays."""
    functions = [each for each in wanted.functions if each.name != NEW]
    found = live.read(aws, TEST, functions, aliases=True, versions=True)
    numbers = rollback.by_commit(functions, found, "1" * 40)
    compared, versions = live.compare(aws, TEST, functions, numbers, found)
    found = dataclasses.replace(found, functions={**found.functions, **compared.functions})
    return rollback.rollback(TEST, REGION, functions, numbers, versions, found, wanted.origin, "to-1111111")


def _deployed_twice(aws: _aws.Aws, first: Edition, second: Edition) -> None:
    apply(to_deploy(aws, first), aws, silent)
    apply(to_deploy(aws, second), aws, silent)


FIRST = {f"{name}: alias test": ("1", {}) for name in ("alpha", "beta", NEW)}


# ---------------------------------------------------------------- in two regions at once

ABROAD = "us-east-1"


def _ways(aws: _aws.Aws) -> dict[str, _aws.Aws]:
    account = Account(account_of(aws), str(aws._endpoint))
    return {REGION: aws, ABROAD: connect(account, region=ABROAD)}


def _to_deploy_in_each(aws: _aws.Aws, wanted: Edition) -> Plan:
    return sites.joined({name: to_deploy(way, _two(wanted)) for name, way in _ways(aws).items()})


def _deployed_in_each(aws: _aws.Aws, first: Edition, second: Edition) -> None:
    apply(_to_deploy_in_each(aws, first), _ways(aws), silent)


def _in_each(account: Account, stage: Stage) -> Things:
    return {
        f"{label(name, region)}: alias {stage.alias}": ((version, weights), description)
        for region in (REGION, ABROAD)
        for name, (version, weights, description) in aliases(account, stage, ("alpha", NEW), region).items()
    }


EACH = {f"{label(name, region)}: alias test": (version, {})
        for region in (REGION, ABROAD) for name, version in {"alpha": "2", NEW: "1"}.items()}


SCENARIOS = {
    "deploy": Scenario(TEST, _deployed, to_deploy, _all(TEST), _aliases),
    "promote": Scenario(PROD, _promoted, to_promote, _all(PROD), _aliases),
    "redeploy": Scenario(TEST, _deployed_twice, _to_the_first, FIRST, _aliases),
    "around": Scenario(PROD, _promoted_around, _to_promote_around, AROUND, _all_around),
    "fed": Scenario(PROD, _promoted_fed, _to_promote_fed, FED, _all_that_feeds),
    "codedeploy": Scenario(PROD, _promoted_of_two, _to_hand_over, TWO, _aliases),
    "canary": Scenario(PROD, _promoted_with_an_alarm, _to_rehearse, TWO, _aliases),
    "sites": Scenario(TEST, _deployed_in_each, _to_deploy_in_each, EACH, _in_each, _ways),
}


class Case(Protocol):
    """Of the matrix."""

    @property
    def scenario(self) -> str: ...


Cases = TypeVar("Cases", bound=Case)


def sample(cases: Iterable[Cases], number: int) -> list[Cases]:
    """``number`` cases of each scenario, drawn with a fixed seed."""
    every = list(cases)
    return [
        case
        for name in SCENARIOS
        for case in random.Random(0).sample([case for case in every if case.scenario == name], number)
    ]
