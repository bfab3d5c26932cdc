"""What a policy of IAM is made of. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

POLICY_LIMIT = 6144
"""Characters of a managed policy, without white space:
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html"""

Document = Mapping[str, Any]


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


def packed(statements: Iterable[Statement]) -> tuple[Document, ...]:
    """As few documents as hold the statements in their order; one that does not fit is cut between two resources."""
    documents: list[list[Statement]] = [[]]
    for statement in statements:
        part = replace(statement, resources=())
        for resource in statement.resources:
            longer = replace(part, resources=(*part.resources, resource))
            if size(_document([*documents[-1], longer])) <= POLICY_LIMIT:
                part = longer
                continue
            documents[-1] += [part] if part.resources else []
            documents.append([])
            part = replace(part, resources=(resource,))
        documents[-1] += [part] if part.resources else []
    return tuple(_document(statements) for statements in documents)


def _document(statements: Iterable[Statement]) -> Document:
    return {"Version": "2012-10-17", "Statement": [statement.data() for statement in statements]}


def size(document: Document) -> int:
    """Characters that IAM counts: white space is free."""
    return len(json.dumps(document, separators=(",", ":")))
