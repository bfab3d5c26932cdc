"""MiniStack and moto over HTTP, and a repository to deploy from.

Every test has an AWS account of its own (to MiniStack an access key of twelve digits is an account) and leaves
nothing running. Where MiniStack 1.5.33, as seen on the wire, differs from AWS, as its API reference has it:

| call or field | AWS | MiniStack |
|---|---|---|
| GetFunction of an alias: FunctionArn | ends in the alias | ends in the version (Version is right in both) |
| GetFunction of an alias or version | tells neither Tags nor Concurrency | tells both |
| GetFunction of a version: Code.Location | that version's zip | always the zip of $LATEST: CodeSha256 tells |
| PublishVersion, wrong CodeSha256 or RevisionId | refused | ignored |
| PublishVersion while InProgress | ResourceConflictException | publishes a version that is Pending |
| PublishVersion after equal bytes were updated | the existing version | a new one (the existing one without update) |
| an update while InProgress | ResourceConflictException | accepted |
| UpdateFunctionCode, DryRun | changes nothing | changes the code |
| an update in progress | LastUpdateStatus says so | State is Pending as well; both for about 0.5 s |
| a new version | may be Pending at first | Active at once; with SnapStart after 0.2 s |
| CreateAlias, UpdateAlias to a missing version | refused | accepted |
| a role that does not exist, or is no ARN | refused | accepted |
| runtime python9.9, 5 KB of environment | refused | accepted |
| reserved concurrency above the account's | refused | accepted |
| LoggingConfig.LogGroup | always told | told only where LoggingConfig was never set |
| what a function runs in | its runtime alone | the server's Python with all packages of its environment |

As AWS: RevisionId on UpdateFunctionCode, UpdateFunctionConfiguration and UpdateAlias (PreconditionFailedException);
an aliased version cannot be deleted; Environment {} or {Variables: {}}, empty VpcConfig lists, an empty TargetArn,
KMSKeyArn and Description clear; Environment and DeadLetterConfig are missing from an answer until they were set once;
Concurrency, Tags, EphemeralStorage, SnapStart, TracingConfig and LoggingConfig are in GetFunction's answer;
publishing leaves the RevisionId of $LATEST; an invocation through an alias has the alias in its ARN; everything is
still there, code and versions too, after a clean stop and a start.
"""

from __future__ import annotations

import functools
import http.client
import itertools
import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

from ci import aws as _aws
from ci import local
from tests.emulated import embedded
from tests.emulated.strict import Strict

REGION = "eu-west-1"


@dataclass(frozen=True)
class Account:
    """An AWS account on an emulator, empty at first."""

    id: str
    url: str

    @property
    def role(self) -> str:
        """A role that Lambda may assume."""
        return f"arn:aws:iam::{self.id}:role/lambda"

    @property
    def credentials(self) -> Mapping[str, str]:
        """As boto3.Session takes them."""
        return {"aws_access_key_id": self.id, "aws_secret_access_key": "test"}

    @property
    def environment(self) -> Mapping[str, str]:
        """What makes the ordinary credential chain end here."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_REGION": REGION,
            "AWS_ACCESS_KEY_ID": self.id,
            "AWS_SECRET_ACCESS_KEY": "test",
        }

    def client(self, service: str, region: str = REGION) -> Any:
        """A plain boto3 client, to look from outside. It retries nothing."""
        return _client(self, service, region)

    def connect(self) -> _aws.Aws:
        """The product's own way in."""
        return _aws.connect(REGION, endpoint=self.url, credentials=self.credentials)


@functools.lru_cache(maxsize=32)
def _client(account: Account, service: str, region: str) -> Any:
    return boto3.client(
        service, endpoint_url=account.url, region_name=region, config=Config(retries={"total_max_attempts": 1}),
        aws_access_key_id=account.id, aws_secret_access_key="test",
    )


@dataclass(frozen=True)
class Project:
    """A git repository with pipeline.yaml and functions, its own working folder."""

    root: Path

    def write(self, path: str, text: str) -> None:
        """A file of the working tree."""
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")

    def commit(self, message: str = "change") -> str:
        """Everything in the working tree. Gives the commit."""
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", message)
        return self.git("rev-parse", "HEAD").strip()

    def git(self, *arguments: str) -> str:
        """What git prints, without this machine's configuration of it."""
        identity = {f"GIT_{who}_{what}": f"test@{who}.invalid".lower() for who in ("AUTHOR", "COMMITTER")
                    for what in ("NAME", "EMAIL")}
        nobody = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull, **identity}
        return subprocess.run(
            ("git", *arguments), cwd=self.root, env=os.environ | nobody, check=True, text=True, capture_output=True
        ).stdout


@pytest.fixture(scope="session")
def ministack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[local.Endpoint]:
    """One for all tests of a run."""
    with embedded.running(tmp_path_factory.mktemp("ministack")) as endpoint:
        yield endpoint


@pytest.fixture(scope="session")
def account_ids() -> Iterator[str]:
    return (f"{number:012}" for number in itertools.count(111_111_111_111))


@pytest.fixture
def account(ministack: local.Endpoint, account_ids: Iterator[str]) -> Iterator[Account]:
    """An account on MiniStack that no other test has. The processes of its functions end with the test."""
    yield Account(next(account_ids), ministack.url)
    post(ministack.port, "/_ministack/reset")


@pytest.fixture
def aws(account: Account) -> _aws.Aws:
    """The product's connection to ``account``."""
    return account.connect()


@pytest.fixture
def strict(account: Account, ministack: local.Endpoint) -> Iterator[Strict]:
    """``account``'s way to MiniStack through what AWS is strict about; faults can be scripted there."""
    with Strict(ministack.port).running() as proxy:
        yield proxy


@pytest.fixture
def through(account: Account, strict: Strict) -> Account:
    """``account``, reached through ``strict``."""
    return Account(account.id, strict.url)


@pytest.fixture(scope="session")
def moto_port() -> Iterator[int]:
    """moto as a server in this process, for all tests of a run."""
    with embedded.moto() as port:
        yield port


@pytest.fixture
def servers(ministack: local.Endpoint, moto_port: int) -> embedded.Servers:
    """Both, for what a release may need."""
    return embedded.Servers(ministack.port, moto_port)


@pytest.fixture
def moto(moto_port: int) -> Iterator[Account]:
    """The account that moto has, empty but for the role. No function runs there, none is ever Pending."""
    account = Account("123456789012", f"http://127.0.0.1:{moto_port}")
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    account.client("iam").create_role(RoleName="lambda", AssumeRolePolicyDocument=policy)
    yield account
    post(moto_port, "/moto-api/reset")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """Two functions, ``echo`` with code of a shared folder and ``audit``, that answer what they run as; committed.

    Their runtime is this Python's, which is the one that MiniStack runs them in.
    """
    made = Project(tmp_path / "project")
    made.write("pipeline.yaml", PIPELINE.format(runtime=local.runtime(), architecture=local.architecture()))
    made.write(".gitignore", ".dollop/\n")
    made.write("functions/shared/greeting.py", GREETING)
    made.write("functions/echo/echo.py", ECHO)
    made.write("functions/audit/audit.py", AUDIT)
    made.git("init", "--quiet", "--initial-branch", "master")
    made.commit("first")
    monkeypatch.chdir(made.root)
    return made


def post(port: int, path: str) -> None:
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=30)) as connection:
        connection.request("POST", path)
        assert 200 == connection.getresponse().status


PIPELINE = """\
project: demo
stages:
  test: {{alias: test}}
  prod: {{alias: prod, from: test}}
defaults:
  runtime: {runtime}
  architecture: {architecture}
  role: arn:aws:iam::123456789012:role/lambda
functions:
  echo:
    handler: echo.handle
    include: [functions/shared]
    environment: {{GREETING: Guten tag}}
    smoke: {{event: {{name: robert}}, expect: {{message: Guten tag robert!}}}}
  audit:
    handler: audit.handle
"""

GREETING = """\
import os


def greet(name):
    return f"{os.environ['GREETING']} {name}!"
"""

ECHO = """\
from shared.greeting import greet


def handle(event, context):
    return {"message": greet(event["name"]), "arn": context.invoked_function_arn}
"""

AUDIT = """\
def handle(event, context):
    return {"seen": event, "arn": context.invoked_function_arn}
"""
