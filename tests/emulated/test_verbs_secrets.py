"""No verb prints, logs or writes a secret: environment values, ``${env:}``, ``${ssm:}``; in no encoding."""

from __future__ import annotations

import base64
import json
import logging
from collections.abc import Callable, Iterator
from urllib.parse import quote

import pytest

from tests.emulated import command
from tests.emulated.conftest import Account, Project
from tests.emulated.strict import Strict

PLAIN, FROM_ENV, FROM_SSM = 'plain"secret+1', "from-env/secret 2", "from-ssm:secret&3"
Dollop = Callable[..., command.Result]


@pytest.fixture
def dollop(through: Account, project: Project) -> Dollop:
    """The command, in ``project``; ``audit`` has three secrets, the third of them in the Parameter Store."""
    through.client("ssm").put_parameter(Name="/secret", Value=FROM_SSM, Type="SecureString")
    text = (project.root / "pipeline.yaml").read_text()
    variables = f"{{AA: {json.dumps(PLAIN)}, BB: '${{env:THE_SECRET}}', CC: 'x-${{ssm:/secret}}'}}"
    project.write("pipeline.yaml", text.replace("audit.handle", f"audit.handle\n    environment: {variables}"))
    environment = {**through.environment, "THE_SECRET": FROM_ENV}
    return lambda *arguments: command.run(*arguments, environment=environment)


def forms() -> Iterator[str]:
    """Each secret as it is, quoted for JSON and for an address, in base64 at any offset, in hex."""
    for secret in (PLAIN, FROM_ENV, FROM_SSM):
        yield from (secret, json.dumps(secret)[1:-1], quote(secret), quote(secret, safe=""), secret.encode().hex())
        for offset in range(3):
            encoded = base64.b64encode(b"x" * offset + secret.encode()).decode()
            yield encoded[4 * bool(offset):-4]


def check(text: str) -> None:
    assert [] == [form for form in forms() if form in text]


def test_no_verb_shows_a_secret(
    dollop: Dollop, project: Project, account: Account, caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever is printed, to stdout and stderr, and every file that is written, on the whole way."""
    shown = []
    for arguments in (
        ("build",), ("plan", "test"), ("plan", "test", "--json"), ("plan", "test", "--out", "plan.json"),
        ("deploy", "test", "--record", "release.json"), ("status",), ("status", "--json"), ("status", "--versions"),
        ("build", "--sbom", "--licences"), ("build", "--verify"), ("build", "--verify", "--json"), ("report",),
        ("report", "--html"),
        ("promote", "prod", "--json"), ("invoke", "audit", "--event", "{}"), ("policy",), ("drift",),
        ("rollback", "test"), ("prune", "--retain", "1"), ("redeploy", "test"), ("delete", "audit", "--force"),
    ):
        result = dollop(*arguments)
        assert result.code in (0, 1, 10), (arguments, result.err)
        shown += [result.out, result.err]
    check("\n".join(shown))
    written = [path for path in project.root.rglob("*") if path.is_file() and ".git" not in path.parts]
    for path in written:
        if path.name != "pipeline.yaml":
            check(path.read_bytes().decode("latin-1"))


def test_a_change_of_a_secret_is_told_without_it(dollop: Dollop, project: Project, account: Account) -> None:
    """``AA: changed``, whoever changed it."""
    assert 0 == dollop("deploy", "test").code
    text = (project.root / "pipeline.yaml").read_text()
    project.write("pipeline.yaml", text.replace("plain", "other"))
    by_hand = {"Variables": {"AA": "by hand", "BB": FROM_ENV, "CC": f"x-{FROM_SSM}"}}
    account.client("lambda").update_function_configuration(FunctionName="audit", Environment=by_hand)
    result = dollop("plan", "test")
    assert "AA: changed" in result.out
    check(result.out + result.err)
    assert "by hand" not in result.out.replace("by hand:", "")


@pytest.mark.parametrize("value", [PLAIN, FROM_ENV, f"x-{FROM_SSM}"])
def test_what_aws_repeats_in_a_refusal_is_not_repeated(
    value: str, dollop: Dollop, strict: Strict, caplog: pytest.LogCaptureFixture
) -> None:
    """AWS says which value it does not like; the message says all but that."""
    text = f"1 validation error detected: Value '{value}' at 'environment' failed to satisfy constraint"
    strict.refusals["CreateFunction"] = (400, "ValidationException", text)
    with caplog.at_level(logging.WARNING):
        result = dollop("deploy", "test", "audit")
    assert 1 == result.code
    assert "failed to satisfy constraint (ValidationException)" in result.err
    check(result.out + result.err + caplog.text)
