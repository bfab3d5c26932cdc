"""dollop doctor on a project with everything wrong, then its own fixes carried out one after the other."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest

from tests.e2e.runner import PIPELINE
from tests.e2e.wire import listening
from tests.emulated.command import Result, run
from tests.emulated.enforcing import enforcing

ACCOUNT = "000000000000"
ROOT = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
PINNED = "    - uses: actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1\n"
UNPINNED = "    - uses: actions/checkout@v7\n"


@dataclass(frozen=True)
class Operator:
    """Somebody with a project, keys of AWS and a token of GitHub."""

    folder: Path
    environment: Mapping[str, str]

    def dollop(self, *words: str, **more: str) -> Result:
        return run("-C", str(self.folder), *words, environment={**self.environment, **more})

    def iam(self) -> Any:
        """As the account's root."""
        session = boto3.Session(**ROOT, region_name="eu-west-1")
        return session.client("iam", endpoint_url=self.environment["AWS_ENDPOINT_URL"])


@pytest.fixture
def operator(tmp_path: Path) -> Iterator[Operator]:
    """The project has something wrong everywhere, and the keys may do nothing."""
    (tmp_path / "functions/echo").mkdir(parents=True)
    (tmp_path / "functions/echo/echo.py").write_text("def handle(event, context):\n    return 1\n")
    line = PIPELINE.replace("123456789012", ACCOUNT).replace("python3.13", "python3.9")
    (tmp_path / "pipeline.yaml").write_text(line)
    (tmp_path / ".github/workflows").mkdir(parents=True)
    (tmp_path / ".github/workflows/own.yml").write_text(UNPINNED)
    (tmp_path / "ci").mkdir()
    (tmp_path / "ci/schema.json").write_text("{}")
    with enforcing(tmp_path) as aws, listening() as github:
        addresses = {"AWS_ENDPOINT_URL": aws, "GITHUB_API_URL": github, "GITHUB_TOKEN": "token"}
        iam = Operator(tmp_path, addresses).iam()
        iam.create_user(UserName="operator")
        key = iam.create_access_key(UserName="operator")["AccessKey"]
        keys = {"AWS_ACCESS_KEY_ID": key["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"]}
        yield Operator(tmp_path, {**addresses, **keys})


def findings(result: Result) -> dict[str, str]:
    """What is wrong -> its fix."""
    lines = [re.sub(r"\x1b\[\d*m", "", line).strip() for line in result.err.splitlines()]
    found = [number for number, line in enumerate(lines) if line.startswith("⨯ ")]
    return {lines[number].removeprefix("⨯ "): lines[number + 1] for number in found}


def test_every_finding_is_mended_by_its_fix(operator: Operator) -> None:
    """Ten things are wrong. Each fix is done as it is written; then there is nothing to mend."""
    doctor = ("doctor", "--repository", "octo/shop")
    before = operator.dollop(*doctor)
    assert (1, "") == (before.code, before.out)
    found = findings(before)
    setup = "dollop setup github --repository octo/shop --reviewer LOGIN"
    roles = f"{setup} $(dollop setup aws --repository octo/shop --deploy)"
    (denied,) = [what for what in found if what.startswith("echo: GetFunction: ")]
    assert "allow lambda:GetFunction: dollop policy prints the statement" == found.pop(denied)
    pin = ".github/workflows/own.yml:1: actions/checkout@v7 is not pinned by its commit"
    line = f"{operator.folder}/pipeline.yaml:10"
    login = "has neither the variable AWS_ROLE nor the secret AWS_ACCESS_KEY_ID"
    assert {
        pin: "name the full commit behind the @",
        "ci/schema.json is not current": "dollop schema > ci/schema.json",
        f"{line}: echo: python3.9 is deprecated since 2025-12-15": "set a newer runtime and build again",
        "GitHub has no environment test: every branch gets its AWS role": setup,
        "GitHub has no environment prod: every branch gets its AWS role": setup,
        f"the repository {login}": roles,
        f"the environment test {login}": roles,
        f"the environment prod {login}": roles,
        "nothing requires the check 'Pull request' before master changes": setup,
    } == found

    (operator.folder / ".github/workflows/own.yml").write_text(PINNED)
    (operator.folder / "ci/schema.json").write_text(operator.dollop("schema").out)
    file = operator.folder / "pipeline.yaml"
    file.write_text(file.read_text().replace("python3.9", "python3.13"))
    iam = operator.iam()
    (document,) = json.loads(operator.dollop("policy", "plan").out)
    iam.put_user_policy(UserName="operator", PolicyName="plan", PolicyDocument=json.dumps(document))
    iam.create_open_id_connect_provider(Url="https://token.actions.githubusercontent.com")
    root = {key.upper(): value for key, value in ROOT.items()}
    deployed = operator.dollop("setup", "aws", "--repository", "octo/shop", "--deploy", **root)
    assert 0 == deployed.code, deployed.err
    words = shlex.split(setup.replace("LOGIN", "octocat"))[1:]
    done = operator.dollop(*words, *shlex.split(deployed.out))
    assert 0 == done.code, done.err

    after = operator.dollop(*doctor)
    assert (0, "nothing to mend\n") == (after.code, after.out), after.err


@pytest.fixture
def stranger(tmp_path: Path) -> Operator:
    """Somebody with neither keys nor a token."""
    (tmp_path / "pipeline.yaml").write_text(PIPELINE)
    (tmp_path / "functions/echo").mkdir(parents=True)
    (tmp_path / "functions/echo/echo.py").write_text("def handle(event, context):\n    return 1\n")
    return Operator(tmp_path, {})


def test_credentials_that_are_missing(stranger: Operator) -> None:
    """They are a finding like any other."""
    (found,) = findings(stranger.dollop("doctor")).items()
    assert found[0].startswith("no AWS credentials found") and "set AWS_PROFILE" in found[1]


def test_token_that_is_missing(stranger: Operator) -> None:
    """It is said how to get one, and nothing is called."""
    done = stranger.dollop("doctor", "--repository", "octo/shop")
    assert 2 == done.code
    assert "GITHUB_TOKEN is not set" in done.err and "gh auth token" in done.err
