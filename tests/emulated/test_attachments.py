"""What a function has around it, on MiniStack: answered over HTTP, filled from a queue, taken away, taken back.

Where MiniStack 1.5.33 differs from AWS: a function's statements share one set of ids over all its aliases (AWS: each
alias has a policy of its own); event source mappings change their state at once; provisioned concurrency is ready at
once; the address of a URL is reached as ``/_aws/lambda-url/ID/``; a call through it, or by an event source mapping, has
the version in its ARN (AWS: the alias).
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ci import local
from ci.attachments import resources
from tests.emulated import command
from tests.emulated.conftest import REGION, Account, Project
from tests.emulated.enforcing import DIRECT
from tests.emulated.strict import NOT_YET, Call, Fault, Strict

Dollop = Callable[..., command.Result]

PIPELINE = f"""\
project: demo
stages:
  test: {{alias: test}}
  prod: {{alias: prod, from: test}}
defaults:
  runtime: {local.runtime()}
  architecture: {local.architecture()}
  role: arn:aws:iam::123456789012:role/lambda
functions:
  echo:
    handler: echo.handle
    include: [functions/shared]
    environment: {{GREETING: Guten tag}}
  audit:
    handler: audit.handle
"""

AROUND = """\
    url: {auth_type: NONE, cors: {allow_origins: ["https://example.com"]}}
    schedules: {nightly: {schedule_expression: rate(1 day), input: {night: true}}}
    events: {orders: {event_source_arn: "%s", batch_size: 1}}
    permissions: {mail: {principal: ses.amazonaws.com}}
    log_retention: 14
    stages:
      prod: {provisioned_concurrency: 2}
"""

WRITER = """\
import pathlib


def handle(event, context):
    for record in event.get("Records", ()):
        pathlib.Path(record["body"]).write_text(context.invoked_function_arn)
    return {"statusCode": 200, "body": f"as {context.invoked_function_arn.rpartition(':')[2]}"}
"""


@pytest.fixture
def dollop(through: Account, project: Project) -> Dollop:
    """The command, in ``project``, whose audit has nothing around it yet."""
    project.write("pipeline.yaml", PIPELINE)
    project.write("functions/audit/audit.py", WRITER)
    project.commit()
    return lambda *arguments: command.run(*arguments, environment=through.environment)


@pytest.fixture
def queue(account: Account) -> str:
    """The URL of a queue."""
    return str(account.client("sqs").create_queue(QueueName="orders")["QueueUrl"])


def arn_of(queue: str, account: Account) -> str:
    answer = account.client("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])
    return str(answer["Attributes"]["QueueArn"])


@pytest.fixture
def around(dollop: Dollop, project: Project, account: Account, queue: str) -> str:
    """audit has all of it around its alias test. What pipeline.yaml says of that."""
    said = AROUND % arn_of(queue, account)
    project.write("pipeline.yaml", PIPELINE + said)
    done(dollop("deploy", "test"))
    return said


def done(result: command.Result) -> command.Result:
    assert 0 == result.code, result.err
    return result


def said_by_statements(account: Account, alias: str) -> dict[str, Any]:
    """Id -> the action of each statement of an alias's policy."""
    client = account.client("lambda")
    try:
        policy = client.get_policy(FunctionName="audit", Qualifier=alias)["Policy"]
    except client.exceptions.ResourceNotFoundException:
        return {}
    return {statement["Sid"]: statement for statement in json.loads(policy)["Statement"]}


def found(account: Account, alias: str = "test") -> dict[str, Any]:
    """What AWS has around an alias of audit, seen from outside."""
    functions, events, logs = (account.client(service) for service in ("lambda", "events", "logs"))
    mappings = functions.list_event_source_mappings(FunctionName=f"audit:{alias}")["EventSourceMappings"]
    urls = functions.list_function_url_configs(FunctionName="audit")["FunctionUrlConfigs"]
    groups = logs.describe_log_groups(logGroupNamePrefix="/aws/lambda/audit")["logGroups"]
    rules = events.list_rules(NamePrefix=resources.rule_prefix("audit", alias))["Rules"]
    return {
        "rules": {rule["Name"].rpartition("-")[2]: rule["ScheduleExpression"] for rule in rules},
        "targets": {
            target["Arn"].rpartition(":")[2]: target.get("Input")
            for rule in rules
            for target in events.list_targets_by_rule(Rule=rule["Name"])["Targets"]
        },
        "urls": len(urls),
        "batches": [mapping["BatchSize"] for mapping in mappings],
        "statements": sorted("-".join(id.split("-")[1:3]) for id in said_by_statements(account, alias)),
        "retention": [group.get("retentionInDays") for group in groups],
        "kinds": functions.list_tags(Resource=arn(account))["Tags"].get(f"dollop:{alias}", "").partition(" @")[0],
    }


def arn(account: Account) -> str:
    return f"arn:aws:lambda:{REGION}:{account.id}:function:audit"


NOTHING = {"rules": {}, "targets": {}, "urls": 0, "batches": [], "statements": [], "retention": [], "kinds": ""}
ALL = {
    "rules": {"nightly": "rate(1 day)"},
    "targets": {"test": '{"night": true}'},
    "urls": 1,
    "batches": [1],
    "statements": ["permissions-mail", "schedules-nightly", "url-address", "url-function"],
    "retention": [14],
    "kinds": "event permission retention rule url",
}


def test_all_of_it_points_at_the_alias(
    around: str, account: Account, dollop: Dollop, tmp_path: Path, queue: str
) -> None:
    """The URL answers with the alias's version, a message reaches it, the rule may call it; a second plan is empty."""
    assert ALL == found(account)
    client = account.client("lambda")
    address = client.get_function_url_config(FunctionName="audit", Qualifier="test")["FunctionUrl"]
    id = address.removeprefix("https://").partition(".")[0]
    with DIRECT.open(f"{account.url}/_aws/lambda-url/{id}/", timeout=30) as answer:
        assert b"as 1" == answer.read()
    account.client("sqs").send_message(QueueUrl=queue, MessageBody=str(tmp_path / "order"))
    deadline = time.monotonic() + 30
    while not (tmp_path / "order").exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    assert f"{arn(account)}:1" == (tmp_path / "order").read_text()
    schedule = next(each for id, each in said_by_statements(account, "test").items() if "schedules" in id)
    rule = f"arn:aws:events:{REGION}:{account.id}:rule/{resources.rule_prefix('audit', 'test')}nightly"
    assert ("events.amazonaws.com", rule) == (
        schedule["Principal"]["Service"], schedule["Condition"]["ArnLike"]["AWS:SourceArn"]
    )
    assert "nothing to do: 2 unchanged" in done(dollop("plan", "test")).out


def test_status_shows_the_url(around: str, dollop: Dollop, account: Account) -> None:
    """To people, to programs and to Terraform."""
    client = account.client("lambda")
    url = client.get_function_url_config(FunctionName="audit", Qualifier="test")["FunctionUrl"]
    assert f"\n  audit test: {url}\n" in done(dollop("status")).out
    found = json.loads(done(dollop("status", "--json")).out)["stages"]["test"]
    assert (url, None) == (found["audit"]["url"], found["echo"]["url"])
    assert f'"url" = "{url}"' in done(dollop("status", "--tfvars", "audit")).out
    assert '"url"' not in done(dollop("status", "--tfvars", "echo")).out


def test_a_promotion_brings_it_to_its_own_alias(
    around: str, dollop: Dollop, account: Account, project: Project
) -> None:
    """Each stage has its own; what is said of one stage is there alone; the log group is seen to where it is built.

    Versions of another commit than that of the checkout are said to be; a rollback leaves all of it.
    """
    plan = done(dollop("promote", "prod")).out
    assert "+ provisioned concurrency audit\n    alias: prod\n    provisioned_concurrent_executions: 2\n" in plan
    assert "log retention" not in plan
    client = account.client("lambda")
    provisioned = client.get_provisioned_concurrency_config(FunctionName="audit", Qualifier="prod")
    assert 2 == provisioned["RequestedProvisionedConcurrentExecutions"]
    assert {"prod": '{"night": true}'} == found(account, "prod")["targets"]
    assert ALL["targets"] == found(account)["targets"]
    assert "nothing to do: 2 unchanged" in done(dollop("plan", "prod")).out
    built = project.git("rev-parse", "HEAD").strip()[:7]
    project.write("functions/audit/audit.py", WRITER + "# more\n")
    project.write("pipeline.yaml", PIPELINE + around.replace("rate(1 day)", "rate(2 days)"))
    done(dollop("deploy", "test", "audit"))
    done(dollop("promote", "prod", "audit"))
    assert "  ! what is around the alias prod stays as it is: audit\n" in done(dollop("rollback", "prod", "audit")).out
    assert {"nightly": "rate(2 days)"} == found(account, "prod")["rules"]
    project.commit()
    project.write("pipeline.yaml", PIPELINE + around)
    project.commit()
    plan = done(dollop("plan", "prod", "audit")).out
    assert f"  ! audit: version 2 is of commit {built}" in plan and "what is around it is that of this checkout" in plan


def test_what_leaves_the_file_is_taken_away(around: str, dollop: Dollop, account: Account, project: Project) -> None:
    """All of it, its log group excepted; what others have attached, by whatever name, stays."""
    client, events = account.client("lambda"), account.client("events")
    theirs = account.client("sqs").create_queue(QueueName="theirs")["QueueUrl"]
    client.create_event_source_mapping(
        FunctionName="audit:test", EventSourceArn=arn_of(theirs, account), BatchSize=7
    )
    client.add_permission(FunctionName="audit", Qualifier="test", StatementId="theirs", Principal="s3.amazonaws.com",
                          Action="lambda:InvokeFunction")
    events.put_rule(Name="theirs", ScheduleExpression="rate(1 hour)")
    events.put_targets(Rule="theirs", Targets=[{"Id": "1", "Arn": f"{arn(account)}:test"}])
    project.write("pipeline.yaml", PIPELINE)
    plan = done(dollop("deploy", "test")).out
    assert "  - schedule audit\n    name: nightly\n    alias: test\n" in plan
    assert {"url", "schedule", "event", "permission", "log retention"} == {
        line.removeprefix("  - ").removesuffix(" audit") for line in plan.splitlines() if line.startswith("  - ")
    }
    assert {**NOTHING, "batches": [7], "statements": [""], "retention": [None]} == found(account)
    assert 1 == len(events.list_targets_by_rule(Rule="theirs")["Targets"])
    assert "nothing to do" in done(dollop("plan", "test")).out


@pytest.mark.parametrize("operation", ["PutTargets", "CreateEventSourceMapping"])
def test_what_fails_is_taken_back(
    operation: str, dollop: Dollop, account: Account, project: Project, strict: Strict, queue: str
) -> None:
    """Nothing stays of what was attached before; the alias is where it was; run again, it is all there."""
    done(dollop("deploy", "test"))
    project.write("functions/audit/audit.py", WRITER + "# more\n")
    project.write("pipeline.yaml", PIPELINE + AROUND % arn_of(queue, account))
    strict.refusals[operation] = (400, "InvalidParameterValueException", "no")
    result = dollop("deploy", "test")
    assert 1 == result.code
    assert f"{operation}: no" in result.err
    # The log group stays: it holds what was written meanwhile.
    assert NOTHING == {**found(account), "retention": []}
    assert "1" == account.client("lambda").get_alias(FunctionName="audit", Name="test")["FunctionVersion"]
    del strict.refusals[operation]
    done(dollop("deploy", "test"))
    assert ALL == found(account)


def test_what_was_taken_away_comes_back(
    around: str, dollop: Dollop, account: Account, project: Project, strict: Strict
) -> None:
    """To the last condition, where the last step, the mark, fails."""
    before = said_by_statements(account, "test")
    project.write("pipeline.yaml", PIPELINE)
    strict.refusals["UntagResource"] = (400, "InvalidParameterValueException", "no")
    result = dollop("deploy", "test")
    assert 1 == result.code
    for kind in ("event", "url", "permission", "target", "rule", "retention"):
        assert f"removed {kind}" in result.err
    strict.refusals.clear()
    assert ALL == found(account)
    assert before == said_by_statements(account, "test")
    project.write("pipeline.yaml", PIPELINE + around)
    assert "nothing to do" in done(dollop("plan", "test")).out


@pytest.mark.parametrize(("operation", "verb"), [("PutRule", "deploy"), ("ListRules", "plan")])
def test_a_refusal_names_the_function(
    operation: str, verb: str, dollop: Dollop, project: Project, strict: Strict
) -> None:
    """All of it, where the name of its rule has only the beginning."""
    name, schedule = "a_function_of_a_long_name", "{nightly: {schedule_expression: rate(1 day)}}"
    long = f"  {name}:\n    handler: audit.handle\n    source: functions/audit\n"
    project.write("pipeline.yaml", PIPELINE + long)
    done(dollop("deploy", "test"))
    project.write("pipeline.yaml", f"{PIPELINE}{long}    schedules: {schedule}\n")
    strict.refusals[operation] = (400, "InvalidParameterValueException", "no")
    result = dollop(verb, "test")
    assert 1 == result.code
    assert f"{name}: dollop-{name[:20]}-" in result.err and f": {operation}: no" in result.err


@pytest.mark.parametrize("operation", ["AddPermission", "CreateEventSourceMapping"])
def test_an_answer_that_is_lost_is_no_failure(
    operation: str, dollop: Dollop, account: Account, project: Project, strict: Strict, queue: str
) -> None:
    """The call took effect and is sent again: what it meets is its own."""
    project.write("pipeline.yaml", PIPELINE + AROUND % arn_of(queue, account))
    strict.faults.append(Fault("reset after", operation, "audit"))
    done(dollop("deploy", "test"))
    assert ALL == found(account)


def test_what_was_just_made_may_be_unheard_of(
    dollop: Dollop, account: Account, project: Project, strict: Strict, queue: str
) -> None:
    """One of AWS's servers says that the new function, or its alias, is not there: it is asked again, for a while."""
    smoke = "    smoke: {event: {}, expect: {statusCode: 200}}\n"
    project.write("pipeline.yaml", PIPELINE + AROUND % arn_of(queue, account) + smoke)
    told = ("PublishVersion", "CreateAlias", "Invoke", "TagResource", "AddPermission", "CreateFunctionUrlConfig")
    for operation in (*told, "CreateEventSourceMapping", "PutTargets"):
        strict.faults.append(Fault(NOT_YET, operation, "audit"))
    strict.faults.append(Fault(NOT_YET, "GetFunction", "audit", nth=2, times=2))  # the first is that of the plan
    done(dollop("deploy", "test", "audit"))
    assert ALL == found(account)


def test_a_mapping_in_use_is_waited_for(
    around: str, dollop: Dollop, account: Account, project: Project, strict: Strict
) -> None:
    """AWS takes its time to change one, and refuses another change meanwhile."""
    deletions = []

    def arrives(call: Call) -> None:
        if call.operation == "DeleteEventSourceMapping":
            deletions.append(call)
            if len(deletions) == 2:
                strict.refusals.clear()

    strict.before = arrives
    strict.refusals["DeleteEventSourceMapping"] = (400, "ResourceInUseException", "Cannot update the mapping")
    project.write("pipeline.yaml", PIPELINE)
    done(dollop("deploy", "test"))
    assert (2, []) == (len(deletions), found(account)["batches"])


def test_what_was_changed_by_hand_is_named(around: str, dollop: Dollop, account: Account) -> None:
    """Per field; the next deploy puts it right."""
    functions, events = account.client("lambda"), account.client("events")
    functions.update_function_url_config(FunctionName="audit", Qualifier="test", AuthType="AWS_IAM")
    mapping, = functions.list_event_source_mappings(FunctionName="audit:test")["EventSourceMappings"]
    functions.update_event_source_mapping(UUID=mapping["UUID"], BatchSize=9)
    rule = f"{resources.rule_prefix('audit', 'test')}nightly"
    events.disable_rule(Name=rule)
    statement = next(id for id in said_by_statements(account, "test") if "mail" in id)
    functions.remove_permission(FunctionName="audit", Qualifier="test", StatementId=statement)
    account.client("logs").delete_retention_policy(logGroupName="/aws/lambda/audit")
    plan = done(dollop("plan", "test")).out
    for line in (
        "~ url audit\n    alias: test\n    auth_type: AWS_IAM -> NONE\n",
        "~ schedule audit\n    name: nightly\n    alias: test\n    state: DISABLED -> ENABLED\n",
        "~ event audit\n    name: orders\n    alias: test\n    batch_size: 9 -> 1\n",
        "+ permission audit\n    name: mail\n",
        "+ log retention audit\n    retention_in_days: 14\n",
    ):
        assert line in plan
    assert "! audit: schedules.nightly of the alias test was changed by hand: state\n" in plan
    assert "! audit: permissions.mail of the alias test was changed by hand: its permission is gone\n" in plan
    done(dollop("deploy", "test"))
    assert ALL == found(account)


def test_drift_is_what_was_changed_around_a_promoted_alias(
    around: str, dollop: Dollop, account: Account, project: Project
) -> None:
    """By its field; what this checkout wants and nobody has promoted yet is none."""
    done(dollop("promote", "prod"))
    assert 0 == dollop("drift").code
    events = account.client("events")
    events.disable_rule(Name=f"{resources.rule_prefix('audit', 'prod')}nightly")
    result = dollop("drift")
    line = "audit: schedules.nightly of the alias prod was changed by hand: state"
    assert (1, True) == (result.code, line in result.err)
    project.write("pipeline.yaml", PIPELINE + around.replace("rate(1 day)", "rate(2 days)"))
    done(dollop("deploy", "test"))
    assert 0 == dollop("drift").code


def test_a_source_of_another_tool_is_not_taken_over(
    dollop: Dollop, account: Account, project: Project, queue: str
) -> None:
    """Refused before anything is written: AWS has no place for two mappings, and the other one is not ours."""
    done(dollop("deploy", "test"))
    account.client("lambda").create_event_source_mapping(
        FunctionName="audit:test", EventSourceArn=arn_of(queue, account)
    )
    project.write("pipeline.yaml", PIPELINE + AROUND % arn_of(queue, account))
    result = dollop("deploy", "test")
    assert 1 == result.code
    assert "audit: events.orders: the source" in result.err and "by another tool" in result.err
    assert {**NOTHING, "batches": [10]} == {**found(account), "retention": []}


def test_a_function_goes_with_what_is_around_it(around: str, dollop: Dollop, account: Account) -> None:
    """Rules, mappings and the retention of its logs, of every stage; the logs stay."""
    done(dollop("promote", "prod"))
    plan = done(dollop("delete", "audit", "--force")).out
    assert "- schedule audit\n    name: nightly\n    alias: prod\n" in plan
    events, functions = account.client("events"), account.client("lambda")
    assert [] == events.list_rules(NamePrefix="dollop-")["Rules"]
    assert [] == functions.list_event_source_mappings()["EventSourceMappings"]
    groups = account.client("logs").describe_log_groups(logGroupNamePrefix="/aws/lambda/audit")["logGroups"]
    assert [None] == [group.get("retentionInDays") for group in groups]


def test_what_is_read_is_what_may_be_there(around: str, dollop: Dollop, strict: Strict) -> None:
    """echo's plan is two GetFunctions; audit's asks beside that for each kind that its tag names; no write."""
    strict.forget()
    done(dollop("plan", "test"))
    calls = [call for call in strict.calls if call.operation != "GetParameter"]
    assert ["GetFunction"] * 2 == [call.operation for call in calls if call.function == "echo"]
    assert [
        "DescribeLogGroups", "GetFunction", "GetFunction", "GetFunctionUrlConfig", "GetPolicy",
        "ListEventSourceMappings", "ListRules", "ListTags", "ListTargetsByRule",
    ] == sorted(call.operation for call in calls if call.function != "echo")
    assert [] == strict.writes()


def test_moto_has_the_same_shapes(moto: Account, project: Project) -> None:
    """A second opinion on what is sent and read: a plan after a deploy is empty, and one after all was removed."""
    queue = str(moto.client("sqs").create_queue(QueueName="orders")["QueueUrl"])
    said = PIPELINE + AROUND % arn_of(queue, moto)
    for text in (said, said.replace("rate(1 day)", "rate(2 days)"), PIPELINE):
        project.write("pipeline.yaml", text)
        for _ in range(2):
            result = done(command.run("deploy", "test", environment=moto.environment))
        assert "nothing to do: 2 unchanged" in result.out
