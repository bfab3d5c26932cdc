"""What the functions of a stage say: their logs, read and followed, as one stream in the order of time.

Lambda writes a log stream for each execution environment of a version, so a stage's log is that of the versions
that its alias points to. Two stages on one version share its environments and with them its log.
https://docs.aws.amazon.com/lambda/latest/operatorguide/log-structure.html
"""

from __future__ import annotations

import heapq
import re
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from ci import live, settings
from ci.aws import Aws
from ci.errors import AbsentError
from ci.model import Function, Stage, label
from ci.model.live import LiveAlias, LiveFunction
from ci.parallel import each
from ci.workspace import Workspace

_POLL_SECONDS = 1.0
_REFRESH_SECONDS = 30.0
_LATE_MS = 15_000
"""A line may arrive behind younger ones: this far back is read again, and what was seen is left out."""

_STREAM = re.compile(r"\d{4}/\d\d/\d\d/(?P<name>[^\[\]]*)\[(?P<version>[^\[\]]+)\]")
"""``2026/01/31/[8]0d3c...``; in a log group of one's own ``2026/01/31/echo[8][0d3c...]``.
https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-loggroups.html"""


@dataclass(frozen=True)
class Source:
    """Where a function's log is, and of which versions."""

    function: str
    aws_name: str
    group: str
    versions: frozenset[str]
    aws: Aws
    shared: tuple[str, ...] = ()
    """Other stages that run one of them."""


@dataclass(frozen=True)
class Line:
    """One event of a log; ``at`` in milliseconds since 1970, UTC. Its message may hold line breaks."""

    at: int
    function: str
    version: str
    message: str
    stream: str
    id: str = ""


def sources(workspace: Workspace, stage: Stage, functions: Sequence[Function]) -> tuple[Source, ...]:
    """Of what ``stage`` runs of each function that it has, in each of its sites. Raises AwsError."""
    sources: list[Source | None] = []
    for name, site in workspace.sites(stage).items():
        aws, others = workspace.at(site), [each for each in workspace.stages_at(site).values() if each != stage]
        found = live.read(aws, stage, functions, aliases=True).functions
        sources += (_source(aws, function, name, found[function.name], stage, others) for function in functions)
    return tuple(filter(None, sources))


def _source(
    aws: Aws, function: Function, site: str, found: LiveFunction | None, stage: Stage, others: Iterable[Stage]
) -> Source | None:
    if found is None or found.running is None:
        return None
    versions = {found.running.version, *_versions(found.alias(stage.alias))}
    return Source(
        function=label(function.name, site),
        aws_name=function.aws_name,
        group=settings.log_group_of(function.aws_name, found.running.settings),
        versions=frozenset(versions),
        aws=aws,
        shared=tuple(other.name for other in others if versions & _versions(found.alias(other.alias))),
    )


def _versions(alias: LiveAlias | None) -> set[str]:
    """During a canary these are two."""
    return {alias.version, *alias.weights} if alias else set()


def read(sources: Iterable[Source], since: datetime, pattern: str = "") -> Iterator[Line]:
    """Every line since then, oldest first. ``pattern`` is CloudWatch's:
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html

    A function that was never invoked has no log yet, and no lines. Raises AwsError.
    """
    start, end = _ms(since.timestamp()), _ms(time.time())
    return heapq.merge(*(_lines(source, start, end, pattern) for source in sources), key=_when)


def follow(
    aws: Aws, find: Callable[[], Sequence[Source]], since: datetime, pattern: str = ""
) -> Iterator[Line]:
    """The lines since then and, without end, those that come. Raises AwsError.

    ``find`` is asked again now and then: a stage that moves to another version, or gets a function, is followed there.
    """
    following = _Following(aws, _ms(since.timestamp()), pattern)
    looked = -_REFRESH_SECONDS
    while True:
        if time.monotonic() - looked >= _REFRESH_SECONDS:
            following.extend(find())
            looked = time.monotonic()
        yield from following.poll()
        if aws.interrupted.wait(_POLL_SECONDS):
            return


class _Following:
    """How far each function's log was read."""

    def __init__(self, aws: Aws, start: int, pattern: str) -> None:
        self._aws = aws
        self._first = start
        self._pattern = pattern
        self._sources: dict[tuple[str, str], Source] = {}
        self._start: dict[tuple[str, str], int] = {}
        self._seen: Counter[Line] = Counter()

    def extend(self, sources: Iterable[Source]) -> None:
        """Versions that a stage has left are kept: their last invocations may still run."""
        for source in sources:
            key = (source.function, source.group)
            known = self._sources.get(key, source)
            self._sources[key] = replace(source, versions=source.versions | known.versions)

    def poll(self) -> list[Line]:
        """What has come since the last time, oldest first."""
        found = each(self._poll, self._sources.items(), self._aws.interrupted)
        counted = Counter(line for lines in found for line in lines)
        new = list((counted - self._seen).elements())
        kept = min(self._start.values(), default=self._first)
        self._seen = Counter({line: count for line, count in (counted | self._seen).items() if line.at >= kept})
        order = {line: position for position, line in enumerate(line for lines in found for line in lines)}
        return sorted(new, key=lambda line: (line.at, order[line]))

    def _poll(self, item: tuple[tuple[str, str], Source]) -> list[Line]:
        key, source = item
        start = self._start.get(key, self._first)
        lines = list(_lines(source, start, None, self._pattern))
        self._start[key] = max([start, *(line.at - _LATE_MS for line in lines)])
        return lines


def _lines(source: Source, start: int, end: int | None, pattern: str) -> Iterator[Line]:
    parameters = {"logGroupName": source.group, "startTime": start}
    parameters |= {"endTime": end} if end is not None else {}
    parameters |= {"filterPattern": pattern} if pattern else {}
    try:
        for page in source.aws.read("logs", "filter_log_events", **parameters):
            for event in page["events"]:
                line = _line(source, event)
                if line:
                    yield line
    except AbsentError:
        return


def _line(source: Source, event: dict[str, object]) -> Line | None:
    """The event, when it is of the function and of a version that is asked for."""
    stream = str(event["logStreamName"])
    named = _STREAM.match(stream)
    if not named or named["name"] not in ("", source.aws_name) or named["version"] not in source.versions:
        return None
    at = int(str(event["timestamp"]))
    message = str(event["message"]).rstrip("\r\n")
    return Line(at, source.function, named["version"], message, stream, str(event.get("eventId", "")))


def _ms(seconds: float) -> int:
    return int(seconds * 1000)


def _when(line: Line) -> int:
    return line.at
