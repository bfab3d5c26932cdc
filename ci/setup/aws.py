"""pipeline.yaml -> a CloudFormation template: GitHub as an identity provider, and the roles of the workflows. Pure.

https://docs.github.com/en/actions/how-tos/secure-your-work/security-harden-deployments/oidc-in-aws
https://docs.github.com/en/actions/reference/security/oidc
https://aws.amazon.com/about-aws/whats-new/2026/01/aws-sts-supports-validation-identity-provider-claims/
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ci.errors import UsageError
from ci.model import Pipeline
from ci.policy import Role

BODY_LIMIT = 51_200
"""Bytes of a template that is sent with the call:
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html"""

BRANCH = "master"
"""The branch that the workflows deploy."""

ISSUER = "token.actions.githubusercontent.com"
_NOT_A_WORKFLOW = "observe"


@dataclass(frozen=True)
class Repository:
    """A repository on GitHub. With the numbers of owner and repository, nobody who takes over the names is trusted."""

    owner: str
    name: str
    owner_id: str = "*"
    id: str = "*"

    @property
    def numbered(self) -> bool:
        return "*" not in (self.owner_id, self.id)

    def subjects(self, *contexts: str) -> list[str]:
        """How its jobs name themselves, in the older form and in the one with numbers."""
        names = (f"{self.owner}/{self.name}", f"{self.owner}@{self.owner_id}/{self.name}@{self.id}")
        return [f"repo:{name}:{context}" for context in contexts for name in names]


_PART = r"[A-Za-z0-9_.-]+"


def repository(text: str, owner_id: str | None = None, id: str | None = None) -> Repository:
    """``owner/name``. Raises UsageError for anything else: a wildcard here would trust strangers."""
    match = re.fullmatch(rf"({_PART})/({_PART})", text)
    if not match or not all(number is None or number.isdecimal() for number in (owner_id, id)):
        raise UsageError(f"not a repository on GitHub: {text!r}", "name it owner/name, and the two numbers by digits")
    return Repository(match[1], match[2], owner_id or "*", id or "*")


def template(
    pipeline: Pipeline, roles: Iterable[Role], trusted: Repository, partition: str = "aws"
) -> dict[str, Any]:
    """The template. Only the jobs that need a role can take it on, whatever a pull request says.

    ``partition``: AWS compares the number of a repository by itself in its commercial regions only.
    """
    id = trusted.id if trusted.id != "*" and partition == "aws" else ""
    resources: dict[str, Any] = {
        "Provider": {
            "Type": "AWS::IAM::OIDCProvider",
            "Condition": "HasNoProvider",
            "DeletionPolicy": "Retain",  # other repositories of the account use it too
            "UpdateReplacePolicy": "Retain",
            "Properties": {"Url": f"https://{ISSUER}", "ClientIdList": ["sts.amazonaws.com"]},
        }
    }
    outputs: dict[str, Any] = {}
    for role in roles:
        if role.name == _NOT_A_WORKFLOW or role.account:
            continue
        logical = output(role.name)
        resources[f"{logical}Role"] = {
            "Type": "AWS::IAM::Role",
            "Properties": {
                "RoleName": f"{pipeline.project}-{role.name}"[:64],
                "Description": role.purpose,
                "MaxSessionDuration": 3600,
                "AssumeRolePolicyDocument": _trust(trusted.subjects(*_contexts(role.name)), id),
            },
        }
        for number, document in enumerate(role.documents, 1):
            resources[f"{logical}Policy{number}"] = {
                "Type": "AWS::IAM::ManagedPolicy",
                "Properties": {
                    "Description": f"{role.purpose} ({number} of {len(role.documents)})",
                    "PolicyDocument": document,
                    "Roles": [{"Ref": f"{logical}Role"}],
                },
            }
        outputs[logical] = {"Description": role.purpose, "Value": {"Fn::GetAtt": [f"{logical}Role", "Arn"]}}
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": f"The roles of the workflows of {trusted.owner}/{trusted.name}, written by dollop setup aws",
        "Parameters": {
            "ProviderArn": {
                "Type": "String",
                "Default": "",
                "Description": "Identity provider for GitHub, where the account has one already: it takes one only",
            }
        },
        "Conditions": {"HasNoProvider": {"Fn::Equals": [{"Ref": "ProviderArn"}, ""]}},
        "Resources": resources,
        "Outputs": outputs,
    }


def notes(template: Mapping[str, Any], roles: Iterable[Role], trusted: Repository) -> list[str]:
    """What to know before it is deployed."""
    said = [note for role in roles for note in role.notes]
    said += [f"{role.purpose} It is not in this template: dollop policy {role.name}" for role in roles if role.account]
    if len(json.dumps(template, separators=(",", ":")).encode()) > BODY_LIMIT:
        said.append("the template is too large to be sent directly: aws cloudformation deploy takes --s3-bucket")
    if not trusted.numbered:
        said.append("without --owner-id and --repository-id, whoever gets the repository's name later is trusted too")
    return said


def stack_name(pipeline: Pipeline) -> str:
    """One stack for each project: letters, digits and hyphens."""
    return f"dollop-{re.sub('[^A-Za-z0-9-]', '-', pipeline.project)}"[:128]


def output(role: str) -> str:
    """The name of the output with the ARN of ``role``: CloudFormation takes letters and digits."""
    return "".join(word.capitalize() for word in re.split(r"[^A-Za-z0-9]+", role))


def _contexts(role: str) -> tuple[str, ...]:
    """Which jobs may take on ``role``: those in the stage's environment; for the role that reads, those without one."""
    if role == "plan":
        return "pull_request", f"ref:refs/heads/{BRANCH}"
    return (f"environment:{role.partition('-')[2]}",)


def _trust(subjects: list[str], id: str) -> Mapping[str, Any]:
    """A name may be somebody else's one day, and a subject of any form that his repository chooses; ``id`` may not."""
    provider = {"Fn::If": ["HasNoProvider", {"Ref": "Provider"}, {"Ref": "ProviderArn"}]}
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Federated": provider},
                "Action": "sts:AssumeRoleWithWebIdentity",
                "Condition": {
                    "StringEquals": {
                        f"{ISSUER}:aud": "sts.amazonaws.com",
                        **({f"{ISSUER}:repository_id": id} if id else {}),
                    },
                    "StringLike": {f"{ISSUER}:sub": subjects},
                },
            }
        ],
    }
