"""AWS's answers in the words of the model."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ci import record, service_model, settings
from ci.errors import AwsError
from ci.model import Secret
from ci.model.live import LiveAlias, LiveVersion


@functools.cache
def _members() -> Mapping[str, service_model.Shape]:
    return service_model.members("CreateFunction")


def _taken(member: str, value: Any) -> Any:
    """``value`` without the fields that AWS tells and CreateFunction does not take, such as VpcConfig.VpcId."""
    fields = _members()[member].members if member in _members() else None
    return {key: each for key, each in value.items() if key in fields} if fields and isinstance(value, dict) else value


def alias(item: Mapping[str, Any]) -> LiveAlias:
    """An alias from ListAliases' answer."""
    description, handed = record.read_handed(item.get("Description", ""))
    description, canary = record.read_canary(description)
    weights, points = item.get("RoutingConfig", {}).get("AdditionalVersionWeights") or {}, item["FunctionVersion"]
    ours = canary is not None and canary.before == points and {canary.version} == weights.keys()
    if handed and handed.version == points and not weights:
        description, handed = record.arrived(description, handed), None
    elif handed and not (handed.before == points and weights.keys() <= {handed.version}):
        handed = None
    return LiveAlias(
        name=item["Name"],
        version=points,
        revision=item["RevisionId"],
        description=description,
        record=record.read_alias(description),
        weights=weights,
        canary=canary if ours else None,
        handed=handed,
    )


def version(answer: Mapping[str, Any]) -> LiveVersion:
    """A version from GetFunction's answer."""
    found, state = configuration(answer["Configuration"]), answer["Configuration"]
    failed = [f"{state.get(f'{key}Reason') or 'no reason given'} ({state.get(f'{key}ReasonCode')})" for key in _STATES
              if state.get(key) == "Failed"]
    return replace(found, failed=failed[0] if failed else "", inactive=state.get("State") == "Inactive")


_STATES = ("State", "LastUpdateStatus")
"""https://docs.aws.amazon.com/lambda/latest/dg/functions-states.html"""


def configuration(item: Mapping[str, Any]) -> LiveVersion:
    """A FunctionConfiguration in the words of the model, without what AWS adds to it."""
    environment = item.get("Environment") or {}
    if "Error" in environment:
        reason = environment["Error"].get("Message", "no reason given")
        raise AwsError(
            f"{item['FunctionName']}: its environment could not be read: {reason}", "allow kms:Decrypt on its key"
        )
    own, written = record.read_version(item.get("Description", ""))
    told = settings.from_aws(item, _members())
    return LiveVersion(
        version=item["Version"],
        settings={key: _taken(key, value) for key, value in told.items()} | {"Description": own},
        environment={name: Secret(value) for name, value in (environment.get("Variables") or {}).items()},
        code_sha256=item["CodeSha256"],
        size=item["CodeSize"],
        modified=item["LastModified"],
        revision=item.get("RevisionId", ""),
        description=item.get("Description", ""),
        record=written,
    )
