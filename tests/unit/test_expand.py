"""${env:NAME} and ${ssm:/path}: filled in late, once, all or nothing, and never shown."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ci import config
from ci.config.expand import expand
from ci.config.template import Template, well_formed
from ci.errors import AbsentError, AwsError, ConfigError
from ci.model import Pipeline, Secret

HEAD = """\
project: demo
stages: {test: {alias: test}}
defaults: {handler: app.handle, runtime: python3.13, role: "arn:aws:iam::123456789012:role/lambda"}
functions:
"""


class Store:
    """Parameters in memory, and which of them were asked for."""

    def __init__(self, values: dict[str, str]) -> None:
        self.values = values
        self.read: list[str] = []

    def __call__(self, name: str) -> str:
        self.read.append(name)
        if name not in self.values:
            raise AbsentError(f"no parameter {name}")
        return self.values[name]


@pytest.fixture
def load(tmp_path: Path) -> Callable[[str], Pipeline]:
    """A pipeline from the lines below ``functions:``, which start on line 5."""

    def loaded(functions: str) -> Pipeline:
        for name in ("one", "two"):
            (tmp_path / "functions" / name).mkdir(parents=True, exist_ok=True)
            (tmp_path / "functions" / name / "app.py").write_text("def handle(event, context): ...")
        (tmp_path / "pipeline.yaml").write_text(HEAD + functions)
        return config.load(tmp_path / "pipeline.yaml")

    return loaded


def problems(caught: pytest.ExceptionInfo[ConfigError]) -> list[str]:
    assert 2 == caught.value.exit_code
    return [str(problem).partition("pipeline.yaml:")[2] for problem in caught.value.problems]


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("plain", "plain"),
        ("${env:A}", "a"),
        ("${ssm:/x/y}", "xy"),
        ("postgres://${env:A}:${ssm:/x/y}@host/$db", "postgres://a:xy@host/$db"),
        ("${env:A}${env:A}", "aa"),
        ("${env:EMPTY}", ""),
        ("$${env:A}", "${env:A}"),
        ("$$${env:A}", "$${env:A}"),
        ("$${", "${"),
        ("a $ b $$ {c}", "a $ b $$ {c}"),
        ("${env:NESTED}", "${env:A}"),
        ("${ssm:name:3}", "third"),
    ],
)
def test_environment(written: str, expected: str, load: Callable[[str], Pipeline]) -> None:
    """References are filled in wherever they stand, $${ stands for ${, and what was filled in is left as it is."""
    pipeline = load(f"  one:\n    environment:\n      KEY: '{written}'\n")
    environ = {"A": "a", "EMPTY": "", "NESTED": "${env:A}"}
    expanded = expand(pipeline, environ, Store({"/x/y": "xy", "name:3": "third"}))
    assert {"KEY": Secret(expected)} == expanded.functions["one"].environment
    assert expanded == expand(expanded, {}, Store({}))


def test_settings(load: Callable[[str], Pipeline]) -> None:
    """Settings are filled in too, and are secret from then on; what was only unescaped is not."""
    pipeline = load(
        "  one:\n    role: ${env:ROLE}\n    description: costs $${5}\n    tracing: ${env:MODE}\n"
        "    vpc: {subnet_ids: ['${env:LAST}', 'subnet-2'], security_group_ids: []}\n"
        "    logging: {log_format: '${env:FORMAT}'}\n"
    )
    role = "arn:aws:iam::123456789012:role/other"
    environ = {"ROLE": role, "MODE": "Active", "LAST": "subnet-3", "FORMAT": "JSON"}
    settings = expand(pipeline, environ, Store({})).functions["one"].settings
    assert Secret(role) == settings["Role"]
    assert "costs ${5}" == settings["Description"]
    assert {"Mode": Secret("Active")} == settings["TracingConfig"]
    assert ["subnet-2", Secret("subnet-3")] == settings["VpcConfig"]["SubnetIds"]
    assert (Secret("JSON"), "INFO") == tuple(settings["LoggingConfig"][key] for key in ("LogFormat", "SystemLogLevel"))
    assert role not in repr(settings)


def test_equal_values_elsewhere_stay_readable(load: Callable[[str], Pipeline]) -> None:
    """A secret that happens to be what a setting of its own says does not hide that setting."""
    pipeline = load("  one: {description: '${env:D}', architecture: arm64}\n")
    function = expand(pipeline, {"D": "arm64"}, Store({})).functions["one"]
    assert (Secret("arm64"), "arm64") == (function.settings["Description"], function.architecture)


def test_each_parameter_is_read_once(load: Callable[[str], Pipeline]) -> None:
    """However many functions name it."""
    entry = "{environment: {AA: '${ssm:/p}', BB: 'x${ssm:/p}${ssm:/q}'}}"
    store = Store({"/p": "1", "/q": "2"})
    expanded = expand(load(f"  one: {entry}\n  two: {entry}\n"), {}, store)
    assert ["/p", "/q"] == sorted(store.read)
    assert Secret("x12") == expanded.functions["two"].environment["BB"]


def test_only_what_is_asked_for(load: Callable[[str], Pipeline]) -> None:
    """The other functions' parameters are not read, and their templates stay unusable."""
    pipeline = load("  one: {environment: {AA: '${ssm:/p}'}}\n  two: {environment: {AA: '${ssm:/absent}'}}\n")
    store = Store({"/p": "1"})
    expanded = expand(pipeline, {}, store, ["one"])
    assert ["/p"] == store.read
    assert Secret("1") == expanded.functions["one"].environment["AA"]
    assert pipeline.functions["two"] == expanded.functions["two"]
    assert isinstance(expanded.functions["two"].environment["AA"], Template)
    assert pipeline == expand(pipeline, {}, store, [])


def test_everything_missing_at_once(load: Callable[[str], Pipeline]) -> None:
    """Each missing name, with the line and the function that needs it."""
    pipeline = load(
        "  one:\n    role: ${env:ROLE}\n    environment:\n      AA: ${env:NO}${ssm:/no}\n      BB: ${env:YES}\n"
        "  two:\n    environment:\n      AA: ${env:NO}\n"
    )
    store = Store({})
    with pytest.raises(ConfigError) as caught:
        expand(pipeline, {"YES": "sekret"}, store)
    assert [
        "6: functions.one.role: the environment variable ROLE is not set",
        "8: functions.one.environment.AA: the environment variable NO is not set",
        "8: functions.one.environment.AA: there is no SSM parameter /no",
        "12: functions.two.environment.AA: the environment variable NO is not set",
    ] == problems(caught)
    assert ["/no"] == store.read


def test_a_parameter_that_cannot_be_read(load: Callable[[str], Pipeline]) -> None:
    """Denied or unreachable is not missing: the reader's own error goes through."""

    def denied(name: str) -> str:
        raise AwsError("access denied", code="AccessDeniedException")

    with pytest.raises(AwsError, match="access denied"):
        expand(load("  one: {environment: {AA: '${ssm:/p}'}}\n"), {}, denied)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (
            "role: '${env:V}'",
            "5: functions.one.role: must be the ARN of a role, such as arn:aws:iam::123456789012:role/lambda, "
            "once ${...} is filled in",
        ),
        ("tracing: '${env:V}'", "5: functions.one.tracing: must be Active or PassThrough, once ${...} is filled in"),
        (
            "vpc: {subnet_ids: ['${env:V}']}",
            "5: functions.one.vpc: must have the form subnet-[0-9a-z]*, once ${...} is filled in",
        ),
        (
            "description: '${env:LONG}'",
            "5: functions.one.description: must have at most 96 characters, once ${...} is filled in",
        ),
        (
            "environment: {KEY: '${env:LONGER}'}",
            "5: functions.one.environment: takes 5010 bytes as JSON; Lambda allows 4096, once ${...} is filled in",
        ),
    ],
)
def test_checked_again(line: str, expected: str, load: Callable[[str], Pipeline]) -> None:
    """What Lambda would refuse is told without being shown."""
    environ = {"V": "sekret", "LONG": "sekret" * 20, "LONGER": "sekret" * 833 + "se"}
    with pytest.raises(ConfigError) as caught:
        expand(load(f"  one: {{{line}}}\n"), environ, Store({}))
    assert [expected] == problems(caught)
    assert "sekret" not in f"{caught.value}{caught.value!r}"


@given(text=st.text(st.sampled_from("$={}:/envsm aA"), max_size=40))
def test_any_text(text: str) -> None:
    """Text that is well formed fills in without a reference left over; escaping any text gives it back."""
    values: dict[tuple[str, str], Any] = {}
    template = Template(text, 1)
    if well_formed(text):
        for reference in template.references():
            values[reference] = "!"
        assert "${" not in template.fill(lambda kind, name: values[kind, name]).replace("${", "", text.count("$${"))
    assert text == Template(text.replace("${", "$${"), 1).fill(lambda kind, name: "?")
