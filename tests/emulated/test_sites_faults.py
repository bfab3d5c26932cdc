"""A release to two sites, one of which fails: neither has moved in the end. Two MiniStacks stand for two accounts."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import replace

import pytest

from ci import aws as _aws
from ci import live, local
from ci.apply import apply
from ci.errors import ReleaseError
from ci.model import Canary, Stage
from ci.plan import deploy, sites
from ci.plan.plan import Plan
from tests.emulated.conftest import Account
from tests.emulated.releasing import REGION, TEST, Aliases, Edition, aliases, attempt, connect, edition, silent
from tests.emulated.strict import Call, Fault, Strict
from tests.emulated.test_faults_signals import as_the_command_does

Sites = Mapping[str, _aws.Aws]
NAMES = ("alpha", "beta", "gamma")
FIRST, SECOND = "eu-west-1/111111111111", "us-east-1/222222222222"


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Iterator[local.Endpoint]:
    """The other account's AWS: a server of its own."""
    state = tmp_path_factory.mktemp("elsewhere")
    yield local.start(state)
    local.stop(state)


@pytest.fixture(scope="module")
def editions(tmp_path_factory: pytest.TempPathFactory) -> tuple[Edition, Edition]:
    folder = tmp_path_factory.mktemp("packages")
    return edition(1, folder), edition(2, folder)


@pytest.fixture
def accounts(account: Account, elsewhere: local.Endpoint) -> dict[str, Account]:
    return {FIRST: account, SECOND: Account(account.id, elsewhere.url)}


@pytest.fixture
def proxies(ministack: local.Endpoint, elsewhere: local.Endpoint) -> Iterator[dict[str, Strict]]:
    """What is between us and each account."""
    with ExitStack() as stack:
        ports = {FIRST: ministack.port, SECOND: elsewhere.port}
        yield {name: stack.enter_context(Strict(port, settle=0, hang=1.8).running()) for name, port in ports.items()}


def ways(accounts: Mapping[str, Account], proxies: Mapping[str, Strict]) -> dict[str, _aws.Aws]:
    return {name: connect(Account(accounts[name].id, proxy.url)) for name, proxy in proxies.items()}


def planned(through: Sites, wanted: Edition, stage: Stage = TEST) -> Plan:
    plans = {}
    for name, aws in through.items():
        found = live.read(aws, stage, wanted.functions, wanted.packages, aliases=stage.rollout is not None)
        plans[name] = deploy.deploy(stage, REGION, wanted.functions, wanted.packages, found, wanted.origin)
    return sites.joined(plans)


def seen(accounts: Mapping[str, Account]) -> dict[str, Aliases]:
    return {name: aliases(account, TEST, NAMES) for name, account in accounts.items()}


@pytest.mark.parametrize(
    "fault",
    [
        Fault("update fails", "UpdateFunctionCode", "beta"),
        Fault("internal error", "UpdateAlias", "beta", times=None),
        Fault("bad gateway", "CreateAlias", "gamma", times=None),
    ],
    ids=lambda fault: fault.operation,
)
def test_one_site_fails(
    fault: Fault, accounts: dict[str, Account], proxies: dict[str, Strict], editions: tuple[Edition, Edition]
) -> None:
    """Every alias is where it was, in both; the error names the site; run again, the release is whole in both."""
    first, second = editions
    through = ways(accounts, proxies)
    apply(planned(through, first), through, silent)
    before = seen(accounts)
    for proxy in proxies.values():
        proxy.forget()
    proxies[SECOND].faults.append(fault)
    error = attempt(lambda: apply(planned(through, second), through, silent))
    assert before == seen(accounts)
    failed = "GetFunction" if fault.kind == "update fails" else fault.operation  # which tells that it did
    assert f"{SECOND}: {fault.function}: {failed}: " in str(error)
    proxies[SECOND].heal()
    through = ways(accounts, proxies)
    release = apply(planned(through, second), through, silent)
    after = seen(accounts)
    assert {name: {each: moved[each][0] for each in NAMES} for name, moved in after.items()} == release.sites
    assert planned(through, second).empty


def test_a_signal_while_the_second_site_moves(
    accounts: dict[str, Account], proxies: dict[str, Strict], editions: tuple[Edition, Edition]
) -> None:
    """All aliases go back, in the site that had moved too."""
    first, second = editions
    through = ways(accounts, proxies)
    apply(planned(through, first), through, silent)
    before = seen(accounts)
    proxies[SECOND].forget()

    def send(call: Call) -> None:
        if call.operation == "UpdateAlias" and call.nth == 1 and call.function == "beta":
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.5)  # its answer comes when the signal has been heard

    proxies[SECOND].after = send
    with as_the_command_does():
        error = attempt(lambda: apply(planned(through, second), through, silent))
    assert isinstance(error, ReleaseError) and error.restored
    assert before == seen(accounts)


def test_an_alarm_in_one_site_ends_the_canary_in_both(
    accounts: dict[str, Account], proxies: dict[str, Strict], editions: tuple[Edition, Edition]
) -> None:
    """An alarm is one of each site; without one there nothing begins."""
    first, second = editions
    through, stage = ways(accounts, proxies), replace(TEST, rollout=Canary(10, 1, ("errors",)))
    apply(planned(through, first), through, silent)
    before = seen(accounts)
    alarm = {"Statistic": "Sum", "Period": 60, "EvaluationPeriods": 1, "Threshold": 1, "Namespace": "AWS/Lambda"}
    there = ""
    for name, account in accounts.items():
        missing = attempt(lambda: apply(planned(through, second, stage), through, silent))
        assert (SECOND in str(missing), FIRST in str(missing)) == (True, not there)
        there = name
        account.client("cloudwatch").put_metric_alarm(
            AlarmName="errors", MetricName="Errors", ComparisonOperator="GreaterThanThreshold", **alarm
        )

    def ring(call: Call) -> None:
        if call.operation == "UpdateAlias":
            client = accounts[SECOND].client("cloudwatch")
            client.set_alarm_state(AlarmName="errors", StateValue="ALARM", StateReason="by hand")

    proxies[SECOND].after = ring
    error = attempt(lambda: apply(planned(through, second, stage), through, silent))
    assert f"canary: the alarm errors in {SECOND} is in the state ALARM" in str(error)
    assert before == seen(accounts)


def test_live_moved_in_one_site(
    accounts: dict[str, Account], proxies: dict[str, Strict], editions: tuple[Edition, Edition]
) -> None:
    """What somebody moved there meanwhile stays as they left it; nothing moves in the other."""
    first, second = editions
    through = ways(accounts, proxies)
    apply(planned(through, first), through, silent)
    plan = planned(through, second)
    accounts[SECOND].client("lambda").update_alias(FunctionName="beta", Name="test", Description="by hand")
    before = seen(accounts)
    error = attempt(lambda: apply(plan, through, silent))
    assert f"{SECOND}: beta: UpdateAlias: live moved under the plan" in str(error)
    assert before == seen(accounts)
