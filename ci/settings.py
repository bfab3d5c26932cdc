"""The settings of a function: their names in pipeline.yaml, in AWS, and AWS's defaults. Pure.

Shapes, limits and enumerations come from the SDK's service model (``service_model``); the defaults
are not in it and are retyped here from
https://docs.aws.amazon.com/lambda/latest/api/API_CreateFunction.html
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Setting:
    """``key`` in pipeline.yaml is ``member`` of CreateFunction; ``default`` is what AWS has when it is not said."""

    key: str
    member: str
    default: Any = None


SETTINGS = (
    Setting("description", "Description", ""),
    Setting("runtime", "Runtime"),
    Setting("architecture", "Architectures", ["x86_64"]),
    Setting("handler", "Handler"),
    Setting("role", "Role"),
    Setting("memory", "MemorySize", 128),
    Setting("timeout", "Timeout", 3),
    Setting("vpc", "VpcConfig", {"SubnetIds": [], "SecurityGroupIds": [], "Ipv6AllowedForDualStack": False}),
    Setting("layers", "Layers", []),
    Setting("dead_letter", "DeadLetterConfig", {"TargetArn": ""}),
    Setting("kms_key", "KMSKeyArn", ""),
    Setting("tracing", "TracingConfig", {"Mode": "PassThrough"}),
    Setting("ephemeral_storage", "EphemeralStorage", {"Size": 512}),
    Setting("snap_start", "SnapStart", {"ApplyOn": "None"}),
    Setting("logging", "LoggingConfig", {"LogFormat": "Text", "LogGroup": ""}),
    Setting("file_systems", "FileSystemConfigs", []),
)
"""In the order in which a plan lists them. Members of CreateFunction that are not here (those that
came with a newer SDK) are known by their derived key, ``key_of``, and managed only when they are said."""

NOT_SETTINGS = frozenset(
    {
        *("FunctionName", "Code", "Publish", "PublishTo", "PackageType", "ImageConfig", "Environment", "Tags"),
        "CodeSigningConfigArn",
    }
)
"""Members of CreateFunction that are said in another way, that a zip package does not have, or (code signing) that
GetFunction does not tell and UpdateFunctionConfiguration does not take: a plan could never be at an end with it."""

AT_CREATION = frozenset({"TenancyConfig"})
"""Members of CreateFunction that no update takes: what a function was created with, it keeps."""

DESCRIPTION_LIMIT = 96
"""Characters of ``description``. AWS allows 256; a version's record needs the rest."""

_KEYS = {setting.member: setting.key for setting in SETTINGS}
_DEFAULTS = {setting.member: setting.default for setting in SETTINGS if setting.default is not None}


def key_of(member: str) -> str:
    """The name in pipeline.yaml of a member of CreateFunction: ``DurableConfig`` -> ``durable``.

    ``RuntimeConfig`` stays ``runtime_config``: ``runtime`` is taken.
    """
    if member in _KEYS:
        return _KEYS[member]
    short = snake_case(re.sub(r"(Config|Configs|Arn)$", "", member))
    return snake_case(member) if short in _KEYS.values() else short


def snake_case(name: str) -> str:
    """``SecurityGroupIds`` -> ``security_group_ids``; ``KMSKeyArn`` -> ``kms_key_arn``."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()


def leaves(value: Any) -> Iterator[Any]:
    """What there is in a setting's value, however deep, that is neither a mapping nor a list."""
    if isinstance(value, Mapping | list):
        for each in value.values() if isinstance(value, Mapping) else value:
            yield from leaves(each)
    else:
        yield value


def complete(said: Mapping[str, Any], aws_name: str = "") -> dict[str, Any]:
    """``said`` (in AWS's shape) with AWS's default for each setting, and for each field, that it leaves out.

    The log group that a function called ``aws_name`` has by default is none that is said.
    """
    settings = dict(said)
    for member, default in _DEFAULTS.items():
        value = settings.get(member)
        if isinstance(default, dict):
            settings[member] = default | (value or {})
        elif value is None:
            settings[member] = default
    logging, vpc = settings["LoggingConfig"], settings["VpcConfig"]
    if logging["LogGroup"] == log_group(aws_name):
        logging = settings["LoggingConfig"] = logging | {"LogGroup": ""}
    if logging["LogFormat"] == "JSON":
        settings["LoggingConfig"] = {"ApplicationLogLevel": "INFO", "SystemLogLevel": "INFO"} | logging
    # AWS answers these in an order of its own.
    settings["VpcConfig"] = vpc | {key: sorted(vpc[key], key=str) for key in ("SubnetIds", "SecurityGroupIds")}
    return settings


def from_aws(configuration: Mapping[str, Any], members: Container[str]) -> dict[str, Any]:
    """The settings in AWS's description of a function, in the shape in which CreateFunction takes them.

    ``members`` are those of CreateFunction; whatever else AWS tells is no setting.
    https://docs.aws.amazon.com/lambda/latest/api/API_FunctionConfiguration.html
    """
    found = {name: value for name, value in configuration.items() if name in members and name not in NOT_SETTINGS}
    found["Layers"] = [layer["Arn"] for layer in found.get("Layers", [])]
    return complete(found, configuration["FunctionName"])


def log_group(aws_name: str) -> str:
    """The log group of a function that names none: in settings it is the empty string.

    https://docs.aws.amazon.com/lambda/latest/api/API_LoggingConfig.html
    """
    return f"/aws/lambda/{aws_name}"


def log_group_of(aws_name: str, said: Mapping[str, Any]) -> str:
    """The log group that a function with the settings ``said`` writes to."""
    return str((said.get("LoggingConfig") or {}).get("LogGroup") or log_group(aws_name))
