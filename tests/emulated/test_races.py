"""Two at once: one release wins, the other says that live moved and changes nothing more. Revision ids hold this."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from ci.apply import apply
from ci.errors import DollopError, MovedError, ReleaseError
from ci.plan.plan import Plan
from tests.emulated.conftest import Account
from tests.emulated.releasing import (
    PROD,
    TEST,
    Edition,
    aliases,
    attempt,
    connect,
    edition,
    silent,
    to_deploy,
    to_promote,
)
from tests.emulated.strict import Call, Strict

NAMES = ("alpha", "beta", "gamma", "delta")


@pytest.fixture(scope="module")
def editions(tmp_path_factory: pytest.TempPathFactory) -> list[Edition]:
    """Numbers 0 to 3, each with all of the functions and code of its own."""
    folder = tmp_path_factory.mktemp("packages")
    return [edition(number, folder, NAMES) for number in range(4)]


def jitter(seed: int) -> Callable[[Call], None]:
    """For ``Strict.before``: calls arrive in another order, the same for the same seed as far as threads are."""
    generator = random.Random(seed)
    return lambda call: time.sleep(generator.random() * 0.02)


def race(account: Account, *plans: Plan) -> list[Any]:
    """The errors (None: it won) of carrying out the plans at the same time."""
    with ThreadPoolExecutor(len(plans)) as pool:
        return list(pool.map(lambda plan: attempt(lambda: apply(plan, connect(account), silent)), plans))


def code(account: Account, stage: str, names: tuple[str, ...] = NAMES) -> dict[str, str]:
    """Function -> CodeSha256 of what its alias runs."""
    client = account.client("lambda")
    return {
        name: client.get_function_configuration(FunctionName=name, Qualifier=stage)["CodeSha256"] for name in names
    }


def wanted(edition: Edition) -> dict[str, str]:
    return {name: package.code_sha256 for name, package in edition.packages.items()}


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("other", [2, 3], ids=["of the same code", "of other code"])
def test_of_two_deploys_one_wins(
    seed: int, other: int, strict: Strict, through: Account, editions: list[Edition]
) -> None:
    """Both planned against the same state, and begun at the same time: the stage is whole, and the winner's."""
    aws = connect(through)
    apply(to_deploy(aws, editions[1]), aws, silent)
    rivals = (editions[2], replace(editions[other], run="another"))
    plans = [to_deploy(connect(through), rival) for rival in rivals]
    strict.before = jitter(seed)
    errors = race(through, *plans)
    assert 1 == errors.count(None), errors
    loser = next(error for error in errors if error)
    assert "live moved under the plan" in loser.message
    assert "plan again" in loser.hint
    assert wanted(rivals[errors.index(None)]) == code(through, "test")


def test_of_two_first_deploys_one_wins(strict: Strict, through: Account, editions: list[Edition]) -> None:
    """Functions that neither found there."""
    plans = [to_deploy(connect(through), editions[number]) for number in (1, 2)]
    strict.before = jitter(0)
    errors = race(through, *plans)
    assert 1 == errors.count(None), errors
    assert wanted(editions[1 + errors.index(None)]) == code(through, "test")


@pytest.mark.parametrize("seed", range(2))
def test_a_deploy_does_not_disturb_a_promotion(
    seed: int, strict: Strict, through: Account, editions: list[Edition]
) -> None:
    """Both land: prod has what test ran when the promotion was planned, test what was deployed."""
    aws = connect(through)
    apply(to_deploy(aws, editions[1]), aws, silent)
    plans = to_promote(connect(through), editions[1]), to_deploy(connect(through), editions[2])
    strict.before = jitter(seed)
    assert [None, None] == race(through, *plans)
    assert wanted(editions[1]) == code(through, "prod")
    assert wanted(editions[2]) == code(through, "test")


Change = Callable[[Any], Any]

CHANGES: dict[str, tuple[str, Change]] = {
    "configuration": ("deploy", lambda client: client.update_function_configuration(FunctionName="beta", Timeout=9)),
    "alias moved": (
        "deploy", lambda client: client.update_alias(FunctionName="beta", Name="test", FunctionVersion="1")
    ),
    "alias deleted": ("deploy", lambda client: client.delete_alias(FunctionName="beta", Name="test")),
    "function deleted": ("deploy", lambda client: client.delete_function(FunctionName="beta")),
    "alias moved, promoting": (
        "promote", lambda client: client.update_alias(FunctionName="beta", Name="prod", FunctionVersion="2")
    ),
    "alias made, promoting": (
        "promote", lambda client: client.create_alias(FunctionName="delta", Name="prod", FunctionVersion="1")
    ),
    "function deleted, promoting": ("promote", lambda client: client.delete_function(FunctionName="beta")),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_between_plan_and_apply_is_noticed(
    change: str, strict: Strict, through: Account, editions: list[Edition], tmp_path: Any
) -> None:
    """Whatever somebody does by hand meanwhile: the release says so, and every other alias is where it was."""
    verb, by_hand = CHANGES[change]
    aws, client = connect(through), through.client("lambda")
    apply(to_deploy(aws, editions[1]), aws, silent)
    if verb == "promote":
        three = edition(1, tmp_path, NAMES[:3])
        apply(to_promote(aws, three), aws, silent)
        apply(to_deploy(aws, editions[2]), aws, silent)
    stage = TEST if verb == "deploy" else PROD
    plan = to_deploy(aws, editions[3]) if verb == "deploy" else to_promote(aws, editions[2])
    before = aliases(through, stage, NAMES)
    time.sleep(strict.settle)
    by_hand(client)
    theirs = aliases(through, stage, NAMES)
    error = attempt(lambda: apply(plan, connect(through), silent))
    assert isinstance(error, (MovedError, ReleaseError))
    assert "live moved under the plan" in error.message
    assert "beta" in error.message or "delta" in error.message
    after = aliases(through, stage, NAMES)
    assert theirs == after
    assert {name: alias for name, alias in before.items() if name != "beta"} == {
        name: alias for name, alias in after.items() if name != "beta" and name in before
    }


def test_an_alias_moved_by_hand_after_ours_is_left_alone(
    strict: Strict, through: Account, editions: list[Edition]
) -> None:
    """A release that goes back takes back its own moves only."""
    aws, client = connect(through), through.client("lambda")
    apply(to_deploy(aws, editions[1]), aws, silent)
    apply(to_deploy(aws, editions[2]), aws, silent)
    plan = to_deploy(aws, editions[3])

    def meddle(call: Call) -> None:
        """When ``gamma`` is about to move, ``alpha``, which has moved, is moved again; and ``gamma``, too."""
        if (call.operation, call.function) == ("UpdateAlias", "gamma") and strict.before is not nothing:
            strict.before = nothing
            client.update_alias(FunctionName="alpha", Name="test", FunctionVersion="1")
            client.update_alias(FunctionName="gamma", Name="test", FunctionVersion="1")

    def nothing(call: Call) -> None:
        pass

    strict.before = meddle
    error = attempt(lambda: apply(plan, connect(through), silent))
    assert isinstance(error, DollopError)
    after = {name: version for name, (version, *_) in aliases(through, TEST, NAMES).items()}
    assert {"alpha": "1", "beta": "2", "gamma": "1", "delta": "2"} == after
