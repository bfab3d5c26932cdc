"""What SAM attaches to a function's alias, as pipeline.yaml would say it.

https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-property-function-eventsource.html
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ci import settings
from ci.importer import write
from ci.importer.cloudformation import is_intrinsic
from ci.importer.draft import key

Notes = Iterator[str]


def _events(events: Mapping[str, Any]) -> Notes:
    """Each event that could be said here, as it would be; and the kinds of the others."""
    others = []
    for name, event in events.items():
        kind, said = event.get("Type"), event.get("Properties") or {}
        fields = {settings.snake_case(field): _shown(value) for field, value in said.items()}
        source = fields.pop("queue", None) or fields.pop("stream", None)
        if kind == "Schedule":
            expression = fields.pop("schedule", "")
            entry: Any = {"schedule_expression": expression} | _only(fields, "input", "state")
            yield _as_said(f"the schedule {name}", "schedules", name, entry if len(entry) > 1 else expression)
        elif kind in ("SQS", "Kinesis", "DynamoDB"):
            yield _as_said(f"the event source {name}", "events", name, {"event_source_arn": source, **fields})
        else:
            others.append(f"{name} ({kind})")
    if others:
        yield f"Stays with CloudFormation: the events {', '.join(others)}."


def _only(fields: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if name in names}


def _url(config: Mapping[str, Any]) -> Notes:
    yield _as_said("FunctionUrlConfig", "url", "", _shown(config))


def _provisioned(config: Mapping[str, Any]) -> Notes:
    count = _shown(config.get("ProvisionedConcurrentExecutions"))
    yield _as_said("ProvisionedConcurrencyConfig", "provisioned_concurrency", "", count)


def _shown(value: Any) -> Any:
    """What only CloudFormation knows is shown as it was written."""
    if is_intrinsic(value):
        (what, argument), = value.items()
        return f"<{what} {'.'.join(map(str, argument)) if isinstance(argument, list) else argument}>"
    if isinstance(value, dict):
        return {settings.snake_case(name): _shown(each) for name, each in value.items()}
    return value


def _as_said(what: str, ours: str, name: str, value: Any) -> str:
    there = write.scalar({ours: {key(name): value} if name else value})[1:-1]
    return f"Stays with CloudFormation: {what}. Taken out of the stack it would be {there}"


ATTACHED: dict[str, Callable[[Mapping[str, Any]], Notes]] = {
    "Events": _events, "FunctionUrlConfig": _url, "ProvisionedConcurrencyConfig": _provisioned,
}
"""What SAM attaches to the alias. It stays in the stack: made here too, it would be there twice."""
