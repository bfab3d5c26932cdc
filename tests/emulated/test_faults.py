"""Every fault at every call of a release: it ends whole or untouched, or says what is not; run again, it succeeds.

All of them with ``make soak``; a sample of each scenario, drawn with a fixed seed, in ``make test``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache

import pytest

from ci.apply import apply
from ci.errors import AwsError, DollopError, MovedError
from tests.emulated.conftest import Account
from tests.emulated.embedded import Servers
from tests.emulated.releasing import (
    IMPATIENT,
    TEST,
    Edition,
    aliases,
    attempt,
    connect,
    edition,
    silent,
    to_deploy,
)
from tests.emulated.scenarios import SCENARIOS, sample
from tests.emulated.strict import KINDS, LASTING, OUTCOMES, Call, Fault, Strict

SAMPLE = 5

CALLS = {
    "deploy": {
        "GetFunction alpha": 6, "ListAliases alpha": 1, "ListVersionsByFunction alpha": 1,
        "UpdateFunctionConfiguration alpha": 1, "UpdateFunctionCode alpha": 1, "PublishVersion alpha": 1,
        "UpdateAlias alpha": 1,
        "GetFunction beta": 5, "ListAliases beta": 1, "ListVersionsByFunction beta": 1,
        "UpdateFunctionCode beta": 1, "PublishVersion beta": 1, "UpdateAlias beta": 1,
        "GetFunction gamma": 3, "CreateFunction gamma": 1, "PublishVersion gamma": 1, "CreateAlias gamma": 1,
    },
    "promote": {
        "GetFunction alpha": 3, "ListAliases alpha": 1, "UpdateAlias alpha": 1,
        "GetFunction beta": 3, "ListAliases beta": 1, "UpdateAlias beta": 1,
        "GetFunction gamma": 3, "ListAliases gamma": 1, "CreateAlias gamma": 1,
    },
    "redeploy": {
        "GetFunction alpha": 4, "ListAliases alpha": 1, "ListVersionsByFunction alpha": 1, "UpdateAlias alpha": 1,
        "GetFunction beta": 4, "ListAliases beta": 1, "ListVersionsByFunction beta": 1, "UpdateAlias beta": 1,
    },
    "around": {
        "GetFunction alpha": 3, "ListAliases alpha": 1, "UpdateAlias alpha": 1,
        "GetPolicy alpha": 1, "GetFunctionUrlConfig alpha": 1, "ListRules alpha": 1, "ListTargetsByRule alpha": 1,
        "AddPermission alpha": 1, "UpdateFunctionUrlConfig alpha": 1, "PutRule alpha": 1, "PutTargets alpha": 1,
        "RemoveTargets alpha": 1, "DeleteRule alpha": 1, "RemovePermission alpha": 1, "TagResource alpha": 1,
        "GetFunction gamma": 3, "ListAliases gamma": 1, "CreateAlias gamma": 1,
        "GetPolicy gamma": 1, "TagResource gamma": 1, "AddPermission gamma": 1,
    },
    "fed": {
        "GetFunction alpha": 3, "ListAliases alpha": 1, "UpdateAlias alpha": 1,
        "ListEventSourceMappings": 1, "ListTags": 2, "GetProvisionedConcurrencyConfig alpha": 1,
        "DescribeLogGroups alpha": 1, "UpdateEventSourceMapping": 1, "CreateEventSourceMapping alpha": 1,
        "PutProvisionedConcurrencyConfig alpha": 1, "PutRetentionPolicy alpha": 1, "DeleteEventSourceMapping": 1,
        "TagResource alpha": 1,
    },
    "codedeploy": {
        "GetFunction alpha": 3, "ListAliases alpha": 1, "UpdateAlias alpha": 1, "GetAlias alpha": 1,
        "GetDeploymentGroup alpha": 1, "CreateApplication": 1, "CreateDeploymentGroup alpha": 1,
        "CreateDeployment alpha": 1, "BatchGetDeployments": 2,
        "GetFunction gamma": 3, "ListAliases gamma": 1, "CreateAlias gamma": 1,
    },
    "canary": {
        "GetFunction alpha": 3, "ListAliases alpha": 1, "UpdateAlias alpha": 2, "GetAlias alpha": 1,
        "GetFunction gamma": 3, "ListAliases gamma": 1, "CreateAlias gamma": 1, "GetAlias gamma": 1,
        "DescribeAlarms": 3,
    },
    "sites": {
        "GetFunction alpha": 12, "ListAliases alpha": 2, "ListVersionsByFunction alpha": 2,
        "UpdateFunctionConfiguration alpha": 2, "UpdateFunctionCode alpha": 2, "PublishVersion alpha": 2,
        "UpdateAlias alpha": 2,
        "GetFunction gamma": 6, "CreateFunction gamma": 2, "PublishVersion gamma": 2, "CreateAlias gamma": 2,
    },
}
"""What a release that nothing disturbs calls, and how often."""


_UPDATES = ("CreateFunction", "UpdateFunctionConfiguration", "UpdateFunctionCode")
_ANSWERED_WITH_NOTHING = ("TagResource", "RemovePermission")
_BACK = (
    *("Alias", "AddPermission", "RemovePermission", "TagResource", "Rule", "Targets", "UpdateFunctionUrlConfig"),
    *("EventSourceMapping", "PutProvisionedConcurrencyConfig", "PutRetentionPolicy"),
)
"""What the way back calls, too."""


@dataclass(frozen=True)
class Case:
    """One fault in one release."""

    scenario: str
    fault: Fault

    def __str__(self) -> str:
        fault = self.fault
        times = "always" if fault.times is None else "once"
        return f"{self.scenario}-{fault.operation}-{fault.function}-{fault.nth}-{fault.kind}-{times}".replace(" ", "_")


@cache
def cases() -> list[Case]:
    return list(_cases())


def _cases() -> Iterator[Case]:
    for scenario, calls in CALLS.items():
        for call, count in calls.items():
            operation, _, function = call.partition(" ")
            for nth in range(1, count + 1):
                for kind in KINDS:
                    if kind in OUTCOMES and operation not in _UPDATES:
                        continue
                    for times in (None,) if kind in LASTING else (1, None):
                        yield Case(scenario, Fault(kind, operation, function, nth, times))


@pytest.fixture(scope="module")
def editions(tmp_path_factory: pytest.TempPathFactory) -> tuple[Edition, Edition]:
    folder = tmp_path_factory.mktemp("packages")
    return edition(1, folder), edition(2, folder)


@dataclass(frozen=True)
class Outcome:
    """What became of a case: the verdict, and the error that was raised."""

    verdict: str
    error: DollopError | KeyboardInterrupt | None
    again: str


def play(case: Case, servers: Servers, account: Account, editions: tuple[Edition, Edition]) -> Outcome:
    """The release with the fault, then without."""
    with SCENARIOS[case.scenario].staged(servers, account, editions, hang=1.8) as stand:
        stand.strict.faults.append(case.fault)
        error = stand.release()
        return Outcome(stand.verdict(error), error, stand.again())


def expected(case: Case) -> set[str]:
    """What may become of it: what passes must not be noticed, what stays must not be half done."""
    if case.fault.kind in OUTCOMES:
        return {"untouched"}
    if case.fault.times is not None:
        return {"whole"}
    if case.fault.operation == "BatchGetDeployments":
        return {"told"}  # CodeDeploy goes on by itself
    if case.fault.kind == "truncated" and case.fault.operation in _ANSWERED_WITH_NOTHING:
        return {"whole"}
    back = any(part in case.fault.operation for part in _BACK)
    return {"untouched", "told"} if back or case.fault.kind == "expired" else {"untouched"}


def check(case: Case, outcome: Outcome) -> None:
    assert outcome.verdict in expected(case), outcome.error
    assert "whole" == outcome.again
    if outcome.error is not None:
        assert isinstance(outcome.error, DollopError)
        told = outcome.error.message
        if case.fault.kind != "expired":  # which ends every call, whichever comes first
            assert case.fault.kind == "denied" or case.fault.function in told
            assert case.fault.kind in OUTCOMES or case.fault.operation in told
        assert outcome.error.hint


@pytest.mark.parametrize("case", sample(cases(), SAMPLE), ids=str)
def test_a_fault_leaves_a_release_whole_or_untouched(
    case: Case, servers: Servers, account: Account, editions: tuple[Edition, Edition]
) -> None:
    """What passes is not noticed; what stays ends the release with every alias where it was, and is named."""
    check(case, play(case, servers, account, editions))


@pytest.mark.parametrize("name", SCENARIOS)
def test_the_calls_of_an_undisturbed_release(
    name: str, servers: Servers, account: Account, editions: tuple[Edition, Edition]
) -> None:
    """The matrix covers exactly the calls that there are, and what the release promises is there."""
    with SCENARIOS[name].staged(servers, account, editions) as stand:
        assert "whole" == stand.verdict(stand.release())
        assert CALLS[name] == Counter(f"{call.operation} {call.function}".strip() for call in stand.strict.calls)


def test_what_was_written_is_looked_at(
    strict: Strict, account: Account, through: Account, editions: tuple[Edition, Edition]
) -> None:
    """Somebody, or AWS itself, makes something else of it before it is published: what, is told, and no alias moves."""
    first, second = editions
    aws = connect(through)
    apply(to_deploy(aws, first), aws, silent)

    def by_hand(call: Call) -> None:
        if call.operation == "UpdateFunctionConfiguration":
            account.client("lambda").update_function_configuration(FunctionName="alpha", MemorySize=1024)

    strict.after = by_hand
    error = attempt(lambda: apply(to_deploy(aws, second), aws, silent))
    assert isinstance(error, MovedError)
    assert "alpha: live moved under the plan: $LATEST has another memory than was written" in error.message
    assert {"1"} == {version for version, *_ in aliases(account, TEST, ("alpha", "beta")).values()}


def test_a_used_up_quota_takes_no_attempts_away(
    strict: Strict, account: Account, through: Account, editions: tuple[Edition, Edition]
) -> None:
    """A server that fails once, after a call has waited for the quota more often than it is ever tried again."""
    waits = IMPATIENT.attempts + 1
    strict.faults.append(Fault("throttled", "CreateAlias", "alpha", times=waits))
    strict.faults.append(Fault("internal error", "CreateAlias", "alpha", nth=waits + 1))
    aws = connect(through)
    apply(to_deploy(aws, editions[0]), aws, silent)
    assert {"1"} == {version for version, *_ in aliases(account, TEST, ("alpha", "beta")).values()}


def test_no_alias_is_given_a_version_that_is_not_ready(
    strict: Strict, account: Account, through: Account, editions: tuple[Edition, Edition]
) -> None:
    """Published by a run that gave up waiting for it: run again, it is waited for again, and then taken as it is."""
    first, second = editions
    aws = connect(through)
    apply(to_deploy(aws, first), aws, silent)
    strict.publishing = 60.0
    for _ in range(2):
        aws = connect(through, replace(IMPATIENT, update=0.3))
        error = attempt(lambda: apply(to_deploy(aws, second), aws, silent))
        assert isinstance(error, AwsError)
        assert "GetFunction: still being updated" in error.message
        assert {"1"} == {version for version, *_ in aliases(account, TEST, ("alpha", "beta")).values()}
    strict.publishing = 0.0
    strict.heal()
    aws = connect(through)
    apply(to_deploy(aws, second), aws, silent)
    assert {"2"} == {version for version, *_ in aliases(account, TEST, ("alpha", "beta")).values()}


@pytest.mark.parametrize("operation", ["UpdateFunctionConfiguration", "UpdateFunctionCode"])
def test_an_update_that_failed_is_done_again(
    operation: str, strict: Strict, account: Account, through: Account, editions: tuple[Edition, Edition]
) -> None:
    """AWS then describes what was asked for and runs what was before: being described so is not enough.

    https://docs.aws.amazon.com/lambda/latest/dg/functions-states.html
    """
    first, second = editions
    aws = connect(through)
    apply(to_deploy(aws, first), aws, silent)
    strict.forget()
    strict.faults.append(Fault("update fails", operation, "alpha"))
    error = attempt(lambda: apply(to_deploy(aws, second), aws, silent))
    assert isinstance(error, DollopError)
    assert "alpha: GetFunction: AWS could not make it ready: Lambda was not able to set up VPC access" in error.message
    assert "SubnetOutOfIPAddresses" in error.message
    strict.heal()
    aws = connect(through)
    apply(to_deploy(aws, second), aws, silent)
    assert "UpdateFunctionConfiguration alpha" in {f"{call.operation} {call.function}" for call in strict.writes()}
    assert {"2"} == {version for version, *_ in aliases(account, TEST, ["alpha", "beta"]).values()}
