"""AWS's answers in the words of the model."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, NoReturn

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
    found = replace(found, environment=dict(found.environment))  # and no later, where it could not be read
    failed = [f"{state.get(f'{key}Reason') or 'no reason given'} ({state.get(f'{key}ReasonCode')})" for key in _STATES
              if state.get(key) == "Failed"]
    return replace(found, failed=failed[0] if failed else "", inactive=state.get("State") == "Inactive")


_STATES = ("State", "LastUpdateStatus")
"""https://docs.aws.amazon.com/lambda/latest/dg/functions-states.html"""


def configuration(item: Mapping[str, Any]) -> LiveVersion:
    """A FunctionConfiguration in the words of the model, without what AWS adds to it."""
    own, written = record.read_version(item.get("Description", ""))
    told = settings.from_aws(item, _members())
    return LiveVersion(
        version=item["Version"],
        settings={key: _taken(key, value) for key, value in told.items()} | {"Description": own},
        environment=_environment(item),
        code_sha256=item["CodeSha256"],
        size=item["CodeSize"],
        modified=item["LastModified"],
        revision=item.get("RevisionId", ""),
        description=item.get("Description", ""),
        record=written,
    )


def _environment(item: Mapping[str, Any]) -> Mapping[str, Secret]:
    told = item.get("Environment") or {}
    if "Error" in told:
        reason = told["Error"].get("Message", "no reason given")
        of = f"{item['FunctionName']}: version {item['Version']}"
        return _Unread(f"{of}: its environment could not be read: {reason}")
    return {name: Secret(value) for name, value in (told.get("Variables") or {}).items()}


class _Unread(Mapping[str, Secret]):
    """Variables that AWS cannot decrypt: whoever looks at them learns why. At those of an old version nobody looks, and
    the key of that may be gone for good.

    https://docs.aws.amazon.com/lambda/latest/api/API_EnvironmentResponse.html
    """

    def __init__(self, why: str) -> None:
        self._why = why

    def _refuse(self) -> NoReturn:
        raise AwsError(self._why, "allow kms:Decrypt on its key; one that is disabled or deleted decrypts nothing")

    def __getitem__(self, name: str) -> Secret:
        self._refuse()

    def __iter__(self) -> Iterator[str]:
        self._refuse()

    def __len__(self) -> int:
        self._refuse()
