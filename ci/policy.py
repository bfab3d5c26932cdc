"""pipeline.yaml -> least-privilege IAM policies, one set for each role of the pipeline. Pure.

Which resource an action is checked against comes from
https://docs.aws.amazon.com/service-authorization/latest/reference/list_awslambda.html
and, for a call with a qualifier (a version or an alias), from the qualified ARN that Lambda checks since 2022:
https://docs.aws.amazon.com/lambda/latest/dg/lambda-api-permissions-ref.html

What AWS cannot enforce: CreateAlias, UpdateAlias and DeleteAlias are checked against the *function*, and no
condition key names the alias. Whoever may move one alias of a function may move them all. The trust policy (only a
job in the environment ``prod`` gets the role that promotes) and the lack of every other write separate the roles;
only an account for each stage separates the aliases themselves.
"""

from __future__ import annotations

import json
import os.path
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ci import settings
from ci.config.template import Template
from ci.errors import UsageError
from ci.grants import Grant, attaching, looking_around
from ci.model import Function, Pipeline, Stage
from ci.plan.actions import STORED
from ci.statement import Place, Statement

POLICY_LIMIT = 6144
"""Characters of a managed policy, without white space:
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html"""

POLICIES_LIMIT = 10
"""Managed policies that a role takes, unless AWS raised the quota (same page)."""

_SHORTEST_PREFIX = 3
"""Fewer characters in common than this, and a wildcard on the name would cover half the account."""

_READ = (
    "lambda:GetAlias",
    "lambda:GetFunction",
    "lambda:ListAliases",
    "lambda:ListTags",
    "lambda:ListVersionsByFunction",
)
_UPLOAD = (
    "lambda:CreateFunction",
    "lambda:DeleteFunctionConcurrency",
    "lambda:PublishVersion",
    "lambda:PutFunctionConcurrency",
    "lambda:TagResource",
    "lambda:UntagResource",
    "lambda:UpdateFunctionCode",
    "lambda:UpdateFunctionConfiguration",
)
_POINT = ("lambda:CreateAlias", "lambda:DeleteAlias", "lambda:UpdateAlias")

Document = Mapping[str, Any]


@dataclass(frozen=True)
class Role:
    """A role of the pipeline and the managed policies that it needs, each within AWS's limit."""

    name: str
    purpose: str
    documents: tuple[Document, ...]
    notes: tuple[str, ...] = ()
    """What is wider than it should be, and why."""


_ROLE_ARN = re.compile(r"arn:(?P<partition>aws[a-z-]*):iam::(?P<account>[0-9]{12}):role/.+")


def place(pipeline: Pipeline, region: str | None = None, account: str | None = None) -> Place:
    """Account and partition are those of the functions' execution roles, which Lambda wants in the same account.

    Raises UsageError where there is no region, no account or more than one.
    """
    region = region or pipeline.region
    if not region:
        raise UsageError("no region: an ARN names one", "write `region:` into pipeline.yaml or set AWS_REGION")
    matches = [_ROLE_ARN.fullmatch(str(function.settings.get("Role"))) for function in pipeline.functions.values()]
    found = {(match["partition"], match["account"]) for match in matches if match}
    if account:
        found = {(partition, number) for partition, number in found if number == account} or {("aws", account)}
    if len(found) != 1:
        accounts = ", ".join(sorted(number for _, number in found)) or "none"
        raise UsageError(f"the functions' roles name not one account but: {accounts}", "say --account")
    (partition, number), = found
    return Place(partition, region, number)


@dataclass(frozen=True)
class _Names:
    """The ARNs of the functions: each one, or a single pattern that covers all."""

    functions: tuple[str, ...]
    qualified: tuple[str, ...]
    smoked: tuple[str, ...]
    """Those that are invoked after a release; an alias is to be appended."""
    logs: tuple[str, ...]

    @classmethod
    def each(cls, functions: Iterable[Function], where: Place) -> _Names:
        arns = {function.name: where.arn("lambda", f"function:{function.aws_name}") for function in functions}
        return cls(
            tuple(arns.values()),
            tuple(f"{arn}:*" for arn in arns.values()),
            tuple(arns[function.name] for function in functions if function.smoke),
            tuple(
                where.arn("logs", f"log-group:{settings.log_group_of(each.aws_name, each.settings)}:*")
                for each in functions
            ),
        )

    @classmethod
    def pattern(cls, prefix: str, where: Place) -> _Names:
        arn = (where.arn("lambda", f"function:{prefix}*"),)
        return cls(arn, (), arn, (where.arn("logs", f"log-group:/aws/lambda/{prefix}*:*"),))


def roles(pipeline: Pipeline, where: Place) -> tuple[Role, ...]:
    """Every role that the workflows take on, then ``observe``, which is for people.

    Raises UsageError where the functions are too many for IAM and have nothing in common in their names.
    """
    functions = tuple(pipeline.functions.values())
    ssm = tuple(where.arn("ssm", f"parameter/{path.lstrip('/')}") for path in _parameters(functions))

    def around(names: _Names, grant: Grant) -> Iterable[Statement]:
        return grant(functions, names.functions, names.qualified, where)

    def planning(names: _Names) -> Iterable[Statement]:
        return (_reading(names), *_expanding(functions, ssm), *around(names, looking_around))

    def deploying(stage: Stage) -> Callable[[_Names], Iterable[Statement]]:
        return lambda names: (
            *planning(names),
            *_writing(names, functions, where),
            *around(names, attaching),
            *_smoking(names, stage),
            *_watching(stage),
        )

    def promoting(stage: Stage) -> Callable[[_Names], Iterable[Statement]]:
        point = ("MoveAliases", _POINT)
        return lambda names: (
            _reading(names),
            *around(names, looking_around),
            Statement(*point, names.functions),
            *around(names, attaching),
            *_smoking(names, stage),
            *_watching(stage),
        )

    purposes: list[tuple[str, str, Callable[[_Names], Iterable[Statement]]]] = [
        ("plan", "Reads what is live, changes nothing.", planning)
    ]
    for stage in pipeline.stages.values():
        if stage.source is None:
            purposes.append((f"deploy-{stage.name}", f"Uploads code, moves the alias {stage.alias}.", deploying(stage)))
        else:
            purpose = f"Moves the alias {stage.alias}; uploads no code, changes no configuration."
            purposes.append((f"promote-{stage.name}", purpose, promoting(stage)))
    purposes.append(("observe", "Reads logs and metrics. For people, not for a workflow.", _observing))
    return tuple(_role(*purpose, functions, where) for purpose in purposes)


def role(made: Iterable[Role], name: str) -> Role:
    """The role called ``name``. Raises UsageError, naming those that there are."""
    known = {one.name: one for one in made}
    if name not in known:
        raise UsageError(f"no role {name}", f"there are: {', '.join(known)}")
    return known[name]


# ---------------------------------------------------------------- what each task needs


def _reading(names: _Names) -> Statement:
    return Statement("ReadFunctions", _READ, (*names.functions, *names.qualified))


def _expanding(functions: tuple[Function, ...], ssm: tuple[str, ...]) -> Iterable[Statement]:
    """Wanted and live environment, to compare them:
    https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars-encryption.html"""
    if ssm:
        yield Statement("ReadParameters", ("ssm:GetParameter",), ssm)
    if keys := _values(functions, "KMSKeyArn"):
        yield Statement("ReadEncryptedEnvironment", ("kms:Decrypt",), keys)


def _writing(names: _Names, functions: tuple[Function, ...], where: Place) -> Iterable[Statement]:
    yield Statement("WriteFunctions", (*_UPLOAD, *_POINT), names.functions)
    condition = {"StringEquals": {"iam:PassedToService": "lambda.amazonaws.com"}}
    yield Statement("PassExecutionRoles", ("iam:PassRole",), _values(functions, "Role"), condition)
    if said := {function.packaging.bucket for function in functions} - {""}:
        buckets = sorted(bucket.replace("{region}", where.region) for bucket in said)
        arns = tuple(f"arn:{where.partition}:s3:::{bucket}" for bucket in buckets)
        objects = tuple(f"{arn}/{STORED}/*" for arn in arns)
        prefix = {"StringLike": {"s3:prefix": f"{STORED}/*"}}
        yield Statement("StorePackages", ("s3:AbortMultipartUpload", "s3:GetObject", "s3:PutObject"), objects)
        yield Statement("ListPackages", ("s3:ListBucket",), arns, prefix)
    if layers := tuple(sorted({layer for function in functions for layer in function.settings.get("Layers") or ()})):
        yield Statement("UseLayers", ("lambda:GetLayerVersion",), layers)
    if keys := _values(functions, "KMSKeyArn"):
        yield Statement("EncryptEnvironment", ("kms:CreateGrant", "kms:Encrypt"), keys)
    if any((function.settings.get("VpcConfig") or {}).get("SubnetIds") for function in functions):
        # https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html: EC2 has no narrower resource for these.
        verbs = ("DescribeSecurityGroups", "DescribeSubnets", "DescribeVpcs")
        yield Statement("CheckNetwork", tuple(f"ec2:{verb}" for verb in verbs), ("*",))
    if any(function.settings.get("FileSystemConfigs") for function in functions):
        yield Statement("CheckFileSystems", ("elasticfilesystem:DescribeMountTargets",), ("*",))


def _smoking(names: _Names, stage: Stage) -> Iterable[Statement]:
    if names.smoked:
        arns = tuple(f"{arn}:{stage.alias}" for arn in names.smoked)
        yield Statement("InvokeAlias", ("lambda:InvokeFunction",), arns)
        if stage.rollout and stage.source is None:
            # Before a canary, the version itself is asked; its number is not known yet.
            yield Statement("InvokeVersion", ("lambda:InvokeFunction",), tuple(f"{arn}:*" for arn in names.smoked))


def _watching(stage: Stage) -> Iterable[Statement]:
    """https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DescribeAlarms.html: composite alarms are
    described to those who may describe all."""
    if stage.rollout and stage.rollout.alarms:
        yield Statement("WatchAlarms", ("cloudwatch:DescribeAlarms",), ("*",))


def _observing(names: _Names) -> Iterable[Statement]:
    yield Statement("ReadLogs", ("logs:FilterLogEvents",), names.logs)
    # https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoncloudwatch.html: no resource type.
    yield Statement("ReadMetrics", ("cloudwatch:GetMetricData",), ("*",))


def _parameters(functions: tuple[Function, ...]) -> Iterable[str]:
    """The paths in every ``${ssm:/path}``, sorted."""

    def inside(value: Any) -> Iterable[str]:
        if isinstance(value, Template):
            yield from (name for kind, name in value.references() if kind == "ssm")
        elif isinstance(value, Mapping):
            yield from (path for item in value.values() for path in inside(item))
        elif isinstance(value, list):
            yield from (path for item in value for path in inside(item))

    return sorted({path for one in functions for part in (one.environment, one.settings) for path in inside(part)})


def _values(functions: tuple[Function, ...], member: str) -> tuple[str, ...]:
    return tuple(sorted({str(value) for function in functions if (value := function.settings.get(member))}))


# ---------------------------------------------------------------- within AWS's limits


def _role(
    name: str,
    purpose: str,
    needs: Callable[[_Names], Iterable[Statement]],
    functions: tuple[Function, ...],
    where: Place,
) -> Role:
    documents = _pack(needs(_Names.each(functions, where)))
    if len(documents) <= POLICIES_LIMIT:
        return Role(name, purpose, documents)
    prefix = os.path.commonprefix([function.aws_name for function in functions])
    if len(prefix) < _SHORTEST_PREFIX:
        raise UsageError(
            f"{len(functions)} functions fill {len(documents)} policies of the role {name}; AWS takes {POLICIES_LIMIT}",
            'let their names begin alike (`name: "{project}-{function}"`): one pattern then stands for all of them',
        )
    note = f"{len(functions)} functions are too many to list: {name} covers every function named {prefix}*"
    return Role(name, purpose, _pack(needs(_Names.pattern(prefix, where))), (note,))


def _pack(statements: Iterable[Statement]) -> tuple[Document, ...]:
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
