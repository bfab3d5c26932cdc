"""What is granted for what functions have around them: only for the kinds that pipeline.yaml names. Pure.

A kind that leaves pipeline.yaml has to be taken away first: renew the policies after that release, not before.

https://docs.aws.amazon.com/service-authorization/latest/reference/list_awslambda.html
https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoneventbridge.html
https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoncloudwatchlogs.html
"""

from __future__ import annotations

import os.path
from collections.abc import Callable, Iterable, Sequence

from ci import settings
from ci.attachments import resources
from ci.model import Attachment, Function
from ci.policy.needs import Names
from ci.policy.statement import Place, Statement

Grant = Callable[[Sequence[Function], Sequence[str], Names, Place], Iterable[Statement]]
"""Of the functions, the aliases that it is about, their ARNs, and where they are."""


def _kinds(functions: Iterable[Function]) -> frozenset[str]:
    there: list[Attachment] = []
    for function in functions:
        for attached in function.attachments.values():
            there += attached
    return resources.kinds(there)


def looking_around(
    functions: Sequence[Function], aliases: Sequence[str], names: Names, where: Place
) -> Iterable[Statement]:
    """To compare what is there."""
    kinds = _kinds(functions)
    calls = {
        "permission": "lambda:GetPolicy",
        "url": "lambda:GetFunctionUrlConfig",
        "provisioned": "lambda:GetProvisionedConcurrencyConfig",
    }
    if actions := tuple(sorted(action for kind, action in calls.items() if kind in kinds)):
        yield Statement("ReadAround", actions, (*names.functions, *names.qualified))
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
        yield Statement("ReadRules", ("events:ListTargetsByRule",), _rules(functions, aliases, where))


def attaching(
    functions: Sequence[Function], aliases: Sequence[str], names: Names, where: Place
) -> Iterable[Statement]:
    """To make it so."""
    kinds = _kinds(functions)
    if not kinds:
        return
    yield Statement("MarkAround", ("lambda:TagResource", "lambda:UntagResource"), names.functions)
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
        yield Statement("WriteAround", actions, (*names.functions, *names.qualified))
    if "event" in kinds:
        yield from _mapping(names.qualified and _connected(functions, where) or names.functions)
        yield Statement("TagMappings", ("lambda:TagResource",), (_mappings(where),))
    if "rule" in kinds:
        yield Statement("WriteRules", _RULES, _rules(functions, aliases, where))
    if "retention" in kinds:
        yield Statement("KeepLogs", _RETENTIONS, tuple(_logs(functions, where)))


_MAPPINGS = tuple(f"lambda:{verb}EventSourceMapping" for verb in ("Create", "Delete", "Update"))
_RULES = tuple(f"events:{verb}" for verb in ("DeleteRule", "PutRule", "PutTargets", "RemoveTargets"))
_RETENTIONS = tuple(f"logs:{verb}" for verb in ("CreateLogGroup", "DeleteRetentionPolicy", "PutRetentionPolicy"))

_TOGETHER = 30
"""Functions in one condition, which has to fit into a policy; rules that are named each by each."""


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


def _rules(functions: Iterable[Function], aliases: Sequence[str], where: Place) -> tuple[str, ...]:
    """Those of the functions that have schedules: a rule's name begins with its function's and tells the alias."""
    scheduled = (function for function in functions if "rule" in _kinds([function]))
    begin = [resources.rule_prefix(each.aws_name, alias) for each in scheduled for alias in aliases]
    if len(begin) > _TOGETHER:
        begin = [os.path.commonprefix(begin)]
    return tuple(where.arn("events", f"rule/{each}*") for each in begin)


def _logs(functions: Iterable[Function], where: Place) -> Iterable[str]:
    for function in functions:
        if any(each.kind == "retention" for attached in function.attachments.values() for each in attached):
            group = settings.log_group_of(function.aws_name, function.settings)
            yield from (where.arn("logs", f"log-group:{group}{end}") for end in ("", ":*"))
