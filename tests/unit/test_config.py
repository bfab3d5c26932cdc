"""pipeline.yaml -> Pipeline, and every way in which it can be wrong."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ci import config
from ci.config import environment, shape, yaml_reader
from ci.config.document import SIZE_LIMIT
from ci.config.template import Template
from ci.errors import ConfigError, DollopError, UsageError
from ci.model import SLIM, Canary, CodeDeploy, Function, Packaging, Pipeline, Secret, Site, Smoke, Stage
from ci.settings import complete

HEAD = """\
project: demo
stages:
  test: {alias: test}
functions:
"""
ECHO = """\
  echo:
    handler: echo.handle
    runtime: python3.13
    role: arn:aws:iam::123456789012:role/lambda
"""
LAYER = "arn:aws:lambda:eu-west-1:123456789012:layer:name:1"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A repository with two functions and shared code; a file lies outside of it."""
    (tmp_path / "outside.txt").touch()
    root = tmp_path / "repository"
    files = {
        "functions/echo/echo.py": "def handle(event, context): ...",
        "functions/other/app.py": "def handle(event, context): ...",
        "functions/shared/words.py": "def handle(event, context): ...",
        "functions/single.py": "def handle(event, context): ...",
        "requirements.txt": "",
    }
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    (root / "linked").symlink_to(tmp_path)
    (root / "circle").symlink_to("circle")
    return root


def load(project: Path, text: str | bytes, **environ: str) -> Pipeline:
    path = project / "pipeline.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return config.load(path, environ)


def problems(project: Path, text: str | bytes) -> list[str]:
    """Each problem of ``text``, without the name of the file: ``12: functions.echo.memory: must be ...``."""
    with pytest.raises(ConfigError) as caught:
        load(project, text)
    assert 2 == caught.value.exit_code
    prefix = f"{project / 'pipeline.yaml'}:"
    assert all(str(problem).startswith(prefix) for problem in caught.value.problems)
    return [str(problem).removeprefix(prefix) for problem in caught.value.problems]


def echo(project: Path, *lines: str) -> Function:
    return load(project, HEAD + ECHO + "".join(f"    {line}\n" for line in lines)).functions["echo"]


# ---------------------------------------------------------------- what is read


def test_whole(project: Path) -> None:
    """A small file becomes the nouns, with AWS's defaults for what it does not say."""
    text = """\
project: demo
region: eu-west-1
name: "{project}-{function}"
stages:
  test: {alias: test}
  prod: {alias: live, from: test}
defaults:
  runtime: python3.13
  role: arn:aws:iam::123456789012:role/lambda
  environment: {KEPT: a, CHANGED: b}
  tags: {team: x}
  layers: [%s]
functions:
  echo:
    handler: echo.handle
    include: [functions/shared, functions/single.py, functions/shared]
    exclude: ["*.md"]
    requirements: ./requirements.txt
    packaging: {bucket: "b-{region}", groups: [image], binaries: [wheels], allow: [dev.key], slim: true}
    environment: {CHANGED: c, OWN: d}
    tags: {cost: y}
    layers: []
    concurrency: 0
    retain: 3
    max_size: 1.5 MB
    smoke: {event: {a: [1, 2.5, true, null, x]}, expect: {}}
""" % LAYER
    pipeline = load(project, text)
    assert (project, "demo", "eu-west-1") == (pipeline.root, pipeline.project, pipeline.region)
    assert str(project / "pipeline.yaml") == pipeline.file
    sites = (Site("eu-west-1"),)
    stages = {"test": Stage("test", "test", sites=sites), "prod": Stage("prod", "live", "test", sites=sites)}
    assert stages == pipeline.stages
    expected = Function(
        name="echo",
        aws_name="demo-echo",
        settings=complete(
            {
                "Runtime": "python3.13",
                "Role": "arn:aws:iam::123456789012:role/lambda",
                "Handler": "echo.handle",
                "Layers": [],
            }
        ),
        environment={"KEPT": Secret("a"), "CHANGED": Secret("c"), "OWN": Secret("d")},
        source=Path("functions/echo"),
        include=(Path("functions/shared"), Path("functions/single.py")),
        exclude=("*.md",),
        requirements=Path("requirements.txt"),
        packaging=Packaging(("image",), binaries=("wheels",), allow=("dev.key",), slim=SLIM, bucket="b-{region}"),
        tags={"team": "x", "cost": "y"},
        concurrency=0,
        smoke=Smoke({"a": [1, 2.5, True, None, "x"]}, {}),
        retain=3,
        max_size=1_500_000,
        line=14,
    )
    assert {"echo": expected} == pipeline.functions


@pytest.mark.parametrize(
    ("line", "member", "expected"),
    [
        ("memory: 256", "MemorySize", 256),
        ("architecture: arm64", "Architectures", ["arm64"]),
        ("architecture: [arm64]", "Architectures", ["arm64"]),
        ("tracing: Active", "TracingConfig", {"Mode": "Active"}),
        ("tracing: {mode: Active}", "TracingConfig", {"Mode": "Active"}),
        ("ephemeral_storage: 1024", "EphemeralStorage", {"Size": 1024}),
        ("snap_start: PublishedVersions", "SnapStart", {"ApplyOn": "PublishedVersions"}),
        ("dead_letter: arn:aws:sqs:eu-west-1:1:q", "DeadLetterConfig", {"TargetArn": "arn:aws:sqs:eu-west-1:1:q"}),
        ("kms_key: arn:aws:kms:eu-west-1:1:key/1", "KMSKeyArn", "arn:aws:kms:eu-west-1:1:key/1"),
        ("description: Says hello", "Description", "Says hello"),
        (f"layers: [{LAYER}]", "Layers", [LAYER]),
        ("tenancy: PER_TENANT", "TenancyConfig", {"TenantIsolationMode": "PER_TENANT"}),
        ("durable: {retention_period_in_days: 7}", "DurableConfig", {"RetentionPeriodInDays": 7}),
        ("logging: {log_format: Text, log_group: g}", "LoggingConfig", {"LogFormat": "Text", "LogGroup": "g"}),
        ("logging: {log_group: /aws/lambda/echo}", "LoggingConfig", {"LogFormat": "Text", "LogGroup": ""}),
        (
            "vpc: {subnet_ids: [subnet-1], ipv6_allowed_for_dual_stack: true}",
            "VpcConfig",
            {"SubnetIds": ["subnet-1"], "SecurityGroupIds": [], "Ipv6AllowedForDualStack": True},
        ),
        (
            "file_systems: [{arn: 'arn:aws:elasticfilesystem:eu-west-1:123456789012:access-point/"
            "fsap-0123456789abcdef0', local_mount_path: /mnt/a}]",
            "FileSystemConfigs",
            [
                {
                    "Arn": "arn:aws:elasticfilesystem:eu-west-1:123456789012:access-point/fsap-0123456789abcdef0",
                    "LocalMountPath": "/mnt/a",
                }
            ],
        ),
    ],
)
def test_settings(line: str, member: str, expected: Any, project: Path) -> None:
    """A setting is said in snake case, a structure with one member as that member alone; AWS's shape comes out."""
    assert expected == echo(project, line).settings[member]


@pytest.mark.parametrize(
    ("said", "expected"), [("100", 100), ("1 B", 1), ("2 kB", 2000), ("4.35 MB", 4_350_000), ("1GB", 10**9)]
)
def test_max_size(said: str, expected: int, project: Path) -> None:
    """Bytes, or a size in the SI units that plans print."""
    assert expected == echo(project, f"max_size: {said}").max_size


def test_default_is_replaced(project: Path) -> None:
    """Other than environment and tags, what a function says replaces the default as a whole."""
    text = "defaults: {vpc: {subnet_ids: [subnet-1], security_group_ids: [sg-1]}, retain: 2}\n"
    pipeline = load(project, text + HEAD + ECHO + "    vpc: {subnet_ids: [subnet-2]}\n")
    vpc = {"SubnetIds": ["subnet-2"], "SecurityGroupIds": [], "Ipv6AllowedForDualStack": False}
    assert (vpc, 2) == (pipeline.functions["echo"].settings["VpcConfig"], pipeline.functions["echo"].retain)


def test_unmanaged(project: Path) -> None:
    """Tags, concurrency, smoke and a size limit that are not said are None: left alone."""
    function = echo(project)
    assert (None, None, None, None, None) == (
        function.tags,
        function.concurrency,
        function.smoke,
        function.max_size,
        function.requirements,
    )


@pytest.mark.parametrize("functions", ["functions: {}\n", "functions:\n", "functions:\n#  echo: {}\n"])
def test_no_functions(functions: str, project: Path) -> None:
    """A pipeline without functions is fine, however that is written."""
    assert {} == load(project, HEAD.replace("functions:\n", functions)).functions


@pytest.mark.parametrize("runtime", ["python3.6", "python2.7"])
def test_deprecated_runtime(runtime: str, project: Path) -> None:
    """A runtime that AWS has deprecated is known: whether it still takes it, AWS says."""
    text = HEAD + ECHO.replace("python3.13", runtime)
    assert runtime == load(project, text).functions["echo"].runtime


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, "eu-west-1"),
        ({"AWS_REGION": "", "AWS_DEFAULT_REGION": ""}, "eu-west-1"),
        ({"AWS_REGION": "us-gov-west-1"}, "us-gov-west-1"),
        ({"AWS_DEFAULT_REGION": "eusc-de-east-1"}, "eusc-de-east-1"),
        ({"AWS_REGION": "us-east-1", "AWS_DEFAULT_REGION": "us-west-2"}, "us-east-1"),
    ],
)
def test_region(environ: dict[str, str], expected: str, project: Path) -> None:
    """AWS_REGION goes before AWS_DEFAULT_REGION, and both before the file."""
    assert expected == load(project, "region: eu-west-1\n" + HEAD + ECHO, **environ).region


def test_environment_is_an_argument(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The process's own environment is not looked at."""
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    assert load(project, HEAD + ECHO).region is None


def test_region_in_the_environment_is_checked(project: Path) -> None:
    """AWS_REGION becomes part of a host name: what is no region is refused, unseen."""
    with pytest.raises(UsageError, match="^AWS_REGION is not the name of a region$"):
        load(project, HEAD + ECHO, AWS_REGION="x.example/")
    with pytest.raises(UsageError, match="^--region is not the name of a region$"):
        config.load(project / "pipeline.yaml", region="x.example/")


def test_anchors_and_merge(project: Path) -> None:
    """Anchors, aliases and << work; what is said in place goes before what is merged in."""
    text = HEAD + ECHO.replace("  echo:\n", "  echo: &echo\n") + "    memory: 256\n"
    text += "  other:\n    <<: *echo\n    handler: app.handle\n    timeout: 9\n"
    settings = load(project, text).functions["other"].settings
    assert ("app.handle", 256, 9) == (settings["Handler"], settings["MemorySize"], settings["Timeout"])


def test_problem_in_what_is_merged(project: Path) -> None:
    """A problem in merged text is told where that stands."""
    text = "x: &x {memory: 1}\n" + HEAD + ECHO + "    <<: *x\n"
    expected = ["1: functions.echo.memory: must be at least 128", "1: x: is not a known key"]
    assert expected == problems(project, text)


def test_templates_are_kept(project: Path) -> None:
    """Settings and variables with ${...} stay as they are written, secret, with their line, and cannot be used yet."""
    function = echo(project, "description: ${env:WHAT}", "environment:", "  PLAIN: a", "  LATE: x${ssm:/a/b}")
    late = function.environment["LATE"]
    assert isinstance(late, Template) and not isinstance(function.environment["PLAIN"], Template)
    assert (12, [("ssm", "/a/b")], "***") == (late.line, late.references(), f"{late}")
    with pytest.raises(TypeError, match="expand"):
        late.reveal()
    assert [("env", "WHAT")] == function.settings["Description"].references()
    assert "WHAT" not in repr(function) and "/a/b" not in repr(function)


# ---------------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("memroy: 128", "memroy: is not a known key, did you mean memory?"),
        ("vpc: {subnets: []}", "vpc.subnets: is not a known key, did you mean subnet_ids?"),
        ("memory: 64", "memory: must be at least 128"),
        ("memory: 99999999", "memory: must be at most 32768"),
        ('memory: "128"', "memory: must be a whole number, without quotes"),
        ("memory: 128.5", "memory: must be a whole number"),
        ("memory: true", "memory: must be a whole number"),
        ("memory:", "memory: has no value"),
        ("memory: 0200", "memory: is a number that YAML readers differ on: quote it, or write it as a plain decimal"),
        ("timeout: 1:30", "timeout: is a number that YAML readers differ on: quote it, or write it as a plain decimal"),
        ("timeout: 0", "timeout: must be at least 1"),
        ("architecture: arm", "architecture: must be x86_64 or arm64, did you mean arm64?"),
        ("architecture: [x86_64, arm64]", "architecture: must have at most 1 entries"),
        ("tracing: active", "tracing: must be Active or PassThrough, did you mean Active?"),
        ("snap_start: true", "snap_start: must be PublishedVersions or None"),
        ("ephemeral_storage: {}", "ephemeral_storage.size: is missing"),
        ("logging: JSON", "logging: must be a mapping"),
        ("vpc: {subnet_ids: subnet-1}", "vpc.subnet_ids: must be a list"),
        ("vpc: {subnet_ids: [subnet-1, net-2]}", "vpc.subnet_ids[1]: must have the form subnet-[0-9a-z]*"),
        ("vpc: {ipv6_allowed_for_dual_stack: 1}", "vpc.ipv6_allowed_for_dual_stack: must be true or false"),
        (f"layers: [{', '.join([LAYER] * 6)}]", "layers: must have at most 5 entries"),
        (
            "layers: [mine]",
            "layers[0]: must be the ARN of a layer's version, such as "
            "arn:aws:lambda:eu-west-1:123456789012:layer:name:1",
        ),
        (f"description: {'x' * 97}", "description: must have at most 96 characters"),
        ("environment: [A]", "environment: must be a mapping"),
        (
            "environment: {DEBUG: true}",
            "environment.DEBUG: must be a string: YAML reads this as true or false, quote it",
        ),
        ("environment: {FLAG: off}", "environment.FLAG: must be a string: YAML reads this as true or false, quote it"),
        ("environment: {PIN: 1234}", "environment.PIN: must be a string: YAML reads this as a number, quote it"),
        ("environment: {DAY: 2024-01-01}", "environment.DAY: is a date to YAML: quote it"),
        ("environment: {EMPTY: }", "environment.EMPTY: has no value"),
        ("environment: {AWS_REGION: a}", "environment.AWS_REGION: is reserved: Lambda sets it itself"),
        (
            "environment: {A: a}",
            "environment.A: as a name may hold letters, digits and _, starts with a letter, and is longer than that",
        ),
        (
            "environment: {KEY: 'a ${b}'}",
            "environment.KEY: holds a ${ that starts neither ${env:NAME} nor ${ssm:/path}; write $${ for a plain ${",
        ),
        ("tags: {a: 1}", "tags.a: must be a string: YAML reads this as a number, quote it"),
        ("tags: {a: '{b}'}", "tags.a: may hold letters, digits, spaces and _.:/=+-@"),
        ("tags: {dollop: a}", "tags.dollop: is reserved: AWS, or the pipeline, sets it itself"),
        ("tags: {'aws:a': a}", "tags.aws...: is reserved: AWS, or the pipeline, sets it itself"),
        ("concurrency: -1", "concurrency: must be at least 0"),
        ("retain: 0", "retain: must be at least 1"),
        ("max_size: 1 TB", "max_size: must be a number of bytes, or a size such as 40 MB"),
        ("max_size: 0 MB", "max_size: must be at least 1"),
        ("smoke: {event: {}}", "smoke.expect: is missing"),
        ("source: functions/none", "source: there is no folder functions/none"),
        ("source: functions/single.py", "source: there is no folder functions/single.py"),
        ("source: ../repository/../..", "source: leads outside of the repository"),
        ("source: /tmp", "source: leads outside of the repository"),
        ("include: [linked/outside.txt]", "include[0]: leads outside of the repository"),
        ("include: [circle]", "include[0]: there is no file or folder circle"),
        ("include: [functions/shared, none]", "include[1]: there is no file or folder none"),
        ('include: ["a\\0b"]', "include[0]: there is no such file or folder"),
        ('include: ["a\\nb"]', "include[0]: there is no such file or folder"),
        ("requirements: none.txt", "requirements: there is no file none.txt"),
        ("requirements: functions", "requirements: there is no file functions"),
        ('packaging: {allow: ["!"]}', "packaging.allow[0]: is not a pattern as .gitignore has them"),
        (
            "packaging: {bucket: My_Bucket}",
            "packaging.bucket: must be the name of a bucket: small letters, digits, - and ., and {region}",
        ),
        ('exclude: ["*.md", "!"]', "exclude[1]: is not a pattern as .gitignore has them"),
        ("handler: other.handle", "handler: is here twice, first on line 6"),
        ("7: x", None),
    ],
)
def test_function_problem(line: str, expected: str | None, project: Path) -> None:
    """One thing wrong with a function is one line: where in the file, where in the document, what."""
    where = "9: functions.echo"
    expected = f"{where}.{expected}" if expected else f"{where}: a key must be a string: quote it"
    assert [expected] == problems(project, HEAD + ECHO + f"    {line}\n")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ["1: is empty"]),
        ("# nothing\n", ["1: is empty"]),
        ("[a]", ["1: must be a mapping"]),
        ("a: [\nb: 1\n", ["3: is not YAML: did not find expected ',' or ']' (in what starts on line 1)"]),
        ("a:\n\tb: 1\n", ["2: is not YAML: a tab: indent with spaces"]),
        ("a:\n  b: 1\n\tc: 2\n", ["3: is not YAML: a tab: indent with spaces (in what starts on line 2)"]),
        ("a: @b\n", ["1: is not YAML: a text that starts with @ must be quoted"]),
        ("a: b: c\n", ["1: is not YAML: no colon can be here: quote a text with one, or look at the line above"]),
        ("a: 'it's'\n", ["1: is not YAML: no key starts here: look at the indentation, and at quotes"]),
        ("a: ,b\n", ["1: is not YAML: no value starts here: look at brackets and commas"]),
        ("a: - b\n", ["1: is not YAML: a list of lines that start with - begins on a line of its own"]),
        ("a: 1\n---\nb: 2\n", ["2: holds a second YAML document"]),
        ("a: 1\nb: \x01\n", ["2: is not YAML: it holds the control character U+0001"]),
        (b"a: 1\nb: \xff\n", ["2: is not UTF-8"]),
        ("a: 1\nb: *c\n", ["2: is not YAML: * refers to nothing; a text that starts with * must be quoted"]),
        ("a: 1\nb: &b [*b]\n", ["2: is not YAML: an alias inside of what it refers to"]),
        (
            "stages: {}\n",
            ["1: functions: is missing", "1: project: is missing", "1: stages: must have at least 1 entries"],
        ),
        (
            HEAD.replace("demo", "de mo"),
            ["1: project: as a name may hold letters, digits, - and _, and starts with a letter or digit"],
        ),
        (HEAD + "regoin: eu-west-1\n", ["5: regoin: is not a known key, did you mean region?"]),
        (HEAD + "region: Europe\n", ["5: region: must be the name of a region, such as eu-west-1"]),
        (HEAD + "project: other\n", ["5: project: is here twice, first on line 1"]),
        (HEAD + "name: '{function}-{stage}'\n", ["5: name: may hold {project} and {function}, and no other braces"]),
        (HEAD + "name: '{function'\n", ["5: name: may hold {project} and {function}, and no other braces"]),
        (HEAD + "name: '{project.__class__}'\n", ["5: name: may hold {project} and {function}, and no other braces"]),
        (
            HEAD + "x: !!python/object/apply:os.getcwd []\n",
            ["5: x: has a tag (!...): only plain YAML is read", "5: x: is not a known key"],
        ),
        (
            HEAD + "  a b: {}\n",
            ["5: functions.a...: as a name may hold letters, digits, - and _, and starts with a letter or digit"],
        ),
        (HEAD + "  echo:\n", ["5: functions.echo: has no value"]),
        (HEAD + "  yes: {}\n", ["5: functions: a key must be a string: quote it"]),
        (
            HEAD + "  echo: {<<: [1]}\n",
            [
                "5: functions.echo: << must name a mapping, or a list of mappings",
                "5: functions.echo.handler: is missing, here and in defaults",
                "5: functions.echo.role: is missing, here and in defaults",
                "5: functions.echo.runtime: is missing, here and in defaults",
            ],
        ),
        (HEAD + "defaults: {source: a}\n", ["5: defaults.source: is not a known key"]),
    ],
)
def test_document_problem(text: str | bytes, expected: list[str], project: Path) -> None:
    """What is wrong with the document as a whole, or with what is not a function."""
    assert expected == problems(project, text)


@pytest.mark.parametrize("runtime", ["nodejs20.x", "python3.99", "python", "provided.al2023"])
def test_unknown_runtime(runtime: str, project: Path) -> None:
    """A runtime that is not Python's, or that the SDK does not know, is answered with those there are."""
    [problem] = problems(project, HEAD + ECHO.replace("python3.13", runtime))
    assert problem.startswith("7: functions.echo.runtime: must be python3.")
    assert "python3.13" in problem and "nodejs" not in problem


def test_codedeploy(project: Path) -> None:
    """AWS's own configurations by the short name, any other as it is; the application is the project's."""
    role = "arn:aws:iam::123456789012:role/codedeploy"
    linear = f"codedeploy: Linear10PercentEvery1Minute, role: '{role}', alarms: [errors]"
    said = f"{{a: {{alias: x, rollout: {{{linear}}}}}, "
    said += f"b: {{alias: y, rollout: {{codedeploy: Canary20Percent5Minutes, role: '{role}'}}}}}}"
    stages = load(project, f"project: demo\nstages: {said}\nfunctions: {{}}\n").stages
    config = "CodeDeployDefault.LambdaLinear10PercentEvery1Minute"
    assert CodeDeploy(config, role, "dollop-demo", ("errors",)) == stages["a"].rollout
    assert CodeDeploy("Canary20Percent5Minutes", role, "dollop-demo") == stages["b"].rollout


def test_codedeploy_has_room_for_names(project: Path) -> None:
    """A group is named after stage and function, and takes 100 characters: told before anything is called."""
    stage, name, role = "s" * 60, "f" * 60, "arn:aws:iam::123456789012:role/codedeploy"
    said = f"{{{stage}: {{alias: x, rollout: {{codedeploy: AllAtOnce, role: '{role}'}}}}}}"
    (project / "functions" / name).mkdir(parents=True)
    (project / "functions" / name / "echo.py").write_text("def handle(event, context): ...\n")
    function = f"{{{name}: {{handler: echo.handle, runtime: python3.13, role: '{role}'}}}}"
    (found,) = problems(project, f"project: demo\nstages: {said}\nfunctions: {function}\n")
    assert found.startswith(f"2: stages.{stage}.rollout.codedeploy: CodeDeploy's name for {name} in this stage")


def test_canary(project: Path) -> None:
    """A share, a time in the units that are used everywhere, and alarms, each once."""
    said = "{a: {alias: x, rollout: {canary: 5%, for: 1m30s, alarms: [errors, slow, errors]}}, b: {alias: y}}"
    stages = load(project, f"project: demo\nstages: {said}\nfunctions: {{}}\n").stages
    assert (Canary(5, 90, ("errors", "slow")), None) == (stages["a"].rollout, stages["b"].rollout)


@pytest.mark.parametrize(
    ("stages", "expected"),
    [
        ("{test: {}}", ["2: stages.test.alias: is missing"]),
        (
            "{test: {alias: '12'}}",
            ["2: stages.test.alias: may hold letters, digits, - and _, and is more than a number"],
        ),
        (
            "{test: {alias: $LATEST}}",
            ["2: stages.test.alias: may hold letters, digits, - and _, and is more than a number"],
        ),
        ("{test: {alias: 12}}", ["2: stages.test.alias: must be a string: YAML reads this as a number, quote it"]),
        ("{a: {alias: x}, b: {alias: x}}", ["2: stages.b.alias: is the alias of a too"]),
        (
            "{test: {alias: x}, prod: {alias: y, from: tset}}",
            ["2: stages.prod.from: there is no stage 'tset', did you mean test?"],
        ),
        (
            "{prod: {alias: y, from: prod}}",
            ["2: stages.prod.from: leads back to this stage: nothing would ever be built for it"],
        ),
        (
            "{t: {alias: t}, a: {alias: a, from: b}, b: {alias: b, from: a}, c: {alias: c, from: a}}",
            [
                "2: stages.a.from: leads back to this stage: nothing would ever be built for it",
                "2: stages.b.from: leads back to this stage: nothing would ever be built for it",
            ],
        ),
        ("{a: {alias: x, form: b}}", ["2: stages.a.form: is not a known key, did you mean from?"]),
        (
            "{a: {alias: x, rollout: {}}}",
            ["2: stages.a.rollout.canary: is missing", "2: stages.a.rollout.for: is missing"],
        ),
        (
            "{a: {alias: x, rollout: {canary: 100%, for: soon, alarms: [''], alarm: x}}}",
            [
                "2: stages.a.rollout.alarm: is not a known key, did you mean alarms?",
                "2: stages.a.rollout.alarms[0]: must have at least 1 characters",
                "2: stages.a.rollout.canary: must be a share from 1% to 99%, such as 10%",
                "2: stages.a.rollout.for: must be a time such as 90s, 5m or 1h, of at most 45 minutes",
            ],
        ),
        ("{a: {alias: x, rollout: {codedeploy: AllAtOnce}}}", ["2: stages.a.rollout.role: is missing"]),
        (
            "{a: {alias: x, rollout: {codedeploy: 'All at once', role: me, canary: 10%, for: 5m}}}",
            [
                "2: stages.a.rollout.canary: goes not with codedeploy",
                "2: stages.a.rollout.codedeploy: must have the form [A-Za-z0-9+=,.@_-]*",
                "2: stages.a.rollout.for: goes not with codedeploy",
                "2: stages.a.rollout.role: must be the ARN of a role, such as arn:aws:iam::123456789012:role/lambda",
            ],
        ),
        (
            "{a: {alias: x, rollout: {canary: 10%, for: 5m, role: 'arn:aws:iam::123456789012:role/codedeploy'}}}",
            ["2: stages.a.rollout.role: goes not with canary"],
        ),
        (
            "{a: {alias: x, region: eu-west-1, role: 'arn:aws:iam::222222222222:role/ci', "
            "rollout: {codedeploy: AllAtOnce, role: 'arn:aws:iam::123456789012:role/codedeploy'}}}",
            ["2: stages.a.rollout.role: is of another account than the stage's role: CodeDeploy works in 222222222222"],
        ),
        (
            "{a: {alias: x, rollout: {canary: 10, for: 46m}}}",
            [
                "2: stages.a.rollout.canary: must be a share from 1% to 99%, such as 10%",
                "2: stages.a.rollout.for: must be a time such as 90s, 5m or 1h, of at most 45 minutes",
            ],
        ),
    ],
)
def test_stage_problem(stages: str, expected: list[str], project: Path) -> None:
    """Every stage has an alias of its own, and comes in the end from one that is built."""
    assert expected == problems(project, f"project: demo\nstages: {stages}\nfunctions: {{}}\n")


@pytest.mark.parametrize(
    ("name", "second", "expected"),
    [
        ("same", "other", ["10: functions.other: its name in AWS, same, is that of echo too"]),
        (
            "{function}.x",
            "other",
            [
                "5: functions.echo: its name in AWS, 'echo.x', may hold letters, digits, - and _ only",
                "10: functions.other: its name in AWS, 'other.x', may hold letters, digits, - and _ only",
            ],
        ),
        (
            "function:{function}",
            "other",
            [
                "5: functions.echo: its name in AWS, 'function:echo', may hold letters, digits, - and _ only",
                "10: functions.other: its name in AWS, 'function:other', may hold letters, digits, - and _ only",
            ],
        ),
        (
            "{function}-" + "x" * 59,
            "other",
            [f"10: functions.other: its name in AWS, other-{'x' * 59}, is longer than 64 characters"],
        ),
        (
            "{project}_{function}",
            "Echo",
            ["10: functions.Echo: differs from echo in upper and lower case only: some disks cannot hold both"],
        ),
    ],
)
def test_aws_names(name: str, second: str, expected: list[str], project: Path) -> None:
    """The names that functions get in AWS are such as AWS takes, and no two are the same."""
    entry = ECHO + "    source: functions/echo\n"
    text = HEAD + entry + entry.replace("  echo:", f"  {second}:") + f"name: '{name}'\n"
    assert expected == problems(project, text)


def test_everything_at_once(project: Path) -> None:
    """A problem hides no other: not in the same function, nor behind a broken neighbour."""
    text = """\
project: demo
stages:
  test: {alias: test}
  prod: {alias: "1", from: test}
defaults:
  memory: 64
  include: [none]
  environment: {AWS_REGION: a, OK: true}
functions:
  echo:
    handler: echo.handel
    runtime: python3.13
    memroy: 3
    role: nobody
    requirements: none.txt
  broken: 5
  other:
    handler: app
    runtime: python3.13
    role: arn:aws:iam::123456789012:role/lambda
    environment: {_HANDLER: a, lambda: }
"""
    assert [
        "4: stages.prod.alias: may hold letters, digits, - and _, and is more than a number",
        "6: defaults.memory: must be at least 128",
        "7: defaults.include[0]: there is no file or folder none",
        "8: defaults.environment.AWS_REGION: is reserved: Lambda sets it itself",
        "8: defaults.environment.OK: must be a string: YAML reads this as true or false, quote it",
        "11: functions.echo.handler: echo.py does not define handel, did you mean handle?",
        "13: functions.echo.memroy: is not a known key, did you mean memory?",
        "14: functions.echo.role: must be the ARN of a role, such as arn:aws:iam::123456789012:role/lambda",
        "15: functions.echo.requirements: there is no file none.txt",
        "16: functions.broken: must be a mapping",
        "18: functions.other.handler: must be module.function, such as echo.handle",
        "21: functions.other.environment._HANDLER: as a name may hold letters, digits and _, starts with a letter, "
        "and is longer than that",
        "21: functions.other.environment.lambda: has no value",
    ] == problems(project, text)


def test_missing(project: Path) -> None:
    """Role, handler and runtime may come from defaults, but must come from somewhere."""
    text = "defaults: {role: 'arn:aws:iam::123456789012:role/lambda'}\n" + HEAD + "  echo: {}\n"
    assert [
        "6: functions.echo.handler: is missing, here and in defaults",
        "6: functions.echo.runtime: is missing, here and in defaults",
    ] == problems(project, text)


def test_not_there(project: Path) -> None:
    """Without a file, the message names the folder and the way to name another."""
    with pytest.raises(UsageError, match=f"^there is no pipeline.yaml in {project}$") as caught:
        config.load(project / "pipeline.yaml")
    assert 2 == caught.value.exit_code and "dollop -C DIR" in caught.value.hint


def test_not_readable(project: Path) -> None:
    """What is there and cannot be read is not told as absent."""
    (project / "pipeline.yaml").mkdir()
    with pytest.raises(UsageError, match="cannot be read: Is a directory"):
        config.load(project / "pipeline.yaml")


def test_outside_by_link(project: Path) -> None:
    """A source folder that is a link out of the repository is refused."""
    assert ["9: functions.echo.source: leads outside of the repository"] == problems(
        project, HEAD + ECHO + "    source: linked\n"
    )


# ---------------------------------------------------------------- environment


@pytest.mark.parametrize(
    ("values", "size"),
    [
        ({"KEY": "a" * 4086}, None),
        ({"KEY": "a" * 4087}, 4097),
        ({"KEY": "ü" * 2044}, 4098),
        ({"KEY": '"' * 2044}, 4098),
        ({"ONE": "a" * 2040, "TWO": "b" * 2040}, 4099),
    ],
)
def test_environment_size(values: dict[str, str], size: int | None) -> None:
    """Names and values as compact JSON in UTF-8 may take 4096 bytes; {"KEY":""} alone takes 10."""
    secrets = {name: Secret(value) for name, value in values.items()}
    expected = None if size is None else f"takes {size} bytes as JSON; Lambda allows 4096"
    assert expected == environment.size_problem(secrets)


def test_environment_too_large(project: Path) -> None:
    """The limit is for the variables of defaults and function together."""
    text = f"defaults: {{environment: {{ONE: {'a' * 2100}}}}}\n" + HEAD + ECHO
    load(project, text)
    [problem] = problems(project, text + f"    environment: {{TWO: {'b' * 2100}}}\n")
    assert problem == "10: functions.echo.environment: takes 4219 bytes as JSON; Lambda allows 4096"


def test_wrapper_is_not_reserved(project: Path) -> None:
    """Names that begin as Lambda's own do, and that one may set, are taken."""
    assert "AWS_LAMBDA_EXEC_WRAPPER" in echo(project, "environment: {AWS_LAMBDA_EXEC_WRAPPER: /opt/wrap}").environment


@pytest.mark.parametrize(
    "line",
    [
        "environment: {PASSWORD: sekret, DEBUG: true}",
        "environment: [PASSWORD=sekret]",
        "environment: PASSWORD=sekret",
        "environment: {PASSWORD:sekret}",
        "environment: {PASSWORD=sekret: }",
        "environment: {PASSWORD sekret: a}",
        "environment: {PASSWORD: [sekret]}",
        "environment: {PASSWORD: {sekret: sekret}}",
        "environment: {PASSWORD: *sekret}",
        "environment: {PASSWORD: !sekret x}",
        "environment: {PASSWORD: &sekret }",
        "environment: {PASSWORD: '${sekret'}",
        "environment: {PASSWORD: %sekret}",
        "environment: {PASSWORD: @sekret}",
        "environment: {PASSWORD: 'sekret}",
        "environment: {PASSWORD: sekret, PASSWORD: sekret}",
        "environment: {PASSWORD: sekret, AWS_REGION: sekret}",
        "environment: {PASSWORD: sekret%s}" % ("t" * 5000),
        "PASSWORD: sekret",
        "role: sekret",
        "tracing: sekret",
    ],
)
def test_values_are_not_shown(line: str, project: Path) -> None:
    """No message repeats a value, however it went wrong, nor what looks like a key and is a value."""
    with pytest.raises(ConfigError) as caught:
        load(project, HEAD + ECHO + f"    {line}\n")
    assert "sekret" not in f"{caught.value}{caught.value.hint}{caught.value!r}"


# ---------------------------------------------------------------- handlers


@pytest.mark.parametrize(
    ("handler", "expected"),
    [
        ("echo.handle", None),
        ("package.inside.handle", None),
        ("package/inside.handle", None),
        ("package.handle", None),
        ("shared.words.handle", None),
        ("shared/words.handle", None),
        ("single.handle", None),
        ("dashed-name.handle", None),
        ("echo.nothing", "echo.py does not define nothing"),
        ("words.handle", "there is no words.py in the source or in what it includes"),
        ("none.handle", "there is no none.py in the source or in what it includes"),
        ("ehco.handle", "there is no ehco.py in the source or in what it includes, did you mean echo?"),
        (
            "functions/echo/echo.handle",
            "there is no functions/echo/echo.py in the source or in what it includes, did you mean echo?",
        ),
        ("package.none.handle", "there is no package/none.py in the source or in what it includes"),
        ("echo", "must be module.function, such as echo.handle"),
        ("echo.", "must be module.function, such as echo.handle"),
        (".handle", "must be module.function, such as echo.handle"),
        ("../other/app.handle", "must be module.function, such as echo.handle"),
        ("/etc/passwd.handle", "must be module.function, such as echo.handle"),
        ("echo.2handle", "must be module.function, such as echo.handle"),
        ("${env:HANDLER}", "decides what is built: nothing is expanded here"),
    ],
)
def test_handler(handler: str, expected: str | None, project: Path) -> None:
    """The handler's file is in the source, in a package of it, or in something included, under its name."""
    for path in ("package/__init__.py", "package/inside.py", "dashed-name.py"):
        (project / "functions/echo" / path).parent.mkdir(exist_ok=True)
        (project / "functions/echo" / path).write_text("def handle(event, context): ...")
    text = HEAD + ECHO.replace("echo.handle", handler) + "    include: [functions/shared, functions/single.py]\n"
    if expected is None:
        assert handler == load(project, text).functions["echo"].handler
    else:
        assert [f"6: functions.echo.handler: {expected}"] == problems(project, text)


@pytest.mark.parametrize("more", ["requirements: requirements.txt", f"layers: ['{LAYER}']"])
def test_handler_of_a_dependency_or_a_layer(more: str, project: Path) -> None:
    """Those of observers are, which call ours: https://docs.datadoghq.com/serverless/aws_lambda/instrumentation/python/

    What is in the source in part is ours, and looked for as ever.
    """
    other = ECHO.replace("echo.handle", "datadog_lambda.handler.handler") + f"    {more}\n"
    assert "datadog_lambda.handler.handler" == load(project, HEAD + other).functions["echo"].handler
    ours = ECHO.replace("echo.handle", "echo/lost.handle") + f"    {more}\n"
    expected = "there is no echo/lost.py in the source or in what it includes"
    assert [f"6: functions.echo.handler: {expected}"] == problems(project, HEAD + ours)


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("def handle(event, context): ...", None),
        ("class handle: ...", None),
        ("handle = print", None),
        ("handle: object = print", None),
        ("first, (handle, *rest) = range(9)", None),
        ("from elsewhere import handle", None),
        ("from elsewhere import other as handle", None),
        ("from elsewhere import *", None),
        ("import handle.inner", None),
        ("import app as handle", None),
        ("def __getattr__(name): ...", None),
        ("try:\n import fast\nexcept ImportError:\n def handle(e, c): ...", None),
        ("if True:\n pass\nelse:\n with open('x') as handle: ...", None),
        ("for handle in range(3): ...", None),
        ("match 1:\n case 1:\n  def handle(e, c): ...", None),
        ("if (handle := print): ...", None),
        ("@wrapped\nasync def handle(event, context): ...", None),
        ("async def handle(event, context): ...", "handle is async: Lambda's Python runtime does not await it"),
        ("async def handle(e, c): ...\nhandle = run(handle)", None),
        ("", "echo.py does not define handle"),
        ("handle: object", "echo.py does not define handle"),
        ("def other():\n def handle(): ...", "echo.py does not define handle"),
        ("class Other:\n def handle(self): ...", "echo.py does not define handle"),
        ("import handler", "echo.py does not define handle, did you mean handler?"),
        ("print(handle)", "echo.py does not define handle"),
        ("x = [handle for handle in y]", "echo.py does not define handle"),
        ("x = lambda: (handle := 1)", "echo.py does not define handle"),
        ("import handle as other", "echo.py does not define handle"),
        ("# -*- coding: latin-1 -*-\nhandle = '\xe9'", None),
        ("x = 1\ndef handle(:", "echo.py, line 2: invalid syntax"),
        ("handle = '\\d'", None),
        ("def handle(e, c): return " + "(" * 500, "echo.py, line 1: too many nested parentheses"),
        ("handle = " + "-" * 300 + "1" + " + 1" * 900, None),
    ],
)
def test_handler_function(code: str, expected: str | None, project: Path) -> None:
    """The handler is whatever binds its name at the level of the module; nothing is imported to see that."""
    (project / "functions/echo/echo.py").write_bytes(code.encode("latin-1"))
    text = HEAD + ECHO.replace("python3.13", f"python3.{sys.version_info.minor}")
    if expected is None:
        load(project, text)
    else:
        assert [f"6: functions.echo.handler: {expected}"] == problems(project, text)


@pytest.mark.parametrize("code", ["handle = " + "not " * 90_000 + "1", "handle = 1\0"])
def test_handler_beyond_the_parser(code: str, project: Path) -> None:
    """Code that exhausts Python's parser, or is none, is a problem of its own."""
    (project / "functions/echo/echo.py").write_text(code)
    [problem] = problems(project, HEAD + ECHO.replace("python3.13", f"python3.{sys.version_info.minor}"))
    assert problem.startswith("6: functions.echo.handler: echo.py")


@pytest.mark.parametrize("runtime", ["python2.7", "python3.15"])
def test_handler_in_another_language(runtime: str, project: Path) -> None:
    """Code for a Python that this one cannot read is not judged by this one's grammar."""
    (project / "functions/echo/echo.py").write_text("print 'x'; exec tomorrow")
    load(project, HEAD + ECHO.replace("python3.13", runtime))


def test_handler_is_not_run(project: Path) -> None:
    """Looking for the handler executes nothing."""
    ran = project / "ran"
    (project / "functions/echo/echo.py").write_text(f"open({str(ran)!r}, 'w')\ndef handle(event, context): ...")
    load(project, HEAD + ECHO)
    assert not ran.exists()


# ---------------------------------------------------------------- bounds

BOMBS = {
    "laughs": "a0: &a0 [x, x]\n" + "".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 30)),
    "merged laughs": "a0: &a0 {k: 1}\n"
    + "".join(f"a{i}: &a{i} {{<<: *a{i - 1}, k{i}: *a{i - 1}}}\n" for i in range(1, 35)),
    "chain": "a0: &a0 [x]\n" + "".join(f"a{i}: &a{i} [*a{i - 1}]\n" for i in range(1, 9000)),
    "brackets": "[" * 400_000,
    "braces": "{a: " * 200_000,
    "indents": "".join(f"{' ' * i}a:\n" for i in range(900)),
    "large": f"a: {'x' * SIZE_LIMIT}",
    "many": "".join(f"- {i}\n" for i in range(yaml_reader.NODE_LIMIT)),
}


@pytest.mark.parametrize("name", BOMBS)
def test_bombs(name: str, project: Path) -> None:
    """A file made to exhaust time or memory is refused at once."""
    start = time.monotonic()
    [problem] = problems(project, BOMBS[name])
    assert "nested" in problem or "larger" in problem or "holds more" in problem
    assert time.monotonic() - start < 10


@pytest.mark.parametrize(
    "text",
    [
        "".join(f"key{i}: 1\n" for i in range(20_000)),
        HEAD + "  echo:\n" + "".join(f"    key{i}: 1\n" for i in range(20_000)),
        HEAD + ECHO + "    exclude: [" + "1," * 40_000 + "]\n",
    ],
    ids=["keys", "keys of a function", "items"],
)
def test_many_problems(text: str, project: Path) -> None:
    """Of very many problems, a hundred are told and the rest are counted, in bounded time."""
    start = time.monotonic()
    found = problems(project, text)
    assert 100 <= len(found) <= 110 and sum(problem.endswith(" more") for problem in found) == 1
    assert time.monotonic() - start < 10


WORDS = [*shape.keys(()), *shape.keys(("functions", "x")), "alias", "from", "echo.handle", "${env:A}", "40 MB"]
SCALARS = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.sampled_from(WORDS))
TREES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.one_of(st.sampled_from(WORDS), st.text()), inner, max_size=4),
    max_leaves=12,
)
quick = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@quick
@given(function=TREES, stages=TREES, rest=st.dictionaries(st.text(), TREES, max_size=2))
def test_any_tree(function: Any, stages: Any, rest: dict[str, Any], project: Path) -> None:
    """Whatever tree the file holds, the answer is a pipeline or a list of problems, never a traceback."""
    document = {"project": "demo", "stages": stages, "functions": {"echo": function}, "defaults": function, **rest}
    try:
        load(project, yaml.safe_dump(document, allow_unicode=True).encode("utf-8", "replace"))
    except DollopError as error:
        assert isinstance(error, ConfigError) and error.problems


@quick
@given(text=st.text(st.sampled_from("ab:- \n\t[]{}&*!|>'\"%@`#,?<\\0é\u2028"), max_size=80))
def test_any_text(text: str, project: Path) -> None:
    """Whatever text the file holds, the same."""
    with pytest.raises(ConfigError):
        load(project, text)


def test_light(project: Path) -> None:
    """Loading imports no SDK, no pydantic (its core is enough), and pathspec only where patterns are excluded."""
    load(project, HEAD + ECHO)
    program = "import sys; from pathlib import Path; from ci import config; config.load(Path('pipeline.yaml'))"
    program += "; print(*sys.modules)"
    run = subprocess.run(
        [sys.executable, "-c", program], cwd=project, env={"PYTHONPATH": str(Path(config.__file__).parents[2])},
        capture_output=True, text=True, check=True,
    )
    assert {"boto3", "botocore", "pydantic", "pathspec", "difflib"}.isdisjoint(run.stdout.split())
