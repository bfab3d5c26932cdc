"""How a stage's functions fare: invocations, errors, throttles and duration, from CloudWatch.

An invocation through an alias counts for the function (dimension FunctionName) and for the alias (FunctionName and
Resource, ``function:alias``). The numbers come a minute late.
https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-view.html
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from ci.aws import Aws
from ci.errors import AwsError
from ci.model import Function, Stage, label
from ci.workspace import Workspace

_QUERIES_LIMIT = 500
"""https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetMetricData.html"""

_KEPT = ((timedelta(days=63), 3600), (timedelta(days=15), 300), (timedelta(), 60))
"""How long ago the window starts, and what its period must then be a multiple of, in seconds (same page)."""

_STATISTICS = (
    ("Invocations", "Sum"), ("Errors", "Sum"), ("Throttles", "Sum"), ("Duration", "p50"), ("Duration", "p95")
)


@dataclass(frozen=True)
class Metrics:
    """Of one function; ``stage`` None: however it was invoked. Durations in milliseconds, None without invocations."""

    function: str
    stage: str | None
    invocations: int
    errors: int
    throttles: int
    p50: float | None
    p95: float | None


def everywhere(
    workspace: Workspace, stage: str | None, functions: Sequence[Function], since: datetime, until: datetime
) -> tuple[Metrics, ...]:
    """As ``read``, of ``stage`` or of all, in each of their sites. Raises AwsError."""
    chosen = [workspace.stage(stage)] if stage else []
    found: list[Metrics] = []
    for name, site in workspace.sites(*chosen).items():
        stages = [each for each in workspace.stages_at(site).values() if each in chosen or not chosen]
        there = read(workspace.at(site), stages, functions, since, until)
        found += (replace(each, function=label(each.function, name)) for each in there)
    return tuple(found)


def read(
    aws: Aws, stages: Iterable[Stage], functions: Iterable[Function], since: datetime, until: datetime
) -> tuple[Metrics, ...]:
    """For each function first all its invocations, then those of each stage. Raises AwsError."""
    every: tuple[Stage | None, ...] = (None, *stages)
    wanted = [(function, stage) for function in functions for stage in every]
    start, end, period = _window(since, until)
    queries = [_query(function, stage, *each, period) for function, stage in wanted for each in _STATISTICS]
    values: dict[str, list[float]] = {}
    for first in range(0, len(queries), _QUERIES_LIMIT):
        asked = [{"Id": f"q{first + index}", **query} for index, query in enumerate(queries[first:][:_QUERIES_LIMIT])]
        for page in aws.read("cloudwatch", "get_metric_data", MetricDataQueries=asked, StartTime=start, EndTime=end):
            for result in page["MetricDataResults"]:
                _refuse_failed(result)
                values.setdefault(result["Id"], []).extend(result["Values"])
    found = iter([values.get(f"q{index}", []) for index in range(len(queries))])
    return tuple(_metrics(function.name, stage.name if stage else None, found) for function, stage in wanted)


def _window(since: datetime, until: datetime) -> tuple[datetime, datetime, int]:
    """Start, end and one period for all of it: percentiles of parts cannot be put together."""
    multiple = next(seconds for age, seconds in _KEPT if until - since >= age)
    end = until.replace(second=0, microsecond=0) + timedelta(minutes=1)
    period = -(-int((end - since).total_seconds()) // multiple) * multiple
    return end - timedelta(seconds=period), end, period


def _query(function: Function, stage: Stage | None, metric: str, statistic: str, period: int) -> Mapping[str, Any]:
    dimensions = [{"Name": "FunctionName", "Value": function.aws_name}]
    if stage:
        dimensions.append({"Name": "Resource", "Value": f"{function.aws_name}:{stage.alias}"})
    named = {"Namespace": "AWS/Lambda", "MetricName": metric, "Dimensions": dimensions}
    return {"MetricStat": {"Metric": named, "Period": period, "Stat": statistic}}


def _refuse_failed(result: Mapping[str, Any]) -> None:
    if result.get("StatusCode") in ("InternalError", "Forbidden"):
        said = "; ".join(message["Value"] for message in result.get("Messages", ()))
        raise AwsError(f"GetMetricData: {result['StatusCode']}: {said or 'no reason given'}", "run it again later")


def _metrics(function: str, stage: str | None, found: Iterator[Sequence[float]]) -> Metrics:
    invocations, errors, throttles, p50, p95 = (next(found) for _ in _STATISTICS)
    # The window is one period, but CloudWatch may lay it over two: then the longer duration is told.
    return Metrics(
        function,
        stage,
        round(sum(invocations)),
        round(sum(errors)),
        round(sum(throttles)),
        max(p50, default=None),
        max(p95, default=None),
    )
