"""No way of showing a value shows a secret: planted ones are looked for in everything that can be printed."""

from __future__ import annotations

import base64
import dataclasses
import json
import pprint
import traceback
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import assume, given as for_all, settings, strategies as st

from ci.config.template import Template
from ci.model import Secret
from ci.plan import deploy
from ci.plan.plan import Plan
from ci.render import data, text
from tests.unit import given
from tests.unit.given import REGION, TEST, found, function, package, version

PLANTED = st.text(st.characters(min_codepoint=33, max_codepoint=0x2FF), min_size=12, max_size=40)


def forms(secret: str) -> set[str]:
    """The secret as text, and as it is when it was encoded."""
    return {
        secret,
        repr(secret)[1:-1],
        json.dumps(secret)[1:-1],
        quote(secret),
        base64.b64encode(secret.encode()).decode().rstrip("="),
        secret.encode().hex(),
    }


def plans(planted: str) -> list[Plan]:
    """One that creates and one that changes, with the secret wherever one can be."""
    wanted = function(
        environment={"TOKEN": planted},
        KMSKeyArn=Secret(planted),
        Layers=[Secret(planted)],
        VpcConfig={"SubnetIds": [Secret(planted)], "SecurityGroupIds": []},
        Description=Secret(planted),
    )
    before = version("7", environment={"TOKEN": "old" + planted, "GONE": planted})
    lives = given.live({"echo": None}), given.live({"echo": found(before)})
    return [deploy.deploy(TEST, REGION, [wanted], {"echo": package()}, live, given.origin()) for live in lives]


@settings(max_examples=settings().max_examples // 4)
@for_all(PLANTED)
def test_no_rendering_shows_a_secret(planted: str) -> None:
    """Of a plan: as text, as JSON, as repr, as whatever pprint and dataclasses make of it."""
    assume(not any(form in everything(plan) for plan in plans("harmless") for form in forms(planted)))
    for plan in plans(planted):
        shown = everything(plan)
        assert [] == [form for form in forms(planted) if form in shown]


def everything(plan: Plan) -> str:
    parts: list[Any] = [
        text.plan(plan),
        data.to_json(data.plan(plan)),
        plan.release,
        repr(plan),
        str(plan),
        f"{plan}",
        pprint.pformat(plan),
        pprint.pformat(dataclasses.asdict(plan)),
        json.dumps(dataclasses.asdict(plan), default=str),
    ]
    return "\n".join(parts)


@for_all(PLANTED)
def test_no_way_of_showing_shows_a_secret(planted: str) -> None:
    """By itself, in a container, in an f-string, in an error and its traceback with the locals."""
    secret, template = Secret(planted), Template(planted, 1)
    assert {"***"} == {str(secret), repr(secret), f"{secret}", f"{secret!r}", "%s" % secret, "{}".format(secret)}
    assert {"***"} == {str(template), repr(template), f"{template}"}
    try:
        raise ValueError(secret, {"a": [template]})
    except ValueError as error:
        del planted
        told = "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())
    assert secret.reveal() not in told.replace("***", "")


@pytest.mark.parametrize("use", [json.dumps, lambda secret: f"{secret:>10}", lambda secret: secret + "a", int])
def test_misuse_fails_without_the_value(use: Any) -> None:
    """What cannot take a secret says so without it."""
    with pytest.raises(TypeError) as error:
        use(Secret("a-planted-value"))
    assert "a-planted-value" not in str(error.value)


def test_a_template_is_never_sent() -> None:
    """What is not filled in has no value, and the refusal does not quote it."""
    with pytest.raises(TypeError) as error:
        Template("${env:TOKEN}", 1).reveal()
    assert "TOKEN" not in str(error.value)


def test_secrets_are_values() -> None:
    """Equal when what they hold is; not equal to that itself."""
    assert Secret("a") == Secret("a")
    assert Secret("a") != Secret("b")
    assert "a" != Secret("a")
    assert 1 == len({Secret("a"), Secret("a")})
