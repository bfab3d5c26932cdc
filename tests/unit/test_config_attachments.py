"""What pipeline.yaml may say of what a function has around it, and every way in which that can be wrong."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ci import config
from ci.errors import ConfigError
from ci.model import Function

ROOT = Path(__file__).parents[2]

HEAD = """\
project: demo
stages: {test: {alias: blue}, prod: {alias: green, from: test}}
functions:
  echo:
    handler: echo.handle
    runtime: python3.13
    role: arn:aws:iam::123456789012:role/lambda
"""
QUEUE = "arn:aws:sqs:eu-west-1:123456789012:orders"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "functions/echo").mkdir(parents=True)
    (tmp_path / "functions/echo/echo.py").write_text("def handle(event, context): ...\n")
    return tmp_path


def load(root: Path, said: str, head: str = HEAD) -> Function:
    (root / "pipeline.yaml").write_text(head + said)
    return config.load(root / "pipeline.yaml").functions["echo"]


def told(root: Path, said: str, head: str = HEAD) -> list[str]:
    with pytest.raises(ConfigError) as error:
        load(root, said, head)
    return [str(problem).removeprefix(f"{root}/") for problem in error.value.problems]


def settings(function: Function, stage: str, kind: str) -> list[dict[str, object]]:
    return [dict(each.settings) for each in function.attachments.get(stage, ()) if each.kind == kind]


def test_a_function_has_nothing_around_it(root: Path) -> None:
    """Until something is said."""
    assert {} == load(root, "").attachments


def test_the_readme_says_what_can_be_said(root: Path) -> None:
    """Its example is sound, and each stage gets what it says."""
    readme = (ROOT / "README.md").read_text()
    block = re.search(r"### What a function needs around it\n\n```yaml\n(.*?)```", readme, re.DOTALL)
    assert block
    function = load(root, block[1].partition("  echo:\n")[2])
    batches = {stage: settings(function, stage, "event")[0]["BatchSize"] for stage in ("test", "prod")}
    assert {"test": 10, "prod": 100} == batches
    assert [[], [{"ScheduleExpression": "rate(1 day)", "State": "ENABLED"}]] == [
        settings(function, stage, "rule") for stage in ("test", "prod")
    ]
    assert [{"ProvisionedConcurrentExecutions": 2}] == settings(function, "prod", "provisioned")
    assert [{"RetentionInDays": 30}] == settings(function, "test", "retention")
    assert [] == settings(function, "prod", "retention")


def test_a_stage_is_said_over_the_function(root: Path) -> None:
    """Entries by name, the others whole; what defaults say is said of every function."""
    function = load(root, """\
    url: {auth_type: NONE, cors: {max_age: 5}}
    schedules: {a: rate(1 day), b: rate(2 days)}
    stages: {prod: {url: {auth_type: AWS_IAM}, schedules: {b: {schedule_expression: cron(0 3 * * ? *), input: [1]}}}}
""", HEAD.replace("functions:", "defaults: {log_retention: 7}\nfunctions:", 1))
    assert [{"AuthType": "NONE", "InvokeMode": "BUFFERED", "Cors": {"MaxAge": 5}}] == settings(function, "test", "url")
    assert [{"AuthType": "AWS_IAM", "InvokeMode": "BUFFERED", "Cors": {}}] == settings(function, "prod", "url")
    expressions = [rule["ScheduleExpression"] for rule in settings(function, "prod", "rule")]
    assert ["rate(1 day)", "cron(0 3 * * ? *)"] == expressions
    assert [{"Input": ""}, {"Input": "[1]"}] == settings(function, "prod", "target")
    assert [{"RetentionInDays": 7}] == settings(function, "test", "retention")


def test_every_field_of_a_mapping_can_be_said(root: Path) -> None:
    """As CreateEventSourceMapping has it, a filter too; what is not said is AWS's default for that kind of source."""
    stream = "arn:aws:kinesis:eu-west-1:123456789012:stream/clicks"
    function = load(root, f"""\
    events:
      clicks:
        event_source_arn: {stream}
        starting_position: TRIM_HORIZON
        parallelization_factor: 2
        bisect_batch_on_function_error: true
        filter_criteria: {{filters: [{{pattern: '{{"a": [1]}}'}}]}}
        destination_config: {{on_failure: {{destination: "{QUEUE}"}}}}
""")
    clicks, = settings(function, "test", "event")
    assert {
        "EventSourceArn": stream,
        "StartingPosition": "TRIM_HORIZON",
        "ParallelizationFactor": 2,
        "BisectBatchOnFunctionError": True,
        "FilterCriteria": {"Filters": [{"Pattern": '{"a": [1]}'}]},
        "DestinationConfig": {"OnFailure": {"Destination": QUEUE}},
        "BatchSize": 100,
        "MaximumRetryAttempts": -1,
        "Enabled": True,
    }.items() <= clicks.items()


def test_public_urls_come_with_the_two_permissions_that_they_need(root: Path) -> None:
    """Since October 2025 both; a URL with IAM gets none."""
    actions = [one["Action"] for one in settings(load(root, "    url: {auth_type: NONE}\n"), "test", "permission")]
    assert ["lambda:InvokeFunctionUrl", "lambda:InvokeFunction"] == actions
    assert [] == settings(load(root, "    url: {auth_type: AWS_IAM}\n"), "test", "permission")


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        ("    url: {}\n", "pipeline.yaml:8: functions.echo.url.auth_type: is missing"),
        ("    url: {auth_type: none}\n", "pipeline.yaml:8: functions.echo.url.auth_type: must be NONE or AWS_IAM"),
        (
            "    url: {auth_type: NONE, cors: {max_age: 100000}}\n",
            "pipeline.yaml:8: functions.echo.url.cors.max_age: must be at most 86400",
        ),
        (
            "    schedules:\n      nightly: every day\n",
            "pipeline.yaml:9: functions.echo.schedules.nightly: must be a rate or a time, such as rate(1 day) or "
            "cron(0 3 * * ? *)",
        ),
        (
            f"    schedules:\n      nightly: {{schedule_expression: rate(1 day), input: {'x' * 8191}}}\n",
            "pipeline.yaml:9: functions.echo.schedules.nightly.input: takes more than 8192 characters as JSON",
        ),
        (
            f"    schedules: {{{'n' * 25}: rate(1 day)}}\n",
            f"pipeline.yaml:8: functions.echo.schedules.{'n' * 25}: must have at most 24 characters",
        ),
        (
            "    events:\n      orders: {batch_size: 5}\n",
            "pipeline.yaml:9: functions.echo.events.orders.event_source_arn: is missing",
        ),
        (
            f"    events: {{orders: {{event_source_arn: \"{QUEUE}\", batch_size: 20000}}}}\n",
            "pipeline.yaml:8: functions.echo.events.orders.batch_size: must be at most 10000",
        ),
        (
            "    stages:\n      prod:\n        events:\n"
            "          c: {event_source_arn: \"arn:aws:dynamodb:eu-west-1:123456789012:table/t/stream/2026\"}\n",
            "pipeline.yaml:11: functions.echo.stages.prod.events.c.starting_position: is missing: a stream is read "
            "from somewhere",
        ),
        (
            "    stages: {prd: {provisioned_concurrency: 1}}\n",
            "pipeline.yaml:8: functions.echo.stages.prd: there is no stage 'prd', did you mean prod?",
        ),
        (
            "    stages: {prod: {log_retention: 1}}\n",
            "pipeline.yaml:8: functions.echo.stages.prod.log_retention: is not a known key",
        ),
        (
            "    provisioned_concurrency: 0\n",
            "pipeline.yaml:8: functions.echo.provisioned_concurrency: must be at least 1",
        ),
        (
            "    concurrency: 3\n    provisioned_concurrency: 2\n",
            "pipeline.yaml:8: functions.echo.concurrency: must be at least 4, what is provisioned in all stages",
        ),
        (
            "    permissions: {bucket: {source_arn: \"arn:aws:s3:::b\"}}\n",
            "pipeline.yaml:8: functions.echo.permissions.bucket.principal: is missing",
        ),
    ],
)
def test_what_is_wrong_is_told_with_its_line(root: Path, said: str, problem: str) -> None:
    """Nothing is called before: the limits are the SDK's."""
    assert [problem] == told(root, said)


def test_days_of_retention_are_those_of_cloudwatch(root: Path) -> None:
    """It takes certain numbers only."""
    problem, = told(root, "    log_retention: 8\n")
    assert problem.startswith("pipeline.yaml:8: functions.echo.log_retention: must be 1, 3, 5, 7, 14, 30")


def test_names_of_a_log_group_are_known_before_anything_is_called(root: Path) -> None:
    """One that is looked up late cannot be kept."""
    assert ["pipeline.yaml:9: functions.echo.log_retention: needs a log group that is not expanded"] == told(
        root, "    logging: {log_group: \"${env:GROUP}\"}\n    log_retention: 7\n"
    )


def test_a_reference_is_not_taken_for_its_value(root: Path) -> None:
    """What is around a function is not secret and not filled in: ``${...}`` in it is refused, not passed on."""
    said = "    schedules:\n      nightly: {schedule_expression: rate(1 day), input: {to: ['${ssm:/team/mail}']}}\n"
    said += "    permissions: {caller: {principal: '${env:ACCOUNT}'}}\n"
    assert [
        f"pipeline.yaml:{line}: functions.echo.{where}: is taken as it stands: no ${{...}} is filled in here"
        for line, where in ((9, "schedules.nightly"), (10, "permissions.caller"))
    ] == [each for each in told(root, said) if "taken" in each]
    assert load(root, "    schedules:\n      nightly: {schedule_expression: rate(1 day), input: 'costs ${5}'}\n")
