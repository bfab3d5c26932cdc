"""Actions in the words of the calls that write them. The only place where secrets are revealed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ci import settings
from ci.aws import Revealed
from ci.model import Secret, Settings
from ci.plan.actions import CreateFunction, UpdateCode, UpdateConfiguration
from ci.record import version_description

NO_CANARY: dict[str, Any] = {"AdditionalVersionWeights": {}}
"""RoutingConfig that sends all traffic to the alias's version."""

_EMPTY: dict[str, Any] = {
    "VpcConfig": {"SubnetIds": [], "SecurityGroupIds": [], "Ipv6AllowedForDualStack": False},
    "DeadLetterConfig": {"TargetArn": ""},
}


def creation(name: str, action: CreateFunction) -> dict[str, Any]:
    """For CreateFunction. What is empty is left out: some of it is only accepted by an update."""
    said = _said(name, action.settings)
    return {
        **{key: value for key, value in said.items() if value not in ("", []) and value != _EMPTY.get(key)},
        "FunctionName": name,
        "Code": _code(action),
        "PackageType": "Zip",
        "Environment": {"Variables": _reveal(action.environment)},
        "Tags": dict(action.tags),
    }


def update(name: str, action: UpdateConfiguration) -> dict[str, Any]:
    """For UpdateFunctionConfiguration."""
    parameters = {"FunctionName": name, **_said(name, action.settings)}
    if action.environment is not None:
        parameters["Environment"] = {"Variables": _reveal(action.environment)}
    if action.record is not None:
        parameters["Description"] = version_description(action.record, action.settings["Description"])
    return parameters


def upload(name: str, action: UpdateCode) -> dict[str, Any]:
    """For UpdateFunctionCode."""
    return {
        "FunctionName": name,
        **_code(action),
        "Architectures": list(action.architectures),
    }


def _code(action: CreateFunction | UpdateCode) -> dict[str, Any]:
    if action.stored:
        return {"S3Bucket": action.stored.bucket, "S3Key": action.stored.key}
    return {"ZipFile": action.package.path.read_bytes()}


def _said(name: str, said: Settings) -> dict[str, Any]:
    revealed = {key: _reveal(value) for key, value in said.items()}
    logging = revealed.get("LoggingConfig")
    if logging and not logging.get("LogGroup"):
        revealed["LoggingConfig"] = {**logging, "LogGroup": settings.log_group(name)}
    return revealed


def _reveal(value: Any) -> Any:
    if isinstance(value, Secret):
        return Revealed(value.reveal())
    if isinstance(value, Mapping):
        return {key: _reveal(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_reveal(item) for item in value]
    return value
