"""What each task of the pipeline needs of AWS, as statements: to read, to upload, to point, to ask, to watch. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ci import settings
from ci.config.template import Template
from ci.errors import UsageError
from ci.model import CodeDeploy, Function, Secret, Site, Stage
from ci.plan.actions import STORED
from ci.policy.statement import Place, Statement

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
POINT = ("lambda:CreateAlias", "lambda:DeleteAlias", "lambda:UpdateAlias")


@dataclass(frozen=True)
class Names:
    """The ARNs of the functions: each one, or a single pattern that covers all."""

    functions: tuple[str, ...]
    qualified: tuple[str, ...]
    smoked: tuple[str, ...]
    """Those that are invoked after a release; an alias is to be appended."""
    logs: tuple[str, ...]

    @classmethod
    def each(cls, functions: Iterable[Function], places: Iterable[Place]) -> Names:
        found = [(function, place) for place in places for function in functions]
        arns = [place.arn("lambda", f"function:{function.aws_name}") for function, place in found]
        return cls(
            tuple(arns),
            tuple(f"{arn}:*" for arn in arns),
            tuple(arn for arn, (function, _) in zip(arns, found, strict=True) if function.smoke),
            tuple(
                place.arn("logs", f"log-group:{settings.log_group_of(each.aws_name, each.settings)}:*")
                for each, place in found
            ),
        )

    @classmethod
    def pattern(cls, prefix: str, places: Iterable[Place]) -> Names:
        named = [(p.arn("lambda", f"function:{prefix}*"), p.arn("logs", f"log-group:/aws/lambda/{prefix}*:*"))
                 for p in places]
        arns, logs = tuple(arn for arn, _ in named), tuple(log for _, log in named)
        return cls(arns, (), arns, logs)


def reading(names: Names) -> Statement:
    """What is live."""
    return Statement("ReadFunctions", _READ, (*names.functions, *names.qualified))


def layers(functions: tuple[Function, ...], places: Collection[Place]) -> Iterable[Statement]:
    """To use them, and for a plan to count what they unpack to."""
    if arns := tuple(sorted({layer for function in functions for layer in function.settings.get("Layers") or ()})):
        yield Statement("UseLayers", ("lambda:GetLayerVersion",), arns)
    if own := _own_layers(functions, places):
        # https://docs.aws.amazon.com/service-authorization/latest/reference/list_awslambda.html: no resource type.
        yield Statement("FindLayers", ("lambda:ListLayerVersions",), ("*",))
        yield Statement("UseOwnLayers", ("lambda:GetLayerVersion",), tuple(f"{arn}:*" for arn in own))


def _own_layers(functions: Iterable[Function], places: Iterable[Place]) -> tuple[str, ...]:
    """Those that dependencies go into."""
    names = {function.packaging.layer for function in functions} - {""}
    return tuple(sorted({place.arn("lambda", f"layer:{name}") for name in names for place in places}))


def expanding(functions: tuple[Function, ...], ssm: tuple[str, ...]) -> Iterable[Statement]:
    """Wanted and live environment, to compare them:
    https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars-encryption.html"""
    if ssm:
        yield Statement("ReadParameters", ("ssm:GetParameter",), ssm)
    if keys := _values(functions, "KMSKeyArn"):
        through = _through("lambda", *["ssm"] * bool(ssm))
        yield Statement("ReadEncryptedEnvironment", ("kms:Decrypt",), keys, through)


def _through(*services: str) -> Mapping[str, Any]:
    """A key is for what these services do for the role: nothing else under it is the role's to read or to hand on.

    https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html#conditions-kms-via-service
    """
    return {"StringLike": {"kms:ViaService": [f"{service}.*" for service in services]}}


def there(functions: Iterable[Function], sites: Iterable[Site]) -> tuple[Function, ...]:
    """The functions as they are in each of ``sites``."""
    return tuple(function.at(site) for site in sites for function in functions)


def uploading(names: Names, functions: tuple[Function, ...], places: Collection[Place]) -> Iterable[Statement]:
    """Code, configuration and aliases; with what ``functions`` have there."""
    if not places:
        return
    yield Statement("WriteFunctions", (*_UPLOAD, *POINT), names.functions)
    condition = {"StringEquals": {"iam:PassedToService": "lambda.amazonaws.com"}}
    yield Statement("PassExecutionRoles", ("iam:PassRole",), _values(functions, "Role"), condition)
    if said := {function.packaging.bucket for function in functions} - {""}:
        stores = {f"arn:{p.partition}:s3:::{bucket.replace('{region}', p.region)}" for bucket in said for p in places}
        arns = tuple(sorted(stores))
        objects = tuple(f"{arn}/{STORED}/*" for arn in arns)
        prefix = {"StringLike": {"s3:prefix": f"{STORED}/*"}}
        yield Statement("StorePackages", ("s3:AbortMultipartUpload", "s3:GetObject", "s3:PutObject"), objects)
        yield Statement("ListPackages", ("s3:ListBucket",), arns, prefix)
    yield from layers(functions, places)
    if own := _own_layers(functions, places):
        yield Statement("PublishLayers", ("lambda:PublishLayerVersion",), own)
    if keys := _values(functions, "KMSKeyArn"):
        yield Statement("EncryptEnvironment", ("kms:CreateGrant", "kms:Encrypt"), keys, _through("lambda"))
    if any((function.settings.get("VpcConfig") or {}).get("SubnetIds") for function in functions):
        # https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html: EC2 has no narrower resource for these.
        verbs = ("DescribeSecurityGroups", "DescribeSubnets", "DescribeVpcs")
        yield Statement("CheckNetwork", tuple(f"ec2:{verb}" for verb in verbs), ("*",))
    if any(function.settings.get("FileSystemConfigs") for function in functions):
        yield Statement("CheckFileSystems", ("elasticfilesystem:DescribeMountTargets",), ("*",))


def smoking(names: Names, stage: Stage, uploads: bool = True) -> Iterable[Statement]:
    """The smoke tests. What was not uploaded for this stage was asked before."""
    if names.smoked:
        arns = tuple(f"{arn}:{stage.alias}" for arn in names.smoked)
        yield Statement("InvokeAlias", ("lambda:InvokeFunction",), arns)
        if stage.rollout and uploads:
            # Before a canary, the version itself is asked; its number is not known yet.
            yield Statement("InvokeVersion", ("lambda:InvokeFunction",), tuple(f"{arn}:*" for arn in names.smoked))


def watching(stage: Stage) -> Iterable[Statement]:
    """https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DescribeAlarms.html: composite alarms are
    described to those who may describe all."""
    if stage.rollout and stage.rollout.alarms:
        yield Statement("WatchAlarms", ("cloudwatch:DescribeAlarms",), ("*",))


def looking_up(stages: Iterable[tuple[Stage, Iterable[Place]]]) -> Iterable[Statement]:
    """To see what CodeDeploy has already."""
    found = [place.arn("codedeploy", f"deploymentgroup:{by.application}/{name}-*") for name, by, place in _by(stages)]
    if found:
        yield Statement("ReadDeploymentGroups", ("codedeploy:GetDeploymentGroup",), tuple(found))


def handing_over(stage: Stage, places: Iterable[Place]) -> Iterable[Statement]:
    """CodeDeploy gets aliases of the stage, is watched, and stopped.

    https://docs.aws.amazon.com/codedeploy/latest/userguide/auth-and-access-control-permissions-reference.html; who
    creates a deployment also registers its revision and reads its configuration.
    """
    found = list(_by([(stage, places)]))
    if not found:
        return
    by = found[0][1]
    groups = tuple(place.arn("codedeploy", f"deploymentgroup:{by.application}/{name}-*") for name, _, place in found)
    applications = tuple(place.arn("codedeploy", f"application:{by.application}") for _, _, place in found)
    configs = tuple(place.arn("codedeploy", f"deploymentconfig:{by.config}") for _, _, place in found)
    yield Statement("HandOver", tuple(f"codedeploy:{verb}" for verb in _DEPLOYING), groups)
    yield Statement("MakeApplication", tuple(f"codedeploy:{verb}" for verb in _REGISTERING), applications)
    yield Statement("ReadDeploymentConfig", ("codedeploy:GetDeploymentConfig",), configs)
    condition = {"StringEquals": {"iam:PassedToService": "codedeploy.amazonaws.com"}}
    yield Statement("PassCodeDeployRole", ("iam:PassRole",), (by.role,), condition)


_DEPLOYING = (
    *("BatchGetDeployments", "CreateDeployment", "CreateDeploymentGroup", "GetDeploymentGroup", "ListDeployments"),
    *("StopDeployment", "UpdateDeploymentGroup"),
)
_REGISTERING = ("CreateApplication", "GetApplicationRevision", "RegisterApplicationRevision")


def _by(stages: Iterable[tuple[Stage, Iterable[Place]]]) -> Iterable[tuple[str, CodeDeploy, Place]]:
    """The stage's name, its rollout and where, for those that CodeDeploy moves the aliases of."""
    for stage, places in stages:
        if isinstance(stage.rollout, CodeDeploy):
            yield from ((stage.name, stage.rollout, place) for place in places)


def observing(names: Names) -> Iterable[Statement]:
    """Logs and metrics. Whose logs a stage's are, and in which group they are, is what AWS says."""
    finding = ("lambda:GetFunction", "lambda:ListAliases", "lambda:ListTags")
    yield Statement("FindVersions", finding, (*names.functions, *names.qualified))
    yield Statement("ReadLogs", ("logs:FilterLogEvents",), names.logs)
    # https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoncloudwatch.html: no resource type.
    yield Statement("ReadMetrics", ("cloudwatch:GetMetricData",), ("*",))


def parameters(functions: tuple[Function, ...]) -> Iterable[str]:
    """The paths in every ``${ssm:/path}``, sorted."""
    values = (leaf for one in functions for part in (one.environment, one.settings) for leaf in settings.leaves(part))
    references = (each for leaf in values if isinstance(leaf, Template) for each in leaf.references())
    return sorted({name for kind, name in references if kind == "ssm"})


def _values(functions: tuple[Function, ...], member: str) -> tuple[str, ...]:
    """What the functions have there, sorted. Raises UsageError where that is not known before it is expanded."""
    unknown = [function.name for function in functions if isinstance(function.settings.get(member), Secret)]
    if unknown:
        raise UsageError(
            f"functions.{unknown[0]}.{settings.key_of(member)}: a policy must name it, and ${{...}} does not",
            "write it out in pipeline.yaml",
        )
    return tuple(sorted({str(value) for function in functions if (value := function.settings.get(member))}))
