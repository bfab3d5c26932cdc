"""What is granted for what functions have around them: only for the kinds that pipeline.yaml names. Pure.

A kind that leaves pipeline.yaml has to be taken away first: renew the policies after that release, not before.

https://docs.aws.amazon.com/service-authorization/latest/reference/list_awslambda.html
https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoneventbridge.html
https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoncloudwatchlogs.html
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from ci import settings
from ci.attachments import resources
from ci.model import Attachment, Function
from ci.policy.statement import Place, Statement

Grant = Callable[[Sequence[Function], tuple[str, ...], tuple[str, ...], Place], Iterable[Statement]]
"""Of the functions, their ARNs, those ARNs qualified, and where they are."""


def _kinds(functions: Iterable[Function]) -> frozenset[str]:
    there: list[Attachment] = []
    for function in functions:
        for attached in function.attachments.values():
            there += attached
    return resources.kinds(there)


def looking_around(
    functions: Sequence[Function], arns: tuple[str, ...], qualified: tuple[str, ...], where: Place
) -> Iterable[Statement]:
    """To compare what is there."""
    kinds = _kinds(functions)
    calls = {
        "permission": "lambda:GetPolicy",
        "url": "lambda:GetFunctionUrlConfig",
        "provisioned": "lambda:GetProvisionedConcurrencyConfig",
    }
    if actions := tuple(sorted(action for kind, action in calls.items() if kind in kinds)):
        yield Statement("ReadAround", actions, (*arns, *qualified))
    # AWS has no narrower resource for what lists mappings, rules or log groups.
    everywhere = {
        "event": "lambda:ListEventSourceMappings",
        "rule": "events:ListRules",
        "retention": "logs:DescribeLogGroups",
    }
    if actions := tuple(sorted(action for kind, action in everywhere.items() if kind in kinds)):
        yield Statement("ListAround", actions, ("*",))
    if "event" in kinds:
        yield Statement("ReadMappings", ("lambda:ListTags",), (_mappings(where),))
    if "rule" in kinds:
        yield Statement("ReadRules", ("events:ListTargetsByRule",), (_rules(where),))


def attaching(
    functions: Sequence[Function], arns: tuple[str, ...], qualified: tuple[str, ...], where: Place
) -> Iterable[Statement]:
    """To make it so."""
    kinds = _kinds(functions)
    if not kinds:
        return
    yield Statement("MarkAround", ("lambda:TagResource", "lambda:UntagResource"), arns)
    calls = {
        "permission": ("lambda:AddPermission", "lambda:RemovePermission"),
        "url": (
            "lambda:CreateFunctionUrlConfig",
            "lambda:DeleteFunctionUrlConfig",
            "lambda:UpdateFunctionUrlConfig",
        ),
        "provisioned": (
            "lambda:DeleteProvisionedConcurrencyConfig",
            "lambda:PutProvisionedConcurrencyConfig",
        ),
    }
    if actions := tuple(sorted(action for kind in calls if kind in kinds for action in calls[kind])):
        yield Statement("WriteAround", actions, (*arns, *qualified))
    if "event" in kinds:
        yield from _mapping(qualified and _connected(functions, where) or arns)
        yield Statement("TagMappings", ("lambda:TagResource",), (_mappings(where),))
    if "rule" in kinds:
        yield Statement("WriteRules", _RULES, (_rules(where),))
    if "retention" in kinds:
        yield Statement("KeepLogs", _RETENTIONS, tuple(_logs(functions, where)))


_MAPPINGS = tuple(f"lambda:{verb}EventSourceMapping" for verb in ("Create", "Delete", "Update"))
_RULES = tuple(f"events:{verb}" for verb in ("DeleteRule", "PutRule", "PutTargets", "RemoveTargets"))
_RETENTIONS = tuple(f"logs:{verb}" for verb in ("CreateLogGroup", "DeleteRetentionPolicy", "PutRetentionPolicy"))

_TOGETHER = 30
"""Functions in one condition, which has to fit into a policy."""


def _mapping(arns: Sequence[str]) -> Iterable[Statement]:
    """Mappings have names of AWS's own: what is checked is the alias that they call."""
    for number, start in enumerate(range(0, len(arns), _TOGETHER)):
        ours = {"ArnLike": {"lambda:FunctionArn": list(arns[start: start + _TOGETHER])}}
        yield Statement(f"WriteMappings{number or ''}", _MAPPINGS, ("*",), ours)


def _connected(functions: Iterable[Function], where: Place) -> tuple[str, ...]:
    """The aliases of the functions that get events."""
    connected = (function for function in functions if "event" in _kinds([function]))
    return tuple(where.arn("lambda", f"function:{function.aws_name}:*") for function in connected)


def _mappings(where: Place) -> str:
    return where.arn("lambda", "event-source-mapping:*")


def _rules(where: Place) -> str:
    return where.arn("events", f"rule/{resources.PREFIX}*")


def _logs(functions: Iterable[Function], where: Place) -> Iterable[str]:
    for function in functions:
        if any(each.kind == "retention" for attached in function.attachments.values() for each in attached):
            group = settings.log_group_of(function.aws_name, function.settings)
            yield from (where.arn("logs", f"log-group:{group}{end}") for end in ("", ":*"))
