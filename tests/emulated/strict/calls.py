"""What arrives, and what is answered."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import botocore.session

READS = ("Get", "List", "Head", "Describe", "BatchGet")


@dataclass
class Call:
    """One request, as it arrived. ``nth`` counts those of the same operation on the same function, from 1."""

    operation: str
    function: str
    number: int
    nth: int
    at: float
    body: Mapping[str, Any] = field(repr=False)
    qualifier: str | None = None
    service: str = "lambda"
    region: str = ""
    status: int = 0
    """Of the answer; 0: none was sent."""

    @property
    def where(self) -> str:
        """The function, and in which region: another one of that name may be in another."""
        return f"{self.region} {self.function}"

    @property
    def writes(self) -> bool:
        """Whether it may change something. An invocation may not."""
        return not self.operation.startswith(READS) and self.operation != "Invoke"

    def __str__(self) -> str:
        return f"{self.operation} {self.function} #{self.nth}"


def request(method: str, path: str, headers: Mapping[str, str], body: bytes, at: float) -> Call:
    """The request in the words of the API, not yet numbered."""
    url = urlsplit(path)
    operation, labels = _route(method, url.path)
    operation = headers.get("X-Amz-Target", "").rpartition(".")[2] or operation
    function = labels.get("FunctionName") or labels.get("Resource", "")
    ours = operation != "Invoke" and not operation.startswith("PUT ")
    text = body if body[:1] == b"{" and ours else b"{}"
    data = json.loads(text)
    function = (function or data.get("FunctionName", "")).split(":function:")[-1].split(":")[0]
    if function in ("", "arn"):  # the ARN of something else
        function = _ours(data)
    qualifier = labels.get("Qualifier") or parse_qs(url.query).get("Qualifier", [None])[0]
    signed = re.search(r"/([a-z0-9-]+)/([a-z0-9-]+)/aws4_request", headers.get("Authorization", ""))
    region, service = signed.groups() if signed else ("", "lambda")
    return Call(operation, function, 0, 0, at, data | labels, qualifier, service, region)


def _ours(data: Mapping[str, Any]) -> str:
    """The function that a rule of EventBridge (dollop-alpha-0a1b2c3d-nightly), a deployment group (prod-alpha) or a
    group of logs (/aws/lambda/alpha) is of."""
    logs = str(data.get("logGroupName") or data.get("logGroupNamePrefix") or "")
    group = data.get("deploymentGroupName") or data.get("currentDeploymentGroupName") or ""
    rule = next((str(data[key]) for key in ("Rule", "NamePrefix", "Name") if data.get(key)), "")
    found = re.match(r"dollop-(.+)-[0-9a-f]{8}-", rule)
    return str(group).partition("-")[2] or (found[1] if found else "") or logs.removeprefix("/aws/lambda/")


@dataclass
class Answer:
    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)


class Gone(Exception):
    """The connection ends without an answer."""


def error(status: int, code: str, message: str) -> Answer:
    kind = "Client" if status < 500 else "Service"
    body = {"__type": code, "Type": kind, "Code": code, "Message": message, "message": message}
    return Answer(status, json.dumps(body).encode(), {"x-amzn-ErrorType": code, "Content-Type": "application/json"})


@functools.cache
def _routes() -> list[tuple[str, str, re.Pattern[str]]]:
    model = botocore.session.get_session().get_service_model("lambda")
    routes = []
    for name in model.operation_names:
        uri = model.operation_model(name).http["requestUri"].split("?")[0].rstrip("/")
        pattern = re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", re.escape(uri))
        routes.append((model.operation_model(name).http["method"], name, re.compile(pattern)))
    return routes


def _route(method: str, path: str) -> tuple[str, dict[str, str]]:
    """The operation and the labels of its path; another service's path is its own name."""
    path = path.rstrip("/")
    for verb, name, pattern in _routes():
        found = pattern.fullmatch(path) if verb == method else None
        if found:
            return name, {key: unquote(value) for key, value in found.groupdict().items()}
    return f"{method} {path}", {}
