"""What AWS does and MiniStack does not: conflicts, states, hashes and revisions that must fit, code by version."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import time
from collections.abc import Callable, Mapping
from typing import Any

from tests.emulated.strict.calls import Answer, Call, error
from tests.emulated.strict.server import Upstream

WITHIN = "SubnetOutOfIPAddresses"


class Rules:
    """What AWS knows of its functions beside what MiniStack does. One write of a function at a time."""

    def __init__(self, upstream: Upstream, settle: float, url: Callable[[], str]) -> None:
        self.settle = settle
        self.publishing = 0.0
        self._upstream = upstream
        self._url = url
        self._ready: dict[str, float] = {}
        self._failed: dict[str, str] = {}
        self._own: dict[str, str] = {}
        self._now: dict[str, str] = {}
        self._code: dict[str, bytes] = {}

    def heal(self) -> None:
        """An update that was stuck ends."""
        self._ready = {name: 0.0 for name in self._ready}

    def refused(self, call: Call, headers: Mapping[str, str]) -> Answer | None:
        if call.operation in ("UpdateFunctionCode", "UpdateFunctionConfiguration", "PublishVersion"):
            if time.monotonic() < self._ready.get(call.where, 0):
                return error(
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
                return error(404, "ResourceNotFoundException", f"Function not found: {call.function}:{version}")
        if call.operation == "CreateEventSourceMapping":
            # https://docs.aws.amazon.com/lambda/latest/api/API_CreateEventSourceMapping.html
            there = self._get("/2015-03-31/event-source-mappings", headers) or {"EventSourceMappings": []}
            pair = (call.body["EventSourceArn"], call.body["FunctionName"])
            if pair in [(item["EventSourceArn"], item["FunctionArn"]) for item in there["EventSourceMappings"]]:
                return error(409, "ResourceConflictException", "The resource already exists.")
        return None

    def _unpublished(self, call: Call, headers: Mapping[str, str]) -> Answer | None:
        latest = self._get(f"/2015-03-31/functions/{call.function}/configuration", headers)
        if latest is None:
            return None
        sha256, revision = call.body.get("CodeSha256"), call.body.get("RevisionId")
        if sha256 and sha256 != latest["CodeSha256"]:
            return error(
                400, "InvalidParameterValueException",
                f"CodeSHA256 ({sha256}) is different from current CodeSHA256 in $LATEST ({latest['CodeSha256']}). "
                "Please try again with the CodeSHA256 in $LATEST.",
            )
        if revision and revision != latest["RevisionId"]:
            return error(
                412, "PreconditionFailedException",
                "The RevisionId provided does not match the latest RevisionId. Call the GetFunction or the GetAlias "
                "API to retrieve the latest RevisionId",
            )
        listed = self._get(f"/2015-03-31/functions/{call.function}/versions?MaxItems=10000", headers) or {}
        numbered = [item for item in listed.get("Versions", []) if item["Version"] != "$LATEST"]
        newest = max(numbered, key=lambda item: int(item["Version"]), default=None)
        own = self._own.get(call.where)
        self._now[call.where] = latest.get("Description", "")
        if newest is not None and _essence(newest) == _essence(latest) and own in (None, self._now[call.where]):
            return self.told(call, Answer(201, json.dumps(newest).encode(), {"Content-Type": "application/json"}))
        return None

    def _get(self, path: str, headers: Mapping[str, str]) -> dict[str, Any] | None:
        asked = {key: headers[key] for key in ("Authorization", "X-Amz-Date") if key in headers}
        answer = self._upstream.send("GET", path, asked)
        return json.loads(answer.body) if answer.status == 200 else None

    def accepted(self, call: Call, kind: str, answer: Answer) -> None:
        if call.operation in ("CreateFunction", "UpdateFunctionCode", "UpdateFunctionConfiguration"):
            lasts = float("inf") if kind == "stuck" else self.settle
            self._ready[call.where] = time.monotonic() + lasts
            self._failed.pop(call.where, None)
            if kind == "update fails":
                self._failed[call.where] = call.operation
        zipped = call.body.get("ZipFile") or (call.body.get("Code") or {}).get("ZipFile")
        if zipped:
            data = base64.b64decode(zipped)
            self._code[base64.b64encode(hashlib.sha256(data).digest()).decode()] = data
        if call.operation == "PublishVersion":
            latest = json.loads(answer.body)
            self._own[call.where] = self._now[call.where]
            lasts = max(self.settle, self.publishing)
            self._ready[f"{call.where}:{latest['Version']}"] = time.monotonic() + lasts
        if call.operation == "DeleteFunction" and not call.qualifier:
            for memory in (self._ready, self._failed, self._own):
                memory.pop(call.where, None)

    def told(self, call: Call, answer: Answer) -> Answer:
        """The answer with the states of this layer's clock, and its own address of the code."""
        if answer.status >= 300 or call.operation not in _TELL:
            return answer
        data = json.loads(answer.body)
        items = data.get("Versions") or [data.get("Configuration", data)]
        for item in items:
            item.update(self._state(call, item))
        if call.operation == "GetFunction" and call.qualifier:
            # Seen in AWS: https://github.com/hashicorp/terraform-provider-aws/pull/43753 (concurrency)
            # and https://github.com/hashicorp/terraform-provider-aws/issues/31497 (tags).
            data = {key: data[key] for key in ("Configuration", "Code")}
        if call.operation == "GetFunction" and data["Configuration"]["CodeSha256"] in self._code:
            sha256 = base64.urlsafe_b64encode(data["Configuration"]["CodeSha256"].encode()).decode()
            data["Code"]["Location"] = f"{self._url()}/_code/{sha256}"
        return Answer(answer.status, json.dumps(data).encode(), answer.headers)

    def _state(self, call: Call, item: Mapping[str, Any]) -> dict[str, str]:
        number = item["Version"]
        key = call.where if number == "$LATEST" else f"{call.where}:{number}"
        if time.monotonic() < self._ready.get(key, 0):
            if number != "$LATEST" or call.operation == "CreateFunction":
                return {"State": "Pending", "LastUpdateStatus": "InProgress" if number == "$LATEST" else "Successful"}
            return {"State": "Active", "LastUpdateStatus": "InProgress"}
        failed = self._failed.get(call.where) if number == "$LATEST" else None
        if failed:
            at = "State" if failed == "CreateFunction" else "LastUpdateStatus"
            reason = "Lambda was not able to set up VPC access: the subnet has no free address"
            return _READY | {at: "Failed", f"{at}Reason": reason, f"{at}ReasonCode": WITHIN}
        return _READY

    def send_code(self, name: str, asked: str) -> Answer:
        data = self._code[base64.urlsafe_b64decode(name).decode()]
        suffix = re.fullmatch(r"bytes=-(\d+)", asked)
        if not suffix:
            return Answer(200, data, {"Content-Type": "application/zip"})
        start = max(0, len(data) - int(suffix[1]))
        return Answer(206, data[start:], {"Content-Range": f"bytes {start}-{len(data) - 1}/{len(data)}"})


_READY = {"State": "Active", "LastUpdateStatus": "Successful"}
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
