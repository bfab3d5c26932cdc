"""Bad input and trouble: one clear message, the right exit code, and no call that changes anything."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.emulated import command
from tests.emulated.conftest import Account, Project
from tests.emulated.strict import Fault, Strict

Dollop = Callable[..., command.Result]


@pytest.fixture
def dollop(through: Account, project: Project) -> Dollop:
    """The command, in ``project`` and with ``through``'s account."""
    return lambda *arguments, **environment: command.run(
        *arguments, environment={**through.environment, **environment}
    )


def edited(project: Project, old: str, new: str) -> None:
    text = (project.root / "pipeline.yaml").read_text()
    assert old in text
    project.write("pipeline.yaml", text.replace(old, new))


INPUT: dict[str, tuple[tuple[str, ...], tuple[str, str], str]] = {
    "an unknown stage": (("deploy", "tset"), ("", ""), r"there is no stage 'tset'.*\n.*its stages are: test, prod"),
    "an unknown function": (
        ("deploy", "test", "ehco"), ("", ""), r"no function .* matches 'ehco'\n.*echo, audit, did you mean echo\?"
    ),
    "a stage for a function": (("logs", "test"), ("", ""), r"matches 'test'\n.*echo, audit; test is a stage"),
    "an event that is a file's name": (
        ("invoke", "echo", "--event", "@e.json"), ("", ""), r"event 1 is not JSON.*\n.* < event\.json"
    ),
    "a stage that is promoted": (("deploy", "prod"), ("", ""), r"prod is promoted from test\n.*dollop promote prod"),
    "a stage that is built": (("promote", "test"), ("", ""), r"test is built, not promoted\n.*dollop deploy test"),
    "YAML that does not parse": (("plan",), ("functions:", "functions: ["), r"pipeline\.yaml:\d+: "),
    "an unknown key": (("plan",), ("handler: audit.handle", "handlr: audit.handle"), r"pipeline\.yaml:\d+: .*handlr"),
    "a folder that is not there": (
        ("plan",),
        ("handler: audit.handle", "handler: audit.handle\n    source: nowhere"),
        r"pipeline\.yaml:\d+: .*nowhere",
    ),
    "a handler that is not there": (
        ("plan",), ("handler: audit.handle", "handler: audti.handle"), r"pipeline\.yaml:\d+: .*audti"
    ),
    "no region": (("plan",), ("", ""), r"no region"),
    "a record that is none": (
        ("promote", "prod", "--release", "pipeline.yaml"), ("", ""), r"pipeline\.yaml: not a release"
    ),
    "a record that is not there": (("promote", "prod", "--release", "no.json"), ("", ""), r"'no\.json' does not exist"),
    "a plan that is not there": (("deploy", "test", "--plan", "no.json"), ("", ""), r"'no\.json' does not exist"),
    "nothing to go back to": (("rollback", "prod", "--to", ""), ("", ""), r"neither previous.*''\n.*status --versions"),
    "a branch to go back to": (("redeploy", "prod", "--what", "master"), ("", ""), r"nor a commit: 'master'"),
    "too little of a commit": (("rollback", "prod", "--to", "abcde"), ("", ""), r"nor a commit: 'abcde'\n.*7 char"),
    "a version that AWS never gives": (("rollback", "prod", "--to", "0"), ("", ""), r"nor a version.*'0'"),
    "a record that cannot be written": (("deploy", "test", "--record", "no/x.json"), ("", ""), r"cannot be written"),
}


@pytest.mark.parametrize("what", INPUT)
def test_bad_input_calls_nothing(what: str, dollop: Dollop, strict: Strict, project: Project) -> None:
    """Exit 2, and AWS has not heard of it."""
    arguments, (old, new), message = INPUT[what]
    if old:
        edited(project, old, new)
    result = dollop(*arguments, **({"AWS_REGION": ""} if what == "no region" else {}))
    assert 2 == result.code, result.err
    assert re.search(message, result.err), result.err
    assert [] == strict.calls


HOOKED = ("handler: audit.handle", "handler: audit.handle\n    hooks: {{{when}: 'echo so says the check; exit 4'}}")


@pytest.mark.parametrize("when", ["build", "deploy"])
def test_a_hook_that_fails_stops_before_any_call(when: str, dollop: Dollop, strict: Strict, project: Project) -> None:
    """Exit 1 with what the hook said, and AWS has not heard of it. A plan runs no deploy hook."""
    edited(project, HOOKED[0], HOOKED[1].format(when=when))
    result = dollop("deploy", "test")
    assert 1 == result.code
    assert "audit: so says the check" in result.err
    assert f"function audit: the {when} hook failed with exit code 4" in result.err
    assert [] == strict.calls
    assert (1 if when == "build" else 0) == dollop("plan", "test").code
    assert (1 if when == "build" else 0) == dollop("deploy", "test", "--dry-run").code


def test_no_credentials_names_the_way_out(project: Project) -> None:
    """Exit 2 and ``--local``; nothing is started instead."""
    result = command.run("plan", "test", environment={"AWS_REGION": "eu-west-1", "HOME": str(project.root)})
    assert 2 == result.code
    assert "no AWS credentials found" in result.err
    assert "--local" in result.err


SSO = "[default]\nregion = eu-west-1\nsso_account_id = 123456789012\nsso_role_name = admin\nsso_region = eu-west-1\n"
LOGGED_OUT: dict[str, tuple[str, dict[str, str], str]] = {
    "single sign-on": (f"{SSO}sso_start_url = https://x.example/start\n", {}, "aws sso login"),
    "a program that fails": ("[default]\nregion = eu-west-1\ncredential_process = false\n", {}, "log in again"),
    "a token that is not there": (
        "", {"AWS_WEB_IDENTITY_TOKEN_FILE": "/none", "AWS_ROLE_ARN": "arn:aws:iam::123456789012:role/r"}, "'/none'",
    ),
    "half of a key": ("", {"AWS_ACCESS_KEY_ID": "AKIAXXXXXXXXXXXXXXXX"}, "missing: AWS_SECRET_ACCESS_KEY"),
}


@pytest.mark.parametrize("what", LOGGED_OUT)
def test_credentials_that_are_none_any_more(what: str, project: Project, tmp_path: Path) -> None:
    """Exit 2, what is wrong and what next; no network is blamed."""
    profile, variables, expected = LOGGED_OUT[what]
    (tmp_path / "config").write_text(profile)
    environment = {"AWS_CONFIG_FILE": str(tmp_path / "config"), "AWS_REGION": "eu-west-1", "HOME": str(tmp_path)}
    result = command.run("plan", "test", environment=environment | variables)
    assert (2, True) == (result.code, expected in result.err), result.err
    assert "check the network" not in result.err


def test_an_endpoint_that_is_no_address(project: Project, account: Account) -> None:
    """Exit 2, and where it comes from."""
    result = command.run("plan", "test", environment={**account.environment, "AWS_ENDPOINT_URL": "127.0.0.1:9"})
    assert (2, True) == (result.code, "127.0.0.1:9\n     AWS_ENDPOINT_URL" in result.err), result.err


def test_an_endpoint_that_nobody_answers_at(project: Project, account: Account) -> None:
    """Exit 1, with the address and where it comes from."""
    result = command.run("plan", "test", environment={**account.environment, "AWS_ENDPOINT_URL": "http://127.0.0.1:9"})
    assert 1 == result.code
    assert "127.0.0.1:9" in result.err
    assert "AWS_ENDPOINT_URL" in result.err


REFUSALS = {
    "a role that Lambda cannot assume": (
        400, "InvalidParameterValueException", "The role defined for the function cannot be assumed by Lambda.",
        "trust policy must let lambda.amazonaws.com assume it",
    ),
    "a package that is too large": (
        413, "RequestEntityTooLargeException", "Request must be smaller than 70167211 bytes", "CreateFunction",
    ),
    "wrong credentials": (
        403, "UnrecognizedClientException", "The security token included in the request is invalid.", "credentials",
    ),
    "the account's code storage": (
        400, "CodeStorageExceededException", "Code storage limit exceeded.", "CreateFunction",
    ),
}


@pytest.mark.parametrize("what", REFUSALS)
def test_what_aws_refuses_is_said_in_its_words(what: str, dollop: Dollop, strict: Strict) -> None:
    """Exit 1: function, call, AWS's own message and code, and what to do; no alias was made."""
    status, code, text, hint = REFUSALS[what]
    strict.refusals["CreateFunction"] = (status, code, text)
    result = dollop("deploy", "test")
    assert 1 == result.code
    assert re.search(rf"(audit|echo): CreateFunction: {re.escape(text)} \({code}\)", result.err), result.err
    assert hint in result.err
    assert not any("Alias" in call.operation for call in strict.writes())


def test_access_denied_names_action_resource_and_policy(dollop: Dollop, strict: Strict) -> None:
    """What to allow, on what, and the verb that prints the statement."""
    assert 0 == dollop("deploy", "test").code
    strict.faults.append(Fault("denied", "GetFunction", "echo", 1, None))
    result = dollop("plan", "test")
    assert 1 == result.code
    assert re.search(r"allow lambda:GetFunction on arn:aws:lambda:\S+:function:\w+: dollop policy", result.err)


def test_rolling_back_what_has_no_alias(dollop: Dollop, strict: Strict) -> None:
    """A stage that was never reached: exit 1, nothing written."""
    assert 0 == dollop("deploy", "test").code
    strict.forget()
    result = dollop("rollback", "prod")
    assert 1 == result.code
    assert "prod" in result.err
    assert [] == strict.writes()


def test_rolling_back_to_a_version_that_was_pruned(dollop: Dollop, strict: Strict, project: Project) -> None:
    """The version is named; nothing moves."""
    for number in range(3):
        project.write("functions/audit/audit.py", f"def handle(event, context):\n    return {number}\n")
        assert 0 == dollop("deploy", "test", "audit").code
    assert 0 == dollop("prune", "audit", "--retain", "1").code
    strict.forget()
    result = dollop("rollback", "test", "audit", "--to", "1")
    assert 1 == result.code
    assert "audit: version 1 does not exist any more" in result.err
    assert [] == strict.writes()


def test_a_release_in_progress_is_waited_for(
    dollop: Dollop, strict: Strict, account: Account, project: Project
) -> None:
    """An update by somebody else ends first; then the release goes ahead."""
    assert 0 == dollop("deploy", "test").code
    project.write("functions/audit/audit.py", "def handle(event, context):\n    return 2\n")
    strict.settle = 1.0
    Account(account.id, strict.url).client("lambda").update_function_configuration(FunctionName="audit", Timeout=9)
    strict.settle = 0.02
    result = dollop("deploy", "test")
    assert 0 == result.code, result.err
    assert "function updated          env=test function=audit name=audit version=2" in result.err


def test_a_container_image_has_the_name(dollop: Dollop, account: Account) -> None:
    """Of another tool: AWS makes no zip's function of it, so nothing is planned that could only fail half way."""
    image = {"ImageUri": "123456789012.dkr.ecr.eu-west-1.amazonaws.com/audit:1"}
    account.client("lambda").create_function(FunctionName="audit", PackageType="Image", Code=image, Role=account.role)
    for verb in (("plan", "test"), ("deploy", "test"), ("status",)):
        result = dollop(*verb)
        assert 1 == result.code
        assert "⨯ audit: AWS has a container image by that name" in result.err
    assert ["audit"] == [each["FunctionName"] for each in account.client("lambda").list_functions()["Functions"]]
