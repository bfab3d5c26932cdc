"""A strict AWS: a proxy in front of MiniStack that adds what AWS does and MiniStack does not, and faults by script.

What it adds, each from AWS's reference of the call:

- an update, and publishing, while an update is in progress is a ResourceConflictException; an update takes ``settle`` s
- PublishVersion refuses a wrong CodeSha256 or RevisionId, and gives the newest version when nothing changed since
- an alias points to a version that is there
- Code.Location is the code of the version that was asked for, and takes a Range
- with ``quotas``: GetFunction 100/s, all other calls of the control plane 15/s, in any second; above that 429
  (https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html#api-requests)

Every call is kept in ``calls``, in the order of arrival. An account has a proxy of its own.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import http.client
import json
import re
import socket
import struct
import threading
import time
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import botocore.session

CONTROL = 15
GET_FUNCTION = 100
READS = ("Get", "List", "Head")


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
    status: int = 0
    """Of the answer; 0: none was sent."""

    @property
    def writes(self) -> bool:
        """Whether it may change something. An invocation may not."""
        return not self.operation.startswith(READS) and self.operation != "Invoke"

    def __str__(self) -> str:
        return f"{self.operation} {self.function} #{self.nth}"


@dataclass(frozen=True)
class Fault:
    """What goes wrong: ``kind``, one of ``KINDS``, from the ``nth`` such call on, ``times`` times (None: always)."""

    kind: str
    operation: str
    function: str
    nth: int = 1
    times: int | None = 1

    def hits(self, call: Call) -> bool:
        same = (self.operation, self.function) == (call.operation, call.function)
        return same and self.nth <= call.nth and (self.times is None or call.nth < self.nth + self.times)


KINDS = (
    "throttled",
    "internal error",
    "bad gateway",
    "reset before",
    "reset after",
    "truncated",
    "time-out before",
    "time-out after",
    "expired",
    "denied",
    "stuck",
    "update fails",
)
"""``expired`` and ``denied`` last: the token for every call, the permission for every such call. ``stuck`` and
``update fails`` are about what an accepted update comes to."""

LASTING = ("expired", "denied")
OUTCOMES = ("stuck", "update fails")
WITHIN = "SubnetOutOfIPAddresses"


@dataclass
class Answer:
    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)


class Gone(Exception):
    """The connection ends without an answer."""


class Strict:
    """The proxy. ``others``: calls a second that others take off both quotas. ``hang``: a time-out's length in s."""

    def __init__(self, upstream: int, settle: float = 0.02, quotas: bool = False, hang: float = 2.0) -> None:
        self.settle = settle
        self.quotas = quotas
        self.hang = hang
        self.others = 0.0
        self.calls: list[Call] = []
        self.faults: list[Fault] = []
        self.refusals: dict[str, tuple[int, str, str]] = {}
        """Operation -> status, code and message that every call of it is refused with."""
        self.before: Callable[[Call], None] = lambda call: None
        """Called when a call arrives."""
        self.after: Callable[[Call], None] = lambda call: None
        """Called once a call took effect, before its answer is sent."""
        self._upstream = upstream
        self._local = threading.local()
        self._lock = threading.RLock()
        self._seen: Counter[tuple[str, str]] = Counter()
        self._broken: set[tuple[str, ...]] = set()
        self._ready: dict[str, float] = {}
        self._failed: dict[str, str] = {}
        self._own: dict[str, str] = {}
        self._now = ""
        self._code: dict[str, bytes] = {}
        self._windows: dict[int, deque[float]] = defaultdict(deque)
        self._taken: dict[int, float] = {}
        self._server = _Server(self)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @contextmanager
    def running(self) -> Iterator[Strict]:
        thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            self._server.server_close()
            thread.join()

    def writes(self) -> list[Call]:
        """The calls that may have changed something."""
        return [call for call in self.calls if call.writes]

    def forget(self) -> None:
        """Start to count and to fail anew. What AWS holds stays."""
        with self._lock:
            self.calls.clear()
            self.faults.clear()
            self._seen.clear()
            self._broken.clear()
            self.before = self.after = lambda call: None

    def heal(self) -> None:
        """No more faults; an update that was stuck ends, one that failed can be done again."""
        with self._lock:
            self.forget()
            self._ready = {name: 0.0 for name in self._ready}

    # ------------------------------------------------------------ one call

    def answer(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> tuple[Answer, str]:
        """The answer, and what the wire does to it: nothing, ``truncated``."""
        if path.startswith("/_code/"):
            return self._send_code(path.removeprefix("/_code/"), headers.get("Range", "")), ""
        call = self._arrived(method, path, headers, body)
        fault = self._fault(call)
        kind = fault.kind if fault else ""
        self.before(call)
        answer = self._failing(kind, call) or self._throttled(call)
        if answer is None:
            answer = self._effect(call, kind, method, path, headers, body)
            self.after(call)
            if kind == "time-out after":
                time.sleep(self.hang)
            if kind in ("reset after", "time-out after"):
                raise Gone
        call.status = answer.status
        return answer, kind if kind == "truncated" else ""

    def _arrived(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Call:
        url = urlsplit(path)
        operation, labels = _route(method, url.path)
        operation = headers.get("X-Amz-Target", operation).rpartition(".")[2]
        function = labels.get("FunctionName") or labels.get("Resource", "")
        text = body if body[:1] == b"{" and operation != "Invoke" else b"{}"
        data = json.loads(text)
        function = (function or data.get("FunctionName", "")).split(":function:")[-1].split(":")[0]
        qualifier = labels.get("Qualifier") or parse_qs(url.query).get("Qualifier", [None])[0]
        with self._lock:
            self._seen[operation, function] += 1
            nth = self._seen[operation, function]
            call = Call(operation, function, len(self.calls) + 1, nth, time.monotonic(), data | labels, qualifier)
            self.calls.append(call)
        return call

    def _fault(self, call: Call) -> Fault | None:
        with self._lock:
            fault = next((fault for fault in self.faults if fault.hits(call)), None)
            if fault and fault.kind == "expired":
                self._broken.add(("expired",))
            if fault and fault.kind == "denied":
                self._broken.add(("denied", call.operation))
            for broken in self._broken:
                if broken[1:] in ((), (call.operation,)):
                    return Fault(broken[0], call.operation, call.function)
            return fault

    def _failing(self, kind: str, call: Call) -> Answer | None:
        if kind == "time-out before":
            time.sleep(self.hang)
        if kind in ("reset before", "time-out before"):
            raise Gone
        if kind == "bad gateway":
            return Answer(502, b"<html><body>502 Bad Gateway</body></html>", {"Content-Type": "text/html"})
        refusals = {
            "throttled": (429, "TooManyRequestsException", "Rate exceeded"),
            "internal error": (500, "ServiceException", "An error occurred and the request cannot be processed."),
            "expired": (403, "ExpiredTokenException", "The security token included in the request is expired"),
            "denied": (
                403,
                "AccessDeniedException",
                f"User: arn:aws:sts::123456789012:assumed-role/deploy/ci is not authorized to perform: "
                f"lambda:{call.operation} on resource: arn:aws:lambda:eu-west-1:123456789012:function:{call.function} "
                f"because no identity-based policy allows the lambda:{call.operation} action",
            ),
        }
        if call.operation in self.refusals:
            return _error(*self.refusals[call.operation])
        return _error(*refusals[kind]) if kind in refusals else None

    def _throttled(self, call: Call) -> Answer | None:
        if not self.quotas or call.operation == "Invoke":
            return None
        quota = GET_FUNCTION if call.operation == "GetFunction" else CONTROL
        with self._lock:
            window = self._windows[quota]
            while window and window[0] <= call.at - 1:
                window.popleft()
            if len(window) + self.others < quota:
                window.append(call.at)
                return None
        return _error(429, "TooManyRequestsException", "Rate exceeded")

    def _effect(
        self, call: Call, kind: str, method: str, path: str, headers: Mapping[str, str], body: bytes
    ) -> Answer:
        if call.operation == "Invoke" or not call.writes:
            return self._told(call, self._forward(method, path, headers, body))
        with self._lock:
            refused = self._refused(call, headers)
            if refused is not None:
                return refused
            answer = self._forward(method, path, headers, body)
            if answer.status < 300:
                self._accepted(call, kind, answer)
            return self._told(call, answer)

    def _forward(self, method: str, path: str, headers: Mapping[str, str], body: bytes = b"") -> Answer:
        for last in (False, True):
            if not hasattr(self._local, "connection"):
                self._local.connection = http.client.HTTPConnection("127.0.0.1", self._upstream, timeout=60)
            connection: http.client.HTTPConnection = self._local.connection
            try:
                sent = {key: value for key, value in headers.items() if key.lower() not in _HOP}
                connection.request(method, path, body, {**sent, "Host": f"127.0.0.1:{self._upstream}"})
                response = connection.getresponse()
                kept = {key: value for key, value in response.getheaders() if key.lower() not in _HOP}
                return Answer(response.status, response.read(), kept)
            except (OSError, http.client.HTTPException):
                connection.close()
                del self._local.connection
                if last:
                    raise
        raise AssertionError

    def hang_up(self) -> None:
        """This thread's client is gone."""
        if hasattr(self._local, "connection"):
            self._local.connection.close()

    # ------------------------------------------------------------ what AWS does

    def _refused(self, call: Call, headers: Mapping[str, str]) -> Answer | None:
        if call.operation in ("UpdateFunctionCode", "UpdateFunctionConfiguration", "PublishVersion"):
            if time.monotonic() < self._ready.get(call.function, 0):
                return _error(
                    409, "ResourceConflictException",
                    "The operation cannot be performed at this time. An update is in progress for resource: "
                    f"arn:aws:lambda:eu-west-1:123456789012:function:{call.function}",
                )
        if call.operation == "PublishVersion":
            return self._unpublished(call, headers)
        if call.operation in ("CreateAlias", "UpdateAlias") and call.body.get("FunctionVersion"):
            version = call.body["FunctionVersion"]
            found = self._get(f"/2015-03-31/functions/{call.function}?Qualifier={version}", headers)
            if found is None:
                return _error(404, "ResourceNotFoundException", f"Function not found: {call.function}:{version}")
        return None

    def _unpublished(self, call: Call, headers: Mapping[str, str]) -> Answer | None:
        latest = self._get(f"/2015-03-31/functions/{call.function}/configuration", headers)
        if latest is None:
            return None
        sha256, revision = call.body.get("CodeSha256"), call.body.get("RevisionId")
        if sha256 and sha256 != latest["CodeSha256"]:
            return _error(
                400, "InvalidParameterValueException",
                f"CodeSHA256 ({sha256}) is different from current CodeSHA256 in $LATEST ({latest['CodeSha256']}). "
                "Please try again with the CodeSHA256 in $LATEST.",
            )
        if revision and revision != latest["RevisionId"]:
            return _error(
                412, "PreconditionFailedException",
                "The RevisionId provided does not match the latest RevisionId. Call the GetFunction or the GetAlias "
                "API to retrieve the latest RevisionId",
            )
        listed = self._get(f"/2015-03-31/functions/{call.function}/versions?MaxItems=10000", headers) or {}
        numbered = [item for item in listed.get("Versions", []) if item["Version"] != "$LATEST"]
        newest = max(numbered, key=lambda item: int(item["Version"]), default=None)
        own = self._own.get(call.function)
        self._now = latest.get("Description", "")
        if newest is not None and _essence(newest) == _essence(latest) and own in (None, self._now):
            return self._told(call, Answer(201, json.dumps(newest).encode(), {"Content-Type": "application/json"}))
        return None

    def _get(self, path: str, headers: Mapping[str, str]) -> dict[str, Any] | None:
        asked = {key: headers[key] for key in ("Authorization", "X-Amz-Date") if key in headers}
        answer = self._forward("GET", path, asked)
        return json.loads(answer.body) if answer.status == 200 else None

    def _accepted(self, call: Call, kind: str, answer: Answer) -> None:
        if call.operation in ("CreateFunction", "UpdateFunctionCode", "UpdateFunctionConfiguration"):
            lasts = float("inf") if kind == "stuck" else self.settle
            self._ready[call.function] = time.monotonic() + lasts
            self._failed.pop(call.function, None)
            if kind == "update fails":
                self._failed[call.function] = call.operation
        zipped = call.body.get("ZipFile") or (call.body.get("Code") or {}).get("ZipFile")
        if zipped:
            data = base64.b64decode(zipped)
            self._code[base64.b64encode(hashlib.sha256(data).digest()).decode()] = data
        if call.operation == "PublishVersion":
            latest = json.loads(answer.body)
            self._own[call.function] = self._now
            self._ready[f"{call.function}:{latest['Version']}"] = time.monotonic() + self.settle
        if call.operation == "DeleteFunction" and not call.qualifier:
            for memory in (self._ready, self._failed, self._own):
                memory.pop(call.function, None)

    def _told(self, call: Call, answer: Answer) -> Answer:
        """The answer with the states of this layer's clock, and its own address of the code."""
        if answer.status >= 300 or call.operation not in _TELL:
            return answer
        data = json.loads(answer.body)
        items = data.get("Versions") or [data.get("Configuration", data)]
        for item in items:
            item.update(self._state(call, item))
        if call.operation == "GetFunction" and data["Configuration"]["CodeSha256"] in self._code:
            sha256 = base64.urlsafe_b64encode(data["Configuration"]["CodeSha256"].encode()).decode()
            data["Code"]["Location"] = f"{self.url}/_code/{sha256}"
        return Answer(answer.status, json.dumps(data).encode(), answer.headers)

    def _state(self, call: Call, item: Mapping[str, Any]) -> dict[str, str]:
        number = item["Version"]
        key = call.function if number == "$LATEST" else f"{call.function}:{number}"
        if time.monotonic() < self._ready.get(key, 0):
            if number != "$LATEST" or call.operation == "CreateFunction":
                return {"State": "Pending", "LastUpdateStatus": "InProgress" if number == "$LATEST" else "Successful"}
            return {"State": "Active", "LastUpdateStatus": "InProgress"}
        failed = self._failed.get(call.function) if number == "$LATEST" else None
        if failed:
            at = "State" if failed == "CreateFunction" else "LastUpdateStatus"
            reason = "Lambda was not able to set up VPC access: the subnet has no free address"
            return _READY | {at: "Failed", f"{at}Reason": reason, f"{at}ReasonCode": WITHIN}
        return _READY

    def _send_code(self, name: str, asked: str) -> Answer:
        data = self._code[base64.urlsafe_b64decode(name).decode()]
        suffix = re.fullmatch(r"bytes=-(\d+)", asked)
        if not suffix:
            return Answer(200, data, {"Content-Type": "application/zip"})
        start = max(0, len(data) - int(suffix[1]))
        return Answer(206, data[start:], {"Content-Range": f"bytes {start}-{len(data) - 1}/{len(data)}"})


_READY = {"State": "Active", "LastUpdateStatus": "Successful"}
_HOP = ("connection", "keep-alive", "transfer-encoding", "content-length", "host", "date", "server", "expect")
_TELL = (
    "GetFunction", "GetFunctionConfiguration", "CreateFunction", "UpdateFunctionCode", "UpdateFunctionConfiguration",
    "PublishVersion", "ListVersionsByFunction",
)
_PASSING = (
    "Version", "FunctionArn", "RevisionId", "LastModified", "Description", "State", "StateReason", "StateReasonCode",
    "LastUpdateStatus", "LastUpdateStatusReason", "LastUpdateStatusReasonCode", "MasterArn",
)


def _essence(configuration: Mapping[str, Any]) -> dict[str, Any]:
    """What makes a version another one."""
    return {key: value for key, value in configuration.items() if key not in _PASSING}


def _error(status: int, code: str, message: str) -> Answer:
    kind = "Client" if status < 500 else "Service"
    body = {"Type": kind, "Code": code, "Message": message, "message": message}
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


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 256

    def __init__(self, strict: Strict) -> None:
        self.strict = strict
        super().__init__(("127.0.0.1", 0), _Handler)

    def handle_error(self, request: Any, address: Any) -> None:
        """A client that is gone (killed, or tired of waiting) is no news."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = 1 << 16
    disable_nagle_algorithm = True
    server: _Server

    def handle_one(self) -> None:
        if self.headers.get("Expect", "").lower() == "100-continue":
            self.wfile.flush()
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        try:
            answer, wire = self.server.strict.answer(self.command, self.path, self.headers, body)
        except Gone:
            self._reset()
            return
        self.send_response_only(answer.status)
        for key, value in answer.headers.items():
            self.send_header(key, value)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        if wire == "truncated":
            self.wfile.write(answer.body[: len(answer.body) // 2])
            self.wfile.flush()
            self._reset()
            return
        self.wfile.write(answer.body)
        self.wfile.flush()

    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = do_PATCH = handle_one

    def finish(self) -> None:
        super().finish()
        self.server.strict.hang_up()

    def _reset(self) -> None:
        """As a broken connection looks like: RST, not FIN."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
        self.close_connection = True

    def log_message(self, format: str, *arguments: Any) -> None:
        pass
