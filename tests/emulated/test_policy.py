"""IAM enforced: each role does its whole job and is refused everything else.

MiniStack with AUTH=true checks signatures and the policies of an assumed role. Where it differs from AWS:
it checks CreateFunction against ``*`` (AWS: the function), a call with a qualifier against the unqualified
function (AWS: the qualified ARN), and UpdateAlias and DeleteAlias as if they were ListAliases. What it cannot
show of those is read off the policies in tests/unit/test_policy.py.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from ci import config, local, policy
from ci.attachments import resources
from ci.model import Canary, Function, Packaging, Pipeline, Site, Smoke, Stage
from ci.policy.statement import Document
from tests.emulated import command
from tests.emulated.conftest import PIPELINE, Project
from tests.emulated.enforcing import enforcing
from tests.emulated.test_attachments import AROUND

ACCOUNT = "000000000000"
REGION = "eu-west-1"
EXECUTION = f"arn:aws:iam::{ACCOUNT}:role/execution"
BUCKET = "packages"
Client = Any
Clients = Callable[..., Client]


def package(answer: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("echo.py", f"def handle(event, context):\n    return {answer!r}\n")
    return buffer.getvalue()


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A MiniStack that enforces IAM."""
    with enforcing(tmp_path_factory.mktemp("ministack")) as url:
        yield url


@pytest.fixture(scope="module")
def clients(endpoint: str) -> Clients:
    """Clients of the emulator; without credentials they are the account's root."""

    def client(service: str, credentials: dict[str, str] | None = None) -> Client:
        given = credentials or {"AccessKeyId": "test", "SecretAccessKey": "test"}
        session = boto3.Session(
            given["AccessKeyId"], given["SecretAccessKey"], given.get("SessionToken"), region_name=REGION
        )
        return session.client(service, endpoint_url=endpoint)  # type: ignore[call-overload]

    return client


@pytest.fixture(scope="module")
def made(clients: Clients) -> dict[str, policy.Role]:
    """The roles of a pipeline with one function, and their policies, in the emulator's IAM."""
    iam = clients("iam")
    settings = {"Role": EXECUTION}
    function = Function(
        "echo", "shop-echo", settings, {}, Path("functions/echo"), smoke=Smoke({}, {}),
        packaging=Packaging(bucket=BUCKET, layer="shop-deps"),
    )
    stages = {"test": Stage("test", "test"), "prod": Stage("prod", "prod", "test", Canary(10, 300, ("errors",)))}
    pipeline = Pipeline(Path(), "shop", REGION, stages, {"echo": function})
    roles = policy.roles(pipeline, policy.place(pipeline))
    principals = {role.name: {"AWS": f"arn:aws:iam::{ACCOUNT}:root"} for role in roles}
    for name, principal in {**principals, "execution": {"Service": "lambda.amazonaws.com"}}.items():
        statement = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
        trust = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)
    for role in roles:
        for number, document in enumerate(role.documents):
            arn = iam.create_policy(PolicyName=f"{role.name}-{number}", PolicyDocument=json.dumps(document))
            iam.attach_role_policy(RoleName=role.name, PolicyArn=arn["Policy"]["Arn"])
    return {role.name: role for role in roles}


@pytest.fixture(scope="module")
def aws(clients: Clients, made: dict[str, policy.Role]) -> Callable[[str], Client]:
    """Lambda as a role sees it. There are two functions, each with an alias: one ours, one somebody else's."""
    root = clients("lambda")
    for name in ("shop-echo", "payroll"):
        arguments = {"Runtime": "python3.13", "Handler": "echo.handle", "Role": EXECUTION}
        root.create_function(FunctionName=name, Code={"ZipFile": package("1")}, **arguments)
        root.get_waiter("function_active_v2").wait(FunctionName=name)
        root.publish_version(FunctionName=name)
        for alias in ("test", "prod"):
            root.create_alias(FunctionName=name, Name=alias, FunctionVersion="1")

    def client(role: str) -> Client:
        arn = f"arn:aws:iam::{ACCOUNT}:role/{role}"
        assumed = clients("sts").assume_role(RoleArn=arn, RoleSessionName="run-1")
        return clients("lambda", assumed["Credentials"])

    return client


CALLS: dict[str, dict[str, Any]] = {
    "get_function": {},
    "list_aliases": {},
    "list_versions_by_function": {},
    "update_function_code": {"ZipFile": package("2")},
    "update_function_configuration": {"MemorySize": 256},
    "publish_version": {},
    "put_function_concurrency": {"ReservedConcurrentExecutions": 5},
    "create_alias": {"FunctionVersion": "1"},
    "invoke": {},
    "delete_function": {},
    "add_permission": {"StatementId": "s", "Action": "lambda:InvokeFunction", "Principal": "sns.amazonaws.com"},
}
READ = {"get_function", "list_aliases", "list_versions_by_function"}
WRITE = {
    "create_alias",
    "publish_version",
    "put_function_concurrency",
    "update_function_code",
    "update_function_configuration",
}


def allowed(client: Client, function: str, role: str) -> set[str]:
    """The calls of ``CALLS`` that get past IAM; any other refusal (a conflict, say) is not about permission."""
    passed = set()
    for call, arguments in CALLS.items():
        extra = {"Name": role} if call == "create_alias" else {}
        try:
            getattr(client, call)(FunctionName=function, **arguments, **extra)
        except ClientError as error:
            if error.response["Error"]["Code"] == "AccessDeniedException":
                continue
        passed.add(call)
    return passed


@pytest.mark.parametrize(
    ("role", "expected"),
    [
        ("plan", READ),
        ("deploy-test", READ | WRITE),
        ("promote-prod", READ | {"create_alias"}),
        ("observe", READ - {"list_versions_by_function"}),
    ],
)
def test_role_does_its_job_and_no_more(aws: Callable[[str], Client], role: str, expected: set[str]) -> None:
    """Plan only reads, deploy uploads and points, promotion only points; none deletes or opens a function to others.

    (Invoking is allowed on the alias's ARN, which this emulator does not look at: it counts as refused here.)
    """
    assert expected == allowed(aws(role), "shop-echo", role)


@pytest.mark.parametrize("role", ["plan", "deploy-test", "promote-prod", "observe"])
def test_no_role_touches_a_function_of_somebody_else(aws: Callable[[str], Client], role: str) -> None:
    """A function that is not in pipeline.yaml can be neither read nor changed."""
    assert set() == allowed(aws(role), "payroll", role)


@pytest.mark.parametrize(("role", "expected"), [("deploy-test", False), ("promote-prod", True)])
def test_only_who_has_a_canary_reads_alarms(
    clients: Clients, made: dict[str, policy.Role], role: str, expected: bool
) -> None:
    """Here that is the stage prod."""
    assumed = clients("sts").assume_role(RoleArn=f"arn:aws:iam::{ACCOUNT}:role/{role}", RoleSessionName="run-1")
    alarms = clients("cloudwatch", assumed["Credentials"])
    assert expected is not _refused(lambda: alarms.describe_alarms(AlarmNames=["errors"]))


def test_only_who_uploads_stores_packages(aws: Callable[[str], Client], clients: Clients) -> None:
    """In its own folder of the bucket; what else is in there is neither read nor changed, nor is anything deleted."""
    root = clients("s3")
    root.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
    for key in ("dollop/a.zip", "other/a.zip"):
        root.put_object(Bucket=BUCKET, Key=key, Body=b"x")

    def passed(role: str, folder: str) -> set[str]:
        arn = f"arn:aws:iam::{ACCOUNT}:role/{role}"
        s3 = clients("s3", clients("sts").assume_role(RoleArn=arn, RoleSessionName="run-1")["Credentials"])
        there = {"Bucket": BUCKET, "Key": f"{folder}a.zip"}
        calls: dict[str, Callable[[], Any]] = {
            "list": lambda: s3.list_objects_v2(Bucket=BUCKET, Prefix=f"{folder}a.zip"),
            "put": lambda: s3.put_object(**there, Body=b"x", ChecksumAlgorithm="SHA256"),
            "get": lambda: s3.head_object(**there, ChecksumMode="ENABLED"),
            "put in parts": lambda: s3.abort_multipart_upload(
                **there, UploadId=s3.create_multipart_upload(**there)["UploadId"]
            ),
            "delete": lambda: s3.delete_object(**there),
        }
        return {name for name, call in calls.items() if not _refused(call)}

    assert {"list", "put", "get", "put in parts"} == passed("deploy-test", "dollop/")
    assert set() == passed("deploy-test", "other/")
    for role in ("plan", "promote-prod", "observe"):
        assert set() == passed(role, "dollop/")


def test_only_who_uploads_publishes_layers(aws: Callable[[str], Client]) -> None:
    """And of layers only the one that dependencies go into.

    (This emulator takes whatever reads a layer for ListLayers: who finds and uses one is not seen here.)
    """
    content = {"ZipFile": package("1")}

    def passed(role: str, layer: str) -> bool:
        client = aws(role)
        return not _refused(lambda: client.publish_layer_version(LayerName=layer, Content=content))

    assert passed("deploy-test", "shop-deps")
    assert not passed("deploy-test", "payroll")
    assert not any(passed(role, "shop-deps") for role in ("plan", "promote-prod", "observe"))


def _refused(call: Callable[[], Any]) -> bool:
    try:
        call()
    except ClientError as error:
        return error.response["Error"]["Code"] in ("AccessDenied", "AccessDeniedException", "403")
    return False


def as_checked(document: Document) -> dict[str, Any]:
    """``document`` as this emulator can check it: it has rules of the default bus under ``rule/default/NAME`` (AWS:
    ``rule/NAME``), their targets under ``*``, and does not know the condition ``lambda:FunctionArn``."""

    def several(statement: dict[str, Any]) -> Iterator[dict[str, Any]]:
        if statement["Sid"].startswith("WriteMappings"):
            yield {key: value for key, value in statement.items() if key != "Condition"}
        elif statement["Action"][0].startswith("events:"):
            named = [action for action in statement["Action"] if action in ("events:DeleteRule", "events:PutRule")]
            rules = [resource.replace(":rule/", ":rule/default/") for resource in statement["Resource"]]
            others = [action for action in statement["Action"] if action not in named]
            yield {**statement, "Action": others, "Resource": ["*"]}
            if named:
                yield {**statement, "Sid": "Rules", "Action": named, "Resource": rules}
        else:
            yield statement

    return {**document, "Statement": [each for statement in document["Statement"] for each in several(statement)]}


def test_roles_do_what_is_around_a_function(
    clients: Clients, made: dict[str, policy.Role], project: Project, endpoint: str
) -> None:
    """Deploy and promote through the command, each as its role: attached, changed, taken away again.

    Not with the policies of the other tests, which grant nothing of it.
    """
    sqs = clients("sqs")
    queue = sqs.create_queue(QueueName="orders")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    said = PIPELINE.format(runtime=local.runtime(), architecture=local.architecture()).replace("123456789012", ACCOUNT)
    said = f"region: {REGION}\n{said.replace('role/lambda', 'role/execution')}"
    # Without provisioned concurrency, whose call the emulator takes for UpdateFunctionCode.
    around = AROUND.partition("    stages:")[0] % arn
    project.write("pipeline.yaml", said + around)
    line = config.load(project.root / "pipeline.yaml")
    iam = clients("iam")
    for role in policy.roles(line, policy.place(line)):
        for number, document in enumerate(role.documents):
            name = f"around-{role.name}-{number}"
            made_now = iam.create_policy(PolicyName=name, PolicyDocument=json.dumps(as_checked(document)))
            iam.attach_role_policy(RoleName=role.name, PolicyArn=made_now["Policy"]["Arn"])

    def dollop(role: str, *arguments: str) -> command.Result:
        assumed = {"AccessKeyId": "test", "SecretAccessKey": "test", "SessionToken": ""}
        if role:
            name = f"arn:aws:iam::{ACCOUNT}:role/{role}"
            assumed = clients("sts").assume_role(RoleArn=name, RoleSessionName="run-2")["Credentials"]
        environment = {
            "AWS_ENDPOINT_URL": endpoint,
            "AWS_REGION": REGION,
            "AWS_ACCESS_KEY_ID": assumed["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": assumed["SecretAccessKey"],
            "AWS_SESSION_TOKEN": assumed["SessionToken"],
        }
        return command.run(*arguments, environment=environment)

    def release(said: str, *by: tuple[str, ...]) -> None:
        project.write("pipeline.yaml", said)
        for name, *arguments in by or (("deploy-test", "deploy", "test"), ("promote-prod", "promote", "prod")):
            result = dollop(name, *arguments, "audit")
            assert 0 == result.code, result.err

    release(said, ("", "deploy", "test"))  # creating is more than these policies allow here
    release(said + around)
    release(said + around.replace("rate(1 day)", "rate(2 days)").replace("batch_size: 1", "batch_size: 2"))
    ours = {resources.rule_prefix("audit", alias): alias for alias in ("test", "prod")}
    theirs = [resources.rule_prefix("payroll", "test"), resources.rule_prefix("audit", "staging"), "dollop-audit-"]
    for role, own in (("deploy-test", "test"), ("promote-prod", "prod")):
        assumed = clients("sts").assume_role(RoleArn=f"arn:aws:iam::{ACCOUNT}:role/{role}", RoleSessionName="run-3")
        events = clients("events", assumed["Credentials"])
        for begin in (*ours, *theirs):
            put = {"Name": f"{begin}hourly", "ScheduleExpression": "rate(1 hour)"}
            assert (ours.get(begin) != own) is _refused(lambda: events.put_rule(**put)), (role, begin)
            assert (ours.get(begin) != own) is _refused(lambda: events.delete_rule(Name=put["Name"])), (role, begin)
    assert "allow lambda:" in dollop("observe", "plan", "test", "audit").err
    # The emulator looks for the log group's ARN without the ":*" that AWS wants there.
    assert "allow logs:FilterLogEvents" in dollop("observe", "logs", "audit").err
    release(said)
    assert [] == clients("events").list_rules(NamePrefix="dollop-")["Rules"]
    assert [] == clients("lambda").list_event_source_mappings()["EventSourceMappings"]


def test_a_role_of_another_account(clients: Clients) -> None:
    """Whoever promotes takes it on, whoever plans takes on the one for looking only; each does its job there."""
    other = "222222222222"
    deploy, look = (f"arn:aws:iam::{other}:role/{name}" for name in ("deploy", "look"))
    own = {"echo": {"Role": f"arn:aws:iam::{other}:role/execution"}}
    stages = {
        "test": Stage("test", "test", sites=(Site(REGION),)),
        "prod": Stage("prod", "prod", "test", sites=(Site(REGION, deploy, look, own),)),
    }
    function = Function("echo", "shop-echo", {"Role": EXECUTION}, {}, Path("functions/echo"))
    pipeline = Pipeline(Path(), "shop", REGION, stages, {"echo": function})
    made = {role.name: role for role in policy.roles(pipeline, policy.place(pipeline))}
    home, there = clients("iam"), clients("iam", {"AccessKeyId": other, "SecretAccessKey": "test"})

    def create(iam: Client, name: str, of: str, **trusted: Any) -> None:
        statement = {"Effect": "Allow", "Principal": trusted, "Action": "sts:AssumeRole"}
        trust = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)
        for number, document in enumerate(made[of].documents if of else ()):
            arn = iam.create_policy(PolicyName=f"{name}-{number}", PolicyDocument=json.dumps(document))
            iam.attach_role_policy(RoleName=name, PolicyArn=arn["Policy"]["Arn"])

    ours = {name: f"arn:aws:iam::{ACCOUNT}:role/far-{name}" for name in ("plan", "promote-prod")}
    for name in ours:
        create(home, f"far-{name}", name, AWS=f"arn:aws:iam::{ACCOUNT}:root")
    create(there, "execution", "", Service="lambda.amazonaws.com")
    create(there, "deploy", "prod-there", AWS=ours["promote-prod"])
    create(there, "look", "prod-there-plan", AWS=list(ours.values()))
    root = clients("lambda", {"AccessKeyId": other, "SecretAccessKey": "test"})
    arguments = {"Runtime": "python3.13", "Handler": "echo.handle", "Role": own["echo"]["Role"]}
    root.create_function(FunctionName="shop-echo", Code={"ZipFile": package("1")}, **arguments)
    root.get_waiter("function_active_v2").wait(FunctionName="shop-echo")
    root.publish_version(FunctionName="shop-echo")

    def taken(by: str, role: str) -> Client | None:
        first = clients("sts").assume_role(RoleArn=ours[by], RoleSessionName="run-1")["Credentials"]
        try:
            second = clients("sts", first).assume_role(RoleArn=role, RoleSessionName="run-1")["Credentials"]
        except ClientError as error:
            assert "AccessDenied" == error.response["Error"]["Code"]
            return None
        return clients("lambda", second)

    assert READ | WRITE == allowed(taken("promote-prod", deploy), "shop-echo", "prod")
    assert READ == allowed(taken("plan", look), "shop-echo", "prod")
    assert taken("plan", deploy) is None
