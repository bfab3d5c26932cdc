"""What another tool deployed is adopted: the plan right after the import is empty.

What its zip holds was read whole and is what would be built, though another tool compressed it.

The example projects are in each tool's documented format (its reader names the pages), and are put on MiniStack with
the calls that the tool makes, from a zip as it makes one.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ci import local
from tests.emulated import command
from tests.emulated.conftest import REGION, Account

Dollop = Callable[..., command.Result]
ROLE = "arn:aws:iam::123456789012:role/lambda"
CODE = "def handle(event, context):\n    return event\n"


@pytest.fixture
def dollop(account: Account, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Dollop:
    """The command, in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return lambda *arguments: command.run(*arguments, environment=account.environment)


def write(path: str, content: Any) -> None:
    file = Path(path)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(content if isinstance(content, str) else json.dumps(content, indent=2))


def zipped(**files: str) -> bytes:
    """With times and modes as they come."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as archive:
        for name, text in files.items():
            entry = zipfile.ZipInfo(f"{name}.py", (2026, 1, 31, 9, 0, 0))
            entry.external_attr = 0o100664 << 16
            archive.writestr(entry, text)
    return stream.getvalue()


def deploy(account: Account, name: str, alias: str, code: bytes, **settings: Any) -> None:
    """As Apex, lambroll and CloudFormation do: create, publish, point the alias."""
    client = account.client("lambda")
    client.create_function(FunctionName=name, Code={"ZipFile": code}, **settings)
    client.get_waiter("function_active_v2").wait(FunctionName=name)
    version = client.publish_version(FunctionName=name)["Version"]
    client.create_alias(FunctionName=name, Name=alias, FunctionVersion=version)


def adopted(result: command.Result, count: int) -> None:
    """Nothing is to be done, and nothing differs."""
    assert 0 == result.code, result.out + result.err
    functions = json.loads(result.out)["functions"]
    assert count == len(functions)
    assert [] == [action["call"] for function in functions for action in function["actions"]]
    assert [] == [change for function in functions for change in (*function["changes"], *function["drift"])]
    assert [None] * count == [function["code"] for function in functions]


def test_an_apex_project_that_is_live_is_adopted(dollop: Dollop, account: Account) -> None:
    """With what Apex filled in by itself: names, two variables, defaults. What cannot come is said."""
    dead = queue(account)
    write("project.json", {
        "name": "shop", "runtime": local.runtime(), "role": ROLE, "memory": 256, "profile": "shop",
        "handler": "main.handle", "environment": {"LEVEL": "info", "PRICE": "${5}"}, "retainedVersions": 3,
    })
    write(".apexignore", "*.md\n")
    write("functions/order/main.py", CODE)
    write("functions/order/notes.md", "ignored")
    write("functions/order/function.json", {
        "description": "Takes orders", "timeout": 9, "environment": {"LEVEL": "debug"},
        "deadletter_arn": dead, "hooks": {"deploy": "make check", "build": "touch made.py", "clean": "rm made.py"},
        "vpc": {"subnets": ["subnet-12345678"], "securityGroups": ["sg-12345678"]},
    })
    write("functions/order/function.prod.json", {"memory": 512})
    write("functions/bill/main.py", CODE)
    write("functions/page/index.js", "exports.handle = 1")
    write("functions/page/function.json", {"runtime": "nodejs"})
    common = {"Runtime": local.runtime(), "Role": ROLE, "Handler": "main.handle", "MemorySize": 256}
    for name, level, more in (
        ("order", "debug", {
            "Timeout": 9, "Description": "Takes orders",
            "DeadLetterConfig": {"TargetArn": dead},
            "VpcConfig": {"SubnetIds": ["subnet-12345678"], "SecurityGroupIds": ["sg-12345678"]},
        }),
        ("bill", "info", {"Timeout": 3}),
    ):
        variables = {
            "APEX_FUNCTION_NAME": name, "LAMBDA_FUNCTION_NAME": f"shop_{name}", "LEVEL": level, "PRICE": "${5}",
        }
        packed = zipped(main=CODE)
        if name == "order":  # Apex leaves out function.json, and only that
            packed = with_file(packed, "function.prod.json", json.dumps({"memory": 512}, indent=2))
            packed = with_file(packed, "made.py", "")
        deploy(account, f"shop_{name}", "current", packed, Environment={"Variables": variables}, **common, **more)
    imported = dollop("import", "apex")
    assert 0 == imported.code, imported.err
    text = Path("pipeline.yaml").read_text()
    for said in ("functions/page is not a Python function", "the AWS profile shop",
                 "function.prod.json. A version carries its configuration"):
        assert said in text
        assert said.split(". ")[0] in imported.err.replace("\n   ! ", " ")
    assert "retain: 3" in text
    assert 'hooks:\n      deploy: "make check"\n      build: "touch made.py"\n' in text
    adopted(dollop("plan", "current", "--json"), 2)
    assert 2 == dollop("import", "apex").code, "a file that is there is never replaced"


def queue(account: Account) -> str:
    """A dead-letter queue: MiniStack, as AWS, wants it to be there."""
    account.client("sqs").create_queue(QueueName="dead")
    return f"arn:aws:sqs:{REGION}:{account.id}:dead"


def with_file(data: bytes, name: str, content: str) -> bytes:
    stream = io.BytesIO(data)
    with zipfile.ZipFile(stream, "a") as archive:
        entry = zipfile.ZipInfo(name)
        entry.external_attr = 0o100644 << 16
        archive.writestr(entry, content)
    return stream.getvalue()


LAMBROLL = """{
  "FunctionName": "{{ must_env `ENV` }}-hello",
  "Description": "says hello",
  "Runtime": "%s",
  "Handler": "main.handle",
  "MemorySize": {{ env `MEMORY` `192` }},
  "Role": "arn:aws:iam::{{ must_env `ACCOUNT` }}:role/lambda",
  "Timeout": 7,
  "EphemeralStorage": {"Size": 1024},
  "TracingConfig": {"Mode": "Active"},
  "Tags": {"Env": "{{ must_env `ENV` }}"},
  "Environment": {"Variables": {
    "FOO": "{{ env `FOO` `fallback` }}",
    "SECRET": "{{ ssm `/hello/secret` }}",
    "PLAIN": "as ${it} is"
  }}
}
"""


def test_a_lambroll_function_that_is_live_is_adopted(
    dollop: Dollop, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its templates become ours; a name is filled in now, and so is a number."""
    for name, value in (("ENV", "dev"), ("ACCOUNT", "123456789012"), ("FOO", "bar")):
        monkeypatch.setenv(name, value)
    account.client("ssm").put_parameter(Name="/hello/secret", Value="hunter2", Type="SecureString")
    write("hello/function.json", LAMBROLL % local.runtime())
    write("hello/main.py", CODE)
    write("hello/old.zip", "ignored")
    write("hello/.lambdaignore", "# not this\n*.zip\n")
    deploy(
        account, "dev-hello", "current", zipped(main=CODE), Runtime=local.runtime(), Role=ROLE, Handler="main.handle",
        Description="says hello", MemorySize=192, Timeout=7, EphemeralStorage={"Size": 1024},
        TracingConfig={"Mode": "Active"}, Tags={"Env": "dev"},
        Environment={"Variables": {"FOO": "bar", "SECRET": "hunter2", "PLAIN": "as ${it} is"}},
    )
    imported = dollop("import", "lambroll", "hello")
    assert 0 == imported.code, imported.err
    text = Path("pipeline.yaml").read_text()
    for said in ("${env:FOO}", "${ssm:/hello/secret}", "${env:ACCOUNT}", 'lambroll took "fallback"'):
        assert said in text
    assert "hunter2" not in text + imported.err + imported.out
    adopted(dollop("plan", "--json"), 1)
    settled = Path("pipeline.yaml").read_text().replace("memory: 192", "memory: 256")
    Path("pipeline.yaml").write_text(settled)
    planned = json.loads(dollop("plan", "--json").out)["functions"][0]
    assert ["TagResource", "UpdateFunctionConfiguration", "PublishVersion", "UpdateAlias"] == [
        action["call"] for action in planned["actions"]
    ], "the code that is there is taken as it is, and so are the tags, which are remembered from now on"
    assert ["dollop"] == [*planned["actions"][0]["tags"]]
    assert 0 == dollop("deploy", "current").code
    adopted(dollop("plan", "--json"), 1)


SAM = """\
Transform: AWS::Serverless-2016-10-31
Parameters:
  Level: {Type: String, Default: info}
  Token: {Type: String, NoEcho: true}
Globals:
  Function:
    Runtime: %s
    Timeout: 10
    Environment: {Variables: {LEVEL: !Ref Level}}
Resources:
  Hello:
    Type: AWS::Serverless::Function
    Properties:
      FunctionName: !Sub "${AWS::StackName}-hello"
      CodeUri: src/
      Handler: main.handle
      Role: !GetAtt HelloRole.Arn
      AutoPublishAlias: live
      DeploymentPreference: {Type: Canary10Percent5Minutes}
      Tracing: Active
      DeadLetterQueue: {Type: SQS, TargetArn: "%s"}
      Environment: {Variables: {TOKEN: !Ref Token, DEBUG: true}}
      Tags: {Team: shop}
      FunctionUrlConfig: {AuthType: NONE}
      ProvisionedConcurrencyConfig: {ProvisionedConcurrentExecutions: 2}
      Events:
        Api: {Type: Api, Properties: {Path: /, Method: get}}
        Nightly: {Type: Schedule, Properties: {Schedule: rate(1 day)}}
        Orders: {Type: SQS, Properties: {Queue: !GetAtt Queue.Arn, BatchSize: 5}}
  HelloRole: {Type: "AWS::IAM::Role"}
"""


def test_a_sam_function_that_is_live_is_adopted(
    dollop: Dollop, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Parameters as samconfig.toml gives them; what CloudFormation alone knows has to be given, and is asked for."""
    dead = queue(account)
    write("template.yaml", SAM % (local.runtime(), dead))
    write("samconfig.toml", f"""\
version = 0.1
[default.deploy.parameters]
stack_name = "shop"
region = "{REGION}"
parameter_overrides = 'Level="debug"'
""")
    write("src/main.py", CODE)
    deploy(
        account, "shop-hello", "live", zipped(main=CODE), Runtime=local.runtime(), Role=ROLE, Handler="main.handle",
        Timeout=10, TracingConfig={"Mode": "Active"}, Tags={"Team": "shop", "lambda:createdBy": "SAM"},
        DeadLetterConfig={"TargetArn": dead},
        Environment={"Variables": {"LEVEL": "debug", "TOKEN": "hunter2", "DEBUG": "true"}},
    )
    imported = dollop("import", "sam")
    assert 0 == imported.code, imported.err
    text = Path("pipeline.yaml").read_text()
    for said in ('live: {alias: live, rollout: {canary: "10%", for: "5m"}}', "AWS::IAM::Role", "the events Api (Api).",
                 "url: {auth_type: NONE}", "provisioned_concurrency: 2", 'schedules: {Nightly: "rate(1 day)"}',
                 'events: {Orders: {event_source_arn: "<Fn::GetAtt Queue.Arn>", batch_size: 5}}',
                 "role was Fn::GetAtt HelloRole.Arn: give it as SHOP_HELLO_ROLE"):
        assert said in " ".join(line.strip().removeprefix("#").strip() for line in text.splitlines()), text
    refused = dollop("plan")
    assert 2 == refused.code
    assert "SHOP_HELLO_ROLE is not set" in refused.err
    monkeypatch.setenv("SHOP_HELLO_ROLE", ROLE)
    monkeypatch.setenv("SHOP_HELLO_TOKEN", "hunter2")
    adopted(dollop("plan", "--json"), 1)
