from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ci import policy
from ci.attachments.resources import rule_prefix, wanted
from ci.config.template import Template
from ci.errors import UsageError
from ci.model import Canary, CodeDeploy, Function, Packaging, Pipeline, Site, Smoke, Stage
from ci.policy.statement import POLICY_LIMIT, Place, size

EXECUTION = "arn:aws:iam::123456789012:role/lambda"
STAGES = {"test": Stage("test", "test"), "prod": Stage("prod", "live", source="test")}
ARN = "arn:aws:lambda:eu-west-1:123456789012:function:"


def function(name: str, smoke: Smoke | None = None, aws_name: str = "", **settings: Any) -> Function:
    return Function(name, aws_name or name, {"Role": EXECUTION} | settings, {}, Path("functions") / name, smoke=smoke)


def pipeline(*functions: Function, region: str | None = "eu-west-1") -> Pipeline:
    return Pipeline(Path(), "shop", region, STAGES, {one.name: one for one in functions})


def made(*functions: Function) -> dict[str, policy.Role]:
    line = pipeline(*functions)
    return {role.name: role for role in policy.roles(line, policy.place(line))}


def statements(role: policy.Role) -> list[dict[str, Any]]:
    return [statement for document in role.documents for statement in document["Statement"]]


def actions(role: policy.Role) -> set[str]:
    return {action for statement in statements(role) for action in statement["Action"]}


def resources(role: policy.Role, action: str) -> set[str]:
    return {arn for statement in statements(role) if action in statement["Action"] for arn in statement["Resource"]}


def test_roles_of_the_workflows() -> None:
    """There is one role to plan, one for each stage, and one for people who look at logs."""
    assert ["plan", "deploy-test", "promote-prod", "observe"] == list(made(function("echo")))


@pytest.mark.parametrize("name", ["plan", "observe"])
def test_reading_roles_have_no_writing_action(name: str) -> None:
    """Every action of a role that reads begins with Get, List or Filter; none invokes."""
    everything = function("echo", KMSKeyArn="arn:aws:kms:eu-west-1:123456789012:key/k", Layers=["layer"])
    verbs = {action.split(":")[1] for action in actions(made(everything)[name])}
    assert set() == {verb for verb in verbs if not verb.startswith(("Get", "List", "Filter", "Decrypt"))}


AROUND: dict[str, Any] = {
    "url": {"AuthType": "NONE"},
    "schedules": {"nightly": {"ScheduleExpression": "rate(1 day)"}},
    "events": {"orders": {"EventSourceArn": "arn:aws:sqs:eu-west-1:123456789012:orders"}},
    "provisioned_concurrency": 1,
    "log_retention": 7,
}


def surrounded(name: str, **around: Any) -> Function:
    """A function with ``around`` in both stages."""
    attached = {
        stage.name: wanted(name, stage.alias, f"/aws/lambda/{name}", around) for stage in STAGES.values()
    }
    return replace(function(name), attachments=attached)


@pytest.mark.parametrize("key", AROUND)
def test_what_is_around_functions_is_granted_where_it_is_named(key: str) -> None:
    """Each kind by itself: to read for all roles, to write for those that release; without it not one action more."""
    plain, with_it = made(function("echo")), made(surrounded("echo", **{key: AROUND[key]}))
    for role in ("plan", "observe"):
        verbs = {action.split(":")[1] for action in actions(with_it[role])}
        assert set() == {verb for verb in verbs if not verb.startswith(("Get", "List", "Filter", "Describe"))}
    writing = {role: actions(with_it[role]) - actions(plain[role]) for role in ("deploy-test", "promote-prod")}
    assert actions(with_it["plan"]) - actions(plain["plan"]) < writing["promote-prod"]
    assert writing["deploy-test"] | {"lambda:TagResource", "lambda:UntagResource"} == writing["promote-prod"]


def test_what_is_written_around_functions_is_ours() -> None:
    """Rules by function and alias, mappings by the functions that they call, all else by the functions' names."""
    roles = made(surrounded("echo", **AROUND), function("silent"))
    rules = {
        alias: f"arn:aws:events:eu-west-1:123456789012:rule/{rule_prefix('echo', alias)}*" for alias in ("test", "live")
    }
    assert {rules["live"]} == resources(roles["promote-prod"], "events:PutTargets")
    assert {rules["test"]} == resources(roles["deploy-test"], "events:PutTargets")
    assert set(rules.values()) == resources(roles["plan"], "events:ListTargetsByRule")
    mapping = next(one for one in statements(roles["promote-prod"]) if one["Sid"] == "WriteMappings")
    assert {"ArnLike": {"lambda:FunctionArn": [f"{ARN}echo:*"]}} == mapping["Condition"]
    group = "arn:aws:logs:eu-west-1:123456789012:log-group:/aws/lambda/echo"
    assert {group, f"{group}:*"} == resources(roles["deploy-test"], "logs:PutRetentionPolicy")
    names = {f"{ARN}{name}{end}" for name in ("echo", "silent") for end in ("", ":*")}
    assert names == resources(roles["deploy-test"], "lambda:CreateFunctionUrlConfig")


@pytest.mark.parametrize("key", ["events", "schedules"])
@pytest.mark.parametrize("count", [100, 1000])
def test_what_is_around_many_functions_fits(count: int, key: str) -> None:
    """Conditions are cut to what a policy holds; rules that are too many are named by what their functions share."""
    line = pipeline(*(surrounded(f"shop-function-{number:04}", **{key: AROUND[key]}) for number in range(count)))
    roles = policy.roles(line, policy.place(line))
    for role in roles:
        assert len(role.documents) <= policy.POLICIES_LIMIT
        assert max(map(size, role.documents)) <= POLICY_LIMIT
    rules = resources(policy.role(roles, "deploy-test"), "events:PutRule")
    assert all(each.startswith("arn:aws:events:eu-west-1:123456789012:rule/dollop-shop-function-") for each in rules)
    assert (key == "schedules") == len(rules)


def test_promotion_uploads_nothing() -> None:
    """The role for prod moves aliases and invokes: no code, no configuration, no role is passed."""
    role = made(function("echo", smoke=Smoke({}, {})))["promote-prod"]
    moving = {"lambda:CreateAlias", "lambda:DeleteAlias", "lambda:UpdateAlias", "lambda:InvokeFunction"}
    assert moving == {action for action in actions(role) if not action.startswith(("lambda:Get", "lambda:List"))}


def test_smoke_is_allowed_on_the_alias_only() -> None:
    """A stage invokes its own alias, and only of functions that have a smoke test."""
    roles = made(function("echo", smoke=Smoke({}, {})), function("silent"))
    assert {f"{ARN}echo:test"} == resources(roles["deploy-test"], "lambda:InvokeFunction")
    assert {f"{ARN}echo:live"} == resources(roles["promote-prod"], "lambda:InvokeFunction")


def test_canaries_are_watched() -> None:
    """Only the role of the stage that has one reads alarms; to deploy, it also asks the version that comes first."""
    stages = {
        "test": replace(STAGES["test"], rollout=Canary(10, 300)),
        "prod": replace(STAGES["prod"], rollout=Canary(10, 300, ("errors",))),
    }
    line = replace(pipeline(function("echo", smoke=Smoke({}, {}))), stages=stages)
    roles = {role.name: role for role in policy.roles(line, policy.place(line))}
    assert {f"{ARN}echo:test", f"{ARN}echo:*"} == resources(roles["deploy-test"], "lambda:InvokeFunction")
    assert {f"{ARN}echo:live"} == resources(roles["promote-prod"], "lambda:InvokeFunction")
    assert {"*"} == resources(roles["promote-prod"], "cloudwatch:DescribeAlarms")
    assert ["promote-prod"] == [name for name, role in roles.items() if "cloudwatch:DescribeAlarms" in actions(role)]


def test_codedeploy_is_handed_what_is_its_own() -> None:
    """The role of that stage alone: the project's application, the stage's groups, one configuration, one role."""
    service, where = "arn:aws:iam::123456789012:role/codedeploy", "arn:aws:codedeploy:eu-west-1:123456789012:"
    by = CodeDeploy("CodeDeployDefault.LambdaAllAtOnce", service, "dollop-shop", ("errors",))
    stages = {"test": STAGES["test"], "prod": replace(STAGES["prod"], rollout=by)}
    line = replace(pipeline(function("echo")), stages=stages)
    roles = {role.name: role for role in policy.roles(line, policy.place(line))}
    group = f"{where}deploymentgroup:dollop-shop/prod-*"
    writing = {"CreateDeployment", "CreateDeploymentGroup", "StopDeployment", "UpdateDeploymentGroup"}
    for verb in (*writing, "BatchGetDeployments", "GetDeploymentGroup", "ListDeployments"):
        assert {group} == resources(roles["promote-prod"], f"codedeploy:{verb}")
    assert {f"{where}application:dollop-shop"} == resources(roles["promote-prod"], "codedeploy:CreateApplication")
    config = {f"{where}deploymentconfig:CodeDeployDefault.LambdaAllAtOnce"}
    assert config == resources(roles["promote-prod"], "codedeploy:GetDeploymentConfig")
    (passing,) = (one for one in statements(roles["promote-prod"]) if "iam:PassRole" in one["Action"])
    assert [service] == passing["Resource"]
    assert {"StringEquals": {"iam:PassedToService": "codedeploy.amazonaws.com"}} == passing["Condition"]
    assert {"*"} == resources(roles["promote-prod"], "cloudwatch:DescribeAlarms")
    assert {group} == resources(roles["plan"], "codedeploy:GetDeploymentGroup")
    assert not any("codedeploy:" in action for action in actions(roles["deploy-test"]) | actions(roles["observe"]))


def test_functions_are_named_by_their_aws_names() -> None:
    """Writes name each function; reads also its versions and aliases, whose ARNs AWS checks separately."""
    roles = made(function("echo", aws_name="shop-echo"))
    assert {f"{ARN}shop-echo"} == resources(roles["deploy-test"], "lambda:UpdateFunctionCode")
    assert {f"{ARN}shop-echo", f"{ARN}shop-echo:*"} == resources(roles["plan"], "lambda:GetFunction")


def test_execution_roles_are_passed_to_lambda_only() -> None:
    """iam:PassRole names the execution roles and is good for Lambda alone."""
    other = "arn:aws:iam::123456789012:role/other"
    role = made(function("echo"), function("sci", Role=other))["deploy-test"]
    statement, = (one for one in statements(role) if "iam:PassRole" in one["Action"])
    assert [EXECUTION, other] == statement["Resource"]
    assert {"StringEquals": {"iam:PassedToService": "lambda.amazonaws.com"}} == statement["Condition"]


LAYER = "arn:aws:lambda:eu-west-1:123456789012:layer:l:1"
KEY = "arn:aws:kms:eu-west-1:123456789012:key/k"


@pytest.mark.parametrize(
    ("settings", "action", "resource"),
    [
        ({"Layers": [LAYER]}, "lambda:GetLayerVersion", LAYER),
        ({"KMSKeyArn": KEY}, "kms:CreateGrant", KEY),
        ({"KMSKeyArn": KEY}, "kms:Decrypt", KEY),
        ({"VpcConfig": {"SubnetIds": ["subnet-1"]}}, "ec2:DescribeSubnets", "*"),
        ({"FileSystemConfigs": [{"Arn": "a"}]}, "elasticfilesystem:DescribeMountTargets", "*"),
    ],
)
def test_a_setting_brings_its_permission(settings: dict[str, Any], action: str, resource: str) -> None:
    """What a function uses is allowed to the role that configures it, and to nobody when no function uses it."""
    assert {resource} == resources(made(function("echo", **settings))["deploy-test"], action)
    assert set() == resources(made(function("echo"))["deploy-test"], action)


def test_keys_are_used_through_lambda_only() -> None:
    """Whatever else was encrypted with a key is not the pipeline's: its roles neither read it nor hand the key on."""
    secret = {"KEY": Template("${ssm:/shop/key}", 7)}
    for environment, reading in (({}, ["lambda.*"]), (secret, ["lambda.*", "ssm.*"])):
        roles = made(replace(function("echo", KMSKeyArn=KEY), environment=environment))
        found = {
            (name, *one["Action"]): one["Condition"]["StringLike"]["kms:ViaService"]
            for name, role in roles.items()
            for one in statements(role)
            if any(action.startswith("kms:") for action in one["Action"])
        }
        assert {
            ("plan", "kms:Decrypt"): reading,
            ("deploy-test", "kms:Decrypt"): reading,
            ("deploy-test", "kms:CreateGrant", "kms:Encrypt"): ["lambda.*"],
            ("promote-prod", "kms:Decrypt"): ["lambda.*"],
        } == found


def test_large_packages() -> None:
    """Whoever uploads code stores them in the one folder, and lists nothing else of the bucket."""
    large = replace(function("echo"), packaging=Packaging(bucket="packages-{region}"))
    roles = made(large, function("other"))
    folder = {"arn:aws:s3:::packages-eu-west-1/dollop/*"}
    assert folder == resources(roles["deploy-test"], "s3:PutObject") == resources(roles["deploy-test"], "s3:GetObject")
    [listing] = [each for each in statements(roles["deploy-test"]) if "s3:ListBucket" in each["Action"]]
    assert ["arn:aws:s3:::packages-eu-west-1"] == listing["Resource"]
    assert {"StringLike": {"s3:prefix": "dollop/*"}} == listing["Condition"]
    for name in ("plan", "promote-prod", "observe"):
        assert set() == {action for action in actions(roles[name]) if action.startswith("s3:")}
    assert set() == {action for action in actions(made(function("echo"))["deploy-test"]) if action.startswith("s3:")}


def test_own_layers() -> None:
    """Whoever uploads code publishes the layer that the dependencies go into; whoever plans finds it."""
    roles = made(replace(function("echo"), packaging=Packaging(layer="shop-deps")))
    arn = "arn:aws:lambda:eu-west-1:123456789012:layer:shop-deps"
    assert {arn} == resources(roles["deploy-test"], "lambda:PublishLayerVersion")
    for name in ("plan", "deploy-test"):
        assert {f"{arn}:*"} == resources(roles[name], "lambda:GetLayerVersion")
        assert {"*"} == resources(roles[name], "lambda:ListLayerVersions")
    assert set() == resources(roles["plan"], "lambda:PublishLayerVersion")
    for name in ("promote-prod", "observe"):
        assert set() == {action for action in actions(roles[name]) if "Layer" in action}


def test_parameters() -> None:
    """Parameters are read by whoever compares the environment, and by nobody else."""
    secret = replace(function("echo"), environment={"KEY": Template("${env:STAGE} ${ssm:/shop/key}", 7)})
    roles = made(secret)
    assert set() == resources(roles["promote-prod"], "ssm:GetParameter")
    assert {"arn:aws:ssm:eu-west-1:123456789012:parameter/shop/key"} == resources(roles["plan"], "ssm:GetParameter")


def test_observe_reads_the_log_group_that_the_function_writes() -> None:
    """A log group of one's own replaces Lambda's default name."""
    role = made(function("echo"), function("sci", LoggingConfig={"LogGroup": "shared"}))["observe"]
    prefix = "arn:aws:logs:eu-west-1:123456789012:log-group:"
    assert {f"{prefix}/aws/lambda/echo:*", f"{prefix}shared:*"} == resources(role, "logs:FilterLogEvents")


@pytest.mark.parametrize(("member", "key"), [("Role", "role"), ("KMSKeyArn", "kms_key")])
def test_what_is_not_known_is_no_resource(member: str, key: str) -> None:
    """A policy names roles and keys: one that is looked up late cannot be named, and that is said."""
    unknown = function("late", **{member: Template("${env:IT}", 7)})
    with pytest.raises(UsageError, match=rf"functions\.late\.{key}: a policy must name it"):
        made(function("echo"), unknown)


def test_many_functions_fill_several_policies() -> None:
    """200 functions stay listed one by one; no document passes AWS's limit and none is lost."""
    functions = [function(f"function-{number:03}") for number in range(200)]
    role = made(*functions)["deploy-test"]
    assert 1 < len(role.documents) <= 10
    assert all(size(document) <= 6144 for document in role.documents)
    assert {f"{ARN}{one.aws_name}" for one in functions} == resources(role, "lambda:UpdateFunctionCode")
    assert () == role.notes


def test_too_many_functions_share_a_pattern_and_it_is_said() -> None:
    """Beyond ten policies the common beginning of the names stands for all of them."""
    functions = [function(f"shop-{number % 10}-{number}", smoke=Smoke({}, {})) for number in range(1000)]
    role = made(*functions)["deploy-test"]
    assert {f"{ARN}shop-*"} == resources(role, "lambda:UpdateFunctionCode")
    assert {f"{ARN}shop-*:test"} == resources(role, "lambda:InvokeFunction")
    assert "every function named shop-*" in role.notes[0]


def test_too_many_functions_with_nothing_in_common_are_refused() -> None:
    """A wildcard is never made up where the names do not begin alike."""
    functions = [function(f"{number:04}-with-a-name-that-is-quite-long") for number in range(1000)]
    with pytest.raises(UsageError, match="1000 functions fill"):
        made(*functions)


@pytest.mark.parametrize(
    ("functions", "region", "message"),
    [
        ([function("a")], None, "no region"),
        ([function("a"), function("b", Role="arn:aws:iam::210987654321:role/x")], "eu-west-1", "123456789012, 2109"),
        ([function("a", Role="not an arn")], "eu-west-1", "none"),
    ],
)
def test_no_place(functions: list[Function], region: str | None, message: str) -> None:
    """Without a region or with more than one account there is no ARN to write."""
    with pytest.raises(UsageError, match=message):
        policy.place(pipeline(*functions, region=region))


def test_place_takes_partition_and_account_from_the_roles() -> None:
    """A role of another partition puts every ARN there."""
    line = pipeline(function("a", Role="arn:aws-cn:iam::123456789012:role/x"), region="cn-north-1")
    assert Place("aws-cn", "cn-north-1", "123456789012") == policy.place(line)


def test_role_that_does_not_exist() -> None:
    """A role is asked for by name; the answer to a wrong one lists them."""
    with pytest.raises(UsageError) as caught:
        policy.role(made(function("echo")).values(), "admin")
    assert "there are: plan, deploy-test, promote-prod, observe" == caught.value.hint


ABROAD, ROLE, LOOK = "us-east-1", "arn:aws:iam::222222222222:role/deploy", "arn:aws:iam::222222222222:role/look"
THERE = "arn:aws:lambda:us-east-1:222222222222:function:echo"


def scattered(*sites: Site, **settings: Any) -> dict[str, policy.Role]:
    """The roles of a pipeline whose ``test`` is at home and whose ``prod`` is in ``sites``."""
    home = (Site("eu-west-1"),)
    stages = {"test": Stage("test", "test", sites=home), "prod": Stage("prod", "live", "test", sites=sites)}
    one = function("echo", smoke=Smoke({}, {}), **settings)
    line = replace(pipeline(one), stages=stages)
    return {role.name: role for role in policy.roles(line, policy.place(line))}


def test_a_second_region_is_uploaded_to_and_the_first_is_not() -> None:
    """Where test is, the role for prod moves aliases only; elsewhere it publishes what it promotes."""
    role = scattered(Site("eu-west-1"), Site(ABROAD))["promote-prod"]
    abroad = ARN.replace("eu-west-1", ABROAD) + "echo"
    assert {abroad} == resources(role, "lambda:UpdateFunctionCode")
    assert {ARN + "echo", abroad} == resources(role, "lambda:UpdateAlias")
    assert {ARN + "echo:live", abroad + ":live"} == resources(role, "lambda:InvokeFunction")
    assert set() == resources(role, "sts:AssumeRole")


def test_roles_of_another_account_are_taken_on_by_those_who_need_them() -> None:
    """The role that plans takes on the one for looking only; what writes there is for the role that promotes."""
    own = {"echo": {"Role": "arn:aws:iam::222222222222:role/lambda"}}
    roles = scattered(Site(ABROAD, ROLE, LOOK, own))
    assert {LOOK} == resources(roles["plan"], "sts:AssumeRole")
    assert {ROLE, LOOK} == resources(roles["promote-prod"], "sts:AssumeRole")
    assert set() == resources(roles["promote-prod"], "lambda:UpdateAlias")
    assert {THERE} == resources(roles["prod-there"], "lambda:UpdateFunctionCode")
    assert {THERE + ":live"} == resources(roles["prod-there"], "lambda:InvokeFunction")
    assert {"arn:aws:iam::222222222222:role/lambda"} == resources(roles["prod-there"], "iam:PassRole")
    finding = {"lambda:GetFunction", "lambda:ListAliases", "lambda:ListTags"}
    assert {"logs:FilterLogEvents", "cloudwatch:GetMetricData"} | finding == actions(roles["prod-there-observe"])
    looking = {action.split(":")[1] for action in actions(roles["prod-there-plan"])}
    assert set() == {verb for verb in looking if not verb.startswith(("Get", "List"))}
    assert {"222222222222"} == {role.account for name, role in roles.items() if "there" in name}


def test_whoever_reads_a_version_decrypts_its_environment() -> None:
    """AWS does not tell the variables of one that is encrypted, and without them nothing is compared."""
    keys = {ABROAD: "arn:aws:kms:us-east-1:222222222222:key/k", "eu-west-1": "arn:aws:kms:eu-west-1:123456789012:key/k"}
    own = {"echo": {"Role": ROLE, "KMSKeyArn": keys[ABROAD]}}
    roles = scattered(Site(ABROAD, ROLE, LOOK, own), KMSKeyArn=keys["eu-west-1"])
    assert {keys["eu-west-1"]} == resources(roles["promote-prod"], "kms:Decrypt")
    assert {keys[ABROAD]} == resources(roles["prod-there"], "kms:Decrypt")
    assert {keys[ABROAD]} == resources(roles["prod-there-plan"], "kms:Decrypt")


def test_without_a_role_for_looking_the_role_that_plans_cannot_look_there() -> None:
    """What pull requests get never takes on a role that may change things."""
    assert set() == resources(scattered(Site(ABROAD, ROLE))["plan"], "sts:AssumeRole")


def test_no_statement_is_named_twice_in_a_document() -> None:
    """IAM refuses it."""
    for role in scattered(Site("eu-west-1"), Site(ABROAD)).values():
        for document in role.documents:
            names = [statement["Sid"] for statement in document["Statement"]]
            assert len(set(names)) == len(names)
