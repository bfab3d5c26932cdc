"""What a policy of IAM is made of. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Statement:
    """What is allowed, on what, and under which condition."""

    sid: str
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    condition: Mapping[str, Any] | None = None

    def data(self) -> dict[str, Any]:
        """The statement as IAM reads it."""
        data = {"Sid": self.sid, "Effect": "Allow", "Action": list(self.actions), "Resource": list(self.resources)}
        return data | ({"Condition": dict(self.condition)} if self.condition else {})


@dataclass(frozen=True)
class Place:
    """Where the functions are: what every ARN begins with."""

    partition: str
    region: str
    account: str

    def arn(self, service: str, resource: str) -> str:
        return f"arn:{self.partition}:{service}:{self.region}:{self.account}:{resource}"
