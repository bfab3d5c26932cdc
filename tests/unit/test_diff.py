"""What counts as a difference between what is said and what runs, and how it reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from ci import diff, settings
from ci.config.template import Template
from ci.model import Package, Secret
from ci.model.live import LiveFunction, VersionRecord
from ci.plan.changes import Change, CodeChange, FileChange
from tests.unit import given
from tests.unit.given import alias, file, found, function, package, version


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ({}, {}, []),
        ({"MemorySize": 128}, {"MemorySize": 256}, [Change("memory", "128", "256")]),
        ({"Timeout": 3}, {"Timeout": 900}, [Change("timeout", "3", "900")]),
        ({}, {"Description": "Greets"}, [Change("description", None, "Greets")]),
        ({"Description": "Greets"}, {}, [Change("description", "Greets", None)]),
        ({}, {"Runtime": "python3.14"}, [Change("runtime", "python3.13", "python3.14")]),
        ({}, {"Architectures": ["arm64"]}, [Change("architecture", "x86_64", "arm64")]),
        ({}, {"TracingConfig": {"Mode": "Active"}}, [Change("tracing", "PassThrough", "Active")]),
        ({}, {"EphemeralStorage": {"Size": 1024}}, [Change("ephemeral_storage", "512", "1024")]),
        ({}, {"SnapStart": {"ApplyOn": "PublishedVersions"}}, [Change("snap_start", "None", "PublishedVersions")]),
        ({"DeadLetterConfig": {"TargetArn": "arn:q"}}, {}, [Change("dead_letter", "arn:q", None)]),
        ({"Layers": ["arn:a:1", "arn:b:1"]}, {"Layers": ["arn:b:1", "arn:a:1"]}, [
            Change("layers", "arn:a:1,arn:b:1", "arn:b:1,arn:a:1")
        ]),
        (
            {"MemorySize": 128, "Timeout": 3, "Handler": "a.b"},
            {"MemorySize": 256, "Timeout": 9, "Handler": "c.d"},
            [Change("handler", "a.b", "c.d"), Change("memory", "128", "256"), Change("timeout", "3", "9")],
        ),
        ({"VpcConfig": {"SubnetIds": ["b", "a"]}}, {"VpcConfig": {"SubnetIds": ["a", "b"]}}, []),
        ({"VpcConfig": {"SubnetIds": ["a"], "VpcId": "vpc-1"}}, {"VpcConfig": {"SubnetIds": ["a"]}}, []),
        ({"SnapStart": {"ApplyOn": "None", "OptimizationStatus": "Off"}}, {}, []),
        ({"LoggingConfig": {"LogFormat": "JSON"}}, {"LoggingConfig": {"LogFormat": "JSON"}}, []),
        (
            {"LoggingConfig": {"LogFormat": "JSON"}},
            {"LoggingConfig": {"LogFormat": "JSON", "ApplicationLogLevel": "DEBUG"}},
            [
                Change(
                    "logging",
                    "ApplicationLogLevel=INFO SystemLogLevel=INFO LogFormat=JSON",
                    "ApplicationLogLevel=DEBUG SystemLogLevel=INFO LogFormat=JSON",
                )
            ],
        ),
        ({"KMSKeyArn": "arn:k"}, {"KMSKeyArn": Secret("arn:k")}, []),
        ({"KMSKeyArn": "arn:k"}, {"KMSKeyArn": Secret("arn:l")}, [Change("kms_key", verb="changed")]),
        ({}, {"KMSKeyArn": Secret("arn:l")}, [Change("kms_key", verb="added")]),
        ({"Layers": ["arn:a"]}, {"Layers": [Secret("arn:b")]}, [Change("layers", verb="changed")]),
        ({"VpcConfig": {"SubnetIds": ["a"]}}, {"VpcConfig": {"SubnetIds": [Secret("b")]}}, [
            Change("vpc", verb="changed")
        ]),
    ],
)
def test_settings(before: Mapping[str, Any], after: Mapping[str, Any], expected: list[Change]) -> None:
    """A setting's own words, in the order of pipeline.yaml's keys; what AWS works out by itself is no difference."""
    changes = diff.configuration(function(**after), version(**before))
    assert expected == [replace(one, before=_sorted(one.before), after=_sorted(one.after)) for one in changes]


def _sorted(text: str | None) -> str | None:
    """Fields of a mapping have no order."""
    order = ("ApplicationLogLevel", "SystemLogLevel", "LogFormat")
    if text is None or "=" not in text:
        return text
    return " ".join(sorted(text.split(), key=lambda field: order.index(field.partition("=")[0])))


def test_a_log_group_set_by_hand_is_a_difference() -> None:
    """The default has no name in pipeline.yaml; a group of one's own, which nobody has said, is seen."""
    configuration = {**given.REQUIRED, "FunctionName": "echo"}
    own = settings.from_aws(configuration | {"LoggingConfig": {"LogFormat": "Text", "LogGroup": "/mine"}}, MEMBERS)
    default = {"LoggingConfig": {"LogFormat": "Text", "LogGroup": "/aws/lambda/echo"}}
    assert ("LoggingConfig",) == diff.differing(function().settings, own)
    assert () == diff.differing(function().settings, settings.from_aws(configuration | default, MEMBERS))


MEMBERS = frozenset(setting.member for setting in settings.SETTINGS)


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ({}, {}, []),
        ({"A": "1"}, {"A": "1"}, []),
        ({"A": "1"}, {"A": "2"}, [Change("A", verb="changed")]),
        ({}, {"A": "1"}, [Change("A", verb="added")]),
        ({"A": "1"}, {}, [Change("A", verb="removed")]),
        ({"A": ""}, {}, [Change("A", verb="removed")]),
        ({"B": "1", "C": "1"}, {"C": "2", "A": "1"}, [
            Change("A", verb="added"), Change("B", verb="removed"), Change("C", verb="changed")
        ]),
    ],
)
def test_environment(before: Mapping[str, str], after: Mapping[str, str], expected: list[Change]) -> None:
    """Names and what becomes of them; never a value."""
    assert expected == list(diff.environment(given.secrets(before), given.secrets(after)))


def test_a_setting_that_pipeline_yaml_takes_from_outside_is_hidden_between_versions() -> None:
    """Two versions of AWS hold it in the clear; the template in pipeline.yaml tells that it is secret."""
    said = function(KMSKeyArn=Template("${ssm:/key}", 1)).settings
    (change,) = diff.configuration(version(KMSKeyArn="arn:new"), version(KMSKeyArn="arn:old"), said)
    assert Change("kms_key", verb="changed") == change


@pytest.mark.parametrize(
    ("wanted", "there", "expected"),
    [
        (None, {"a": "1"}, []),
        ({}, {}, []),
        ({}, {"a": "1"}, [Change("tag a", "1", None)]),
        ({"a": "1"}, {}, [Change("tag a", None, "1")]),
        ({"a": "2"}, {"a": "1"}, [Change("tag a", "1", "2")]),
        ({"a": "1"}, {"a": "1", "aws:cloudformation:stack-name": "s"}, []),
    ],
)
def test_tags(wanted: dict[str, str] | None, there: dict[str, str], expected: list[Change]) -> None:
    """Those that are said; AWS's own stay out of it."""
    assert expected == list(diff.tags(function(tags=wanted), found(version(), tags=there)))


@pytest.mark.parametrize(
    ("wanted", "there", "expected"),
    [
        (None, 5, []),
        (5, 5, []),
        (5, None, [Change("concurrency", None, "5")]),
        (0, 5, [Change("concurrency", "5", "0")]),
        (5, 0, [Change("concurrency", "0", "5")]),
    ],
)
def test_concurrency(wanted: int | None, there: int | None, expected: list[Change]) -> None:
    """Nothing said is not managed; none (0) is not the same as unlimited."""
    assert expected == list(diff.concurrency(function(concurrency=wanted), found(version(), concurrency=there)))


OLD = package({"echo.py": "v1"})


@pytest.mark.parametrize(
    ("built", "record", "expected"),
    [
        (OLD, None, True),
        (replace(OLD, code_sha256="other zip"), VersionRecord("c", OLD.digest, OLD.code_sha256), True),
        (replace(OLD, code_sha256="other zip"), None, False),
        (replace(OLD, code_sha256="other zip"), VersionRecord("c", OLD.digest, "of other code"), False),
        (package({"echo.py": "v2"}), VersionRecord("c", OLD.digest, OLD.code_sha256), False),
    ],
)
def test_same_code(built: Package, record: VersionRecord | None, expected: bool) -> None:
    """Equal bytes, or equal content by a record that is about the code that is there."""
    assert expected is diff.same_code(built, replace(version(built=OLD), record=record))


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ([file("a", "1")], [file("a", "2")], [FileChange("~", "a")]),
        ([file("a", "1")], [file("a", "1"), file("b")], [FileChange("+", "b")]),
        ([file("a", "1"), file("b")], [file("b")], [FileChange("-", "a")]),
        ([file("a", "1", 0o644)], [file("a", "1", 0o755)], [FileChange("~", "a")]),
        ([replace(file("a", "1"), sha256="")], [file("a", "1")], []),
        ([replace(file("a", "1"), sha256="another with its CRC")], [file("a", "1")], [FileChange("~", "a")]),
        ([file("b"), file("c")], [file("a"), file("c", "2")], [
            FileChange("+", "a"), FileChange("-", "b"), FileChange("~", "c")
        ]),
    ],
)
def test_files(before: list[Any], after: list[Any], expected: list[FileChange]) -> None:
    """By path; content and mode count, as they do for the digest."""
    change = diff.code(replace(OLD, files=tuple(after)), replace(version(), files=tuple(before)))
    assert expected == list(change.files or ())


def test_files_that_could_not_be_read() -> None:
    """Nothing is said of them, not that none differs."""
    assert CodeChange(641, 700, None, ()) == diff.code(replace(OLD, size=700), version(files=False))


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("requests-2.31.0", "requests-2.32.0", [Change("requests", "2.31.0", "2.32.0")]),
        (None, "requests-2.32.0", [Change("requests", None, "2.32.0")]),
        ("requests-2.32.0", None, [Change("requests", "2.32.0", None)]),
        ("Zope.Interface-6.0", "zope_interface-6.0", []),
        ("typing_extensions-4.0.0", "typing_extensions-4.1.0", [Change("typing-extensions", "4.0.0", "4.1.0")]),
    ],
)
def test_dependencies(before: str | None, after: str | None, expected: list[Change]) -> None:
    """Read off the .dist-info folders; names are compared as the index compares them (PEP 503)."""
    old, new = ((file(f"{one}.dist-info/METADATA"),) if one else () for one in (before, after))
    change = diff.code(replace(OLD, files=new), replace(version(), files=old))
    assert expected == list(change.dependencies)


@pytest.mark.parametrize(
    ("live", "expected"),
    [
        pytest.param(None, False, id="AWS has no such function"),
        pytest.param(found(version(), aliases=()), False, id="the stage has no alias"),
        pytest.param(found(version()), True, id="as wanted"),
        pytest.param(found(version(built=package({"a.py": ""}))), False, id="other code"),
        pytest.param(found(version(MemorySize=256)), False, id="another setting"),
        pytest.param(found(version(environment={"A": "1"})), False, id="another environment"),
        pytest.param(found(version(), aliases=(alias("$LATEST"),)), False, id="no version"),
    ],
)
def test_settled(live: LiveFunction | None, expected: bool) -> None:
    """Only what runs, by a version, counts."""
    assert expected is diff.settled(function(), package(), live)


def test_creation() -> None:
    """What is said beyond AWS's defaults; the environment by name only."""
    wanted = function(
        environment={"GREETING": "Guten tag"}, tags={"b": "2", "a": "1"}, concurrency=5, MemorySize=256,
        KMSKeyArn=Secret("k"),
    )
    assert (
        Change("runtime", None, "python3.13"),
        Change("handler", None, "echo.handle"),
        Change("role", None, given.ROLE),
        Change("memory", None, "256"),
        Change("kms_key", verb="added"),
        Change("GREETING", verb="added"),
        Change("tag a", None, "1"),
        Change("tag b", None, "2"),
        Change("concurrency", None, "5"),
    ) == diff.creation(wanted)
