"""Names and defaults of settings; and what AWS tells of them, in the shape in which it takes them."""

from __future__ import annotations

from typing import Any

import pytest

from ci import service_model, settings
from ci.diff import differing
from tests.unit import given

MEMBERS = frozenset(service_model.members("CreateFunction"))


@pytest.mark.parametrize(
    ("member", "expected"),
    [
        ("MemorySize", "memory"),
        ("VpcConfig", "vpc"),
        ("KMSKeyArn", "kms_key"),
        ("FileSystemConfigs", "file_systems"),
        ("DurableConfig", "durable"),
        ("RuntimeConfig", "runtime_config"),
    ],
)
def test_keys(member: str, expected: str) -> None:
    """A short name of pipeline.yaml's own, or one derived; never one that is taken."""
    assert expected == settings.key_of(member)


def test_every_setting_has_a_key_of_its_own() -> None:
    """Also those that a newer SDK brings."""
    members = MEMBERS - settings.NOT_SETTINGS
    assert len(members) == len({settings.key_of(member) for member in members})
    assert {setting.member for setting in settings.SETTINGS} <= members


def test_every_setting_can_be_read_and_changed() -> None:
    """GetFunction tells it and an update takes it, or no plan would ever be at an end with it; but for the few that a
    function keeps from its creation."""
    told = set(service_model.shape("FunctionConfiguration").members or ())
    updated = {*service_model.members("UpdateFunctionConfiguration"), "Architectures"}
    assert set() == MEMBERS - settings.NOT_SETTINGS - told
    assert settings.AT_CREATION == MEMBERS - settings.NOT_SETTINGS - updated


@pytest.mark.parametrize(
    ("name", "expected"),
    [("SecurityGroupIds", "security_group_ids"), ("KMSKeyArn", "kms_key_arn"), ("Ipv6Allowed", "ipv6_allowed")],
)
def test_snake_case(name: str, expected: str) -> None:
    """Abbreviations stay one word."""
    assert expected == settings.snake_case(name)


@pytest.mark.parametrize(
    ("said", "member", "expected"),
    [
        ({}, "MemorySize", 128),
        ({}, "Timeout", 3),
        ({}, "Architectures", ["x86_64"]),
        ({}, "EphemeralStorage", {"Size": 512}),
        ({"MemorySize": 256}, "MemorySize", 256),
        (
            {"VpcConfig": {"SubnetIds": ["b", "a"]}},
            "VpcConfig",
            {"SubnetIds": ["a", "b"], "SecurityGroupIds": [], "Ipv6AllowedForDualStack": False},
        ),
        ({"VpcConfig": None}, "TracingConfig", {"Mode": "PassThrough"}),
        (
            {"LoggingConfig": {"LogFormat": "JSON", "SystemLogLevel": "WARN"}},
            "LoggingConfig",
            {"LogFormat": "JSON", "LogGroup": "", "ApplicationLogLevel": "INFO", "SystemLogLevel": "WARN"},
        ),
        ({}, "LoggingConfig", {"LogFormat": "Text", "LogGroup": ""}),
    ],
)
def test_complete(said: dict[str, Any], member: str, expected: Any) -> None:
    """What is not said has AWS's default, field by field."""
    assert expected == settings.complete(said)[member]


BARE = {"FunctionName": "echo", "Runtime": "python3.13", "Handler": "echo.handle", "Role": given.ROLE}


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({}, {}),
        ({"VpcConfig": {"SubnetIds": [], "SecurityGroupIds": [], "VpcId": ""}}, {}),
        (
            {"VpcConfig": {"SubnetIds": ["b", "a"], "SecurityGroupIds": ["s"], "VpcId": "vpc-1"}},
            {"VpcConfig": {"SubnetIds": ["a", "b"], "SecurityGroupIds": ["s"]}},
        ),
        ({"Layers": [{"Arn": "arn:l:1", "CodeSize": 7}]}, {"Layers": ["arn:l:1"]}),
        ({"SnapStart": {"ApplyOn": "None", "OptimizationStatus": "Off"}}, {}),
        ({"LoggingConfig": {"LogFormat": "Text", "LogGroup": "/aws/lambda/echo"}}, {}),
        (
            {"LoggingConfig": {"LogFormat": "Text", "LogGroup": "/own"}},
            {"LoggingConfig": {"LogFormat": "Text", "LogGroup": "/own"}},
        ),
        (
            {
                "LoggingConfig": {
                    "LogFormat": "JSON",
                    "ApplicationLogLevel": "INFO",
                    "SystemLogLevel": "INFO",
                    "LogGroup": "/aws/lambda/echo",
                }
            },
            {"LoggingConfig": {"LogFormat": "JSON"}},
        ),
        ({"CodeSha256": "x", "LastModified": "y", "State": "Active", "PackageType": "Zip", "Environment": {}}, {}),
    ],
)
def test_from_aws_is_what_was_said(told: dict[str, Any], said: dict[str, Any]) -> None:
    """Read back, what was written does not differ; what is no setting is left out."""
    read = settings.from_aws(BARE | told, MEMBERS)
    assert () == differing(settings.complete(given.REQUIRED | said), read)
    assert read.keys() <= MEMBERS - settings.NOT_SETTINGS
