"""The way to AWS: sessions, pacing, paging, waiting, and errors in our words. The only importer of boto3.

There is no wrapper per API: ``call("update_alias", FunctionName=..., ...)`` takes what boto3 takes.
"""

from __future__ import annotations

import random
import re
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import boto3
import botocore.session
import botocore.exceptions as boto
from botocore.config import Config

from ci.errors import AbsentError, AwsError, CredentialsError, DollopError, MovedError
from ci.pace import Pace

_WITHOUT_ACCOUNT = "to try it without an AWS account, add --local"


@dataclass(frozen=True)
class Limits:
    """How long to wait for what, in seconds; and how often to call."""

    answer: float = 65.0
    """For the answer to one call."""
    pause: float = 0.4
    """Before a call is sent again, at most; twice that the next time, up to ``_LONGEST_PAUSE``."""
    quota: float = 300.0
    """While others use up the quota."""
    look: float = 0.1
    """Between two looks at an update in progress; half as much again the next time, up to 20 times that."""
    update: float = 300.0
    """For an update to end."""
    attempts: int = 6
    """How often a call is sent when the server fails or the connection is lost."""
    get_function: int = 100
    """Calls of GetFunction in any second."""
    control: int = 15
    """All other calls of the control plane in any second. Both:
    https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html#api-requests"""


_LONGEST_PAUSE = 10.0
_INVOCATION = 905.0
"""Seconds. A function may run for 900."""

_RETRYING = Config(retries={"mode": "standard", "total_max_attempts": 6}, connect_timeout=5)
# Lambda is called once: the SDK's retries keep to no quota and soon give up where others use it up, and an invocation
# may have had its effect although its answer was lost.
_ONCE = Config(retries={"total_max_attempts": 1}, connect_timeout=5, max_pool_connections=64)


class Revealed(str):
    """A secret on its way to AWS, which may repeat it in a refusal: the message that is made of that does not."""


class Aws:
    """One account and region. Safe to use from several threads."""

    def __init__(self, session: boto3.Session, endpoint: str | None = None, limits: Limits = Limits()) -> None:
        self.region = str(session.region_name)
        self.interrupted = threading.Event()
        """When it is set, nothing more is begun: whatever waits raises KeyboardInterrupt, a call that was sent is
        finished. Replaced, not cleared, by what has to go on after it: what it once stopped stays stopped."""
        self._limits = limits
        self._session = session
        self._endpoint = endpoint
        self._clients: dict[str, Any] = {}
        self._lock = threading.Lock()
        self._thread = threading.local()
        self._reading = Pace(limits.get_function)
        self._control = Pace(limits.control)

    def _client(self, service: str, purpose: str = "") -> Any:
        """Made once, one at a time: a session is not safe to use from several threads, a client is."""
        create: Any = self._session.client
        with self._lock:
            if (service + purpose) not in self._clients:
                config = _RETRYING
                if service == "lambda":
                    answer = _INVOCATION if purpose == "invoke" else self._limits.answer
                    config = _ONCE.merge(Config(read_timeout=answer))
                if self._endpoint:
                    # The embedded AWS is on loopback, where no proxy leads.
                    config = config.merge(Config(proxies={}))
                client = create(service, endpoint_url=self._endpoint, config=config)
                client.meta.events.register("before-send.lambda", self._sending)
                self._clients[service + purpose] = client
            return self._clients[service + purpose]

    def _sending(self, **event: Any) -> None:
        """What the SDK does before it sends takes its time, above all at first: the quota is not used by that."""
        if hasattr(self._thread, "place"):
            self._thread.place.sent = time.monotonic()

    def call(self, operation: str, **parameters: Any) -> dict[str, Any]:
        """One call of the Lambda API, at the pace of its quota.

        Throttling, server errors and lost connections are sent again with backoff; nothing else is. So a refusal may
        be the echo of a call whose answer was lost: whoever writes must look. Raises AbsentError, MovedError and
        AwsError, naming function, call and way out.
        """
        pace = self._reading if operation == "get_function" else self._control
        send = getattr(self._client("lambda"), operation)
        stop, started, sent = self.interrupted, time.monotonic(), 0
        while True:
            try:
                with pace.turn(stop) as self._thread.place:
                    return dict(send(**parameters))
            except (boto.BotoCoreError, boto.ClientError) as error:
                throttled = _code(error) in _THROTTLED
                if throttled:
                    pace.slow_down()
                    again = time.monotonic() - started < self._limits.quota
                else:
                    again = _passing(error) and sent + 1 < self._limits.attempts
                if not again:
                    raise translate(error, operation, parameters) from error
            longest = min(self._limits.pause * 2**sent, _LONGEST_PAUSE)
            sent += 1
            if stop.wait(random.uniform(longest / 2, longest)):
                raise KeyboardInterrupt

    def pages(self, operation: str, key: str, **parameters: Any) -> Iterator[dict[str, Any]]:
        """Every item under ``key``, over all pages."""
        marker: dict[str, str] = {}
        while True:
            page = self.call(operation, **parameters, **marker)
            yield from page[key]
            if not page.get("NextMarker"):
                return
            marker = {"Marker": page["NextMarker"]}

    def read(self, service: str, operation: str, **parameters: Any) -> Iterator[dict[str, Any]]:
        """Every page of a reading call of a service beside Lambda: ``read("logs", "filter_log_events", ...)``.

        Retried by the SDK, translated as ``call`` is.
        """
        try:
            yield from self._client(service).get_paginator(operation).paginate(**parameters)
        except (boto.BotoCoreError, boto.ClientError) as error:
            raise translate(error, operation, parameters, service) from error

    def invoke(self, name: str, qualifier: str, payload: bytes, logs: bool = False) -> dict[str, Any]:
        """Invoke once and wait for the answer; never retried."""
        try:
            answer = self._client("lambda", "invoke").invoke(
                FunctionName=name, Qualifier=qualifier, Payload=payload, LogType="Tail" if logs else "None"
            )
            return {**answer, "Payload": answer["Payload"].read()}
        except (boto.BotoCoreError, boto.ClientError) as error:
            raise translate(error, "invoke", {"FunctionName": name}) from error

    def settle(self, name: str, qualifier: str | None = None) -> dict[str, Any]:
        """GetFunction's answer once no update of the function is in progress, whether it succeeded or failed.

        Raises AwsError when it does not end.
        https://docs.aws.amazon.com/lambda/latest/dg/functions-states.html
        """
        parameters = {"FunctionName": name} | ({"Qualifier": qualifier} if qualifier else {})
        stop, deadline, pause = self.interrupted, time.monotonic() + self._limits.update, self._limits.look
        while True:
            answer = self.call("get_function", **parameters)
            state = answer["Configuration"]
            if state.get("State") != "Pending" and state.get("LastUpdateStatus") != "InProgress":
                return answer
            if time.monotonic() > deadline:
                raise AwsError(
                    f"{name}: GetFunction: still being updated after {self._limits.update:.0f} s",
                    "another release may be in progress: wait for it, then run it again",
                )
            if stop.wait(pause):
                raise KeyboardInterrupt
            pause = min(pause * 1.5, self._limits.look * 20)

    def download(self, url: str, last: int) -> tuple[bytes, int]:
        """The ``last`` bytes of a package that runs (all of it where the server cannot do that), and its size.

        ``url`` is the presigned address that GetFunction gives. Raises AwsError.
        """
        from urllib3 import PoolManager
        from urllib3.exceptions import HTTPError

        try:
            with PoolManager() as pool:
                answer = pool.request("GET", url, headers={"Range": f"bytes=-{last}"}, timeout=60, retries=3)
        except HTTPError:
            raise AwsError("the live package could not be read") from None
        if answer.status not in (200, 206):
            raise AwsError(f"the live package could not be read: HTTP {answer.status}")
        size = answer.headers.get("Content-Range", "").rpartition("/")[2]
        return bytes(answer.data), int(size) if size.isdecimal() else len(answer.data)

    def parameter(self, name: str) -> str:
        """The decrypted value of a Parameter Store parameter. Raises AbsentError and AwsError."""
        try:
            return str(self._client("ssm").get_parameter(Name=name, WithDecryption=True)["Parameter"]["Value"])
        except (boto.BotoCoreError, boto.ClientError) as error:
            raise translate(error, "get_parameter", {"Name": name}) from error


def connect(
    region: str | None,
    profile: str | None = None,
    endpoint: str | None = None,
    credentials: Mapping[str, str] | None = None,
    limits: Limits = Limits(),
) -> Aws:
    """A connection through the ordinary credential chain, or with ``credentials`` to ``endpoint``.

    The latter is the embedded AWS: whatever profile and proxy the environment names do not count.
    Raises CredentialsError when there is no region or there are no credentials; nothing is called.
    """
    chain: dict[str, Any] = {"profile_name": profile, "region_name": region, **(credentials or {})}
    try:
        if endpoint and credentials:
            chain["botocore_session"] = botocore.session.Session({"profile": (None, None, None, None)})
        session = boto3.Session(**chain)
        if not session.region_name:
            raise CredentialsError(
                "no region: neither pipeline.yaml nor AWS_REGION names one",
                "set region: in pipeline.yaml, or AWS_REGION",
            )
        if session.get_credentials() is None:
            raise CredentialsError(
                "no AWS credentials found (environment, profile, web identity, instance role)",
                f"set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; {_WITHOUT_ACCOUNT}",
            )
        return Aws(session, endpoint, limits)
    except boto.ProfileNotFound as error:
        hint = f"aws configure list-profiles shows what there is; {_WITHOUT_ACCOUNT}"
        raise CredentialsError(str(error), hint) from None
    except (boto.BotoCoreError, ValueError) as error:
        raise CredentialsError(f"AWS cannot be reached with this configuration: {error}") from None


_WRONG_CREDENTIALS = frozenset(
    {"UnrecognizedClientException", "InvalidClientTokenId", "InvalidSignatureException", "SignatureDoesNotMatch"}
)
_EXPIRED = frozenset({"ExpiredToken", "ExpiredTokenException", "RequestExpired"})
_DENIED = frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"})
_NAMES = ("FunctionName", "Resource", "Name", "logGroupName")
_THROTTLED = frozenset({"TooManyRequestsException", "ThrottlingException", "Throttling"})


def _code(error: Exception) -> str:
    return str(error.response.get("Error", {}).get("Code", "")) if isinstance(error, boto.ClientError) else ""


def _passing(error: Exception) -> bool:
    """Whether the same call may well succeed when it is sent again: the server failed, or the way to it."""
    if isinstance(error, boto.ClientError):
        return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)) >= 500
    return isinstance(error, (boto.HTTPClientError, boto.ResponseStreamingError))


def translate(
    error: Exception, operation: str, parameters: Mapping[str, Any], service: str = "lambda"
) -> DollopError:
    """An error of the SDK in our words: which function, which call, what next.

    https://docs.aws.amazon.com/lambda/latest/api/CommonErrors.html
    """
    name = next((str(parameters[key]) for key in _NAMES if parameters.get(key)), "")
    api = "".join(word.capitalize() for word in operation.split("_"))
    where = f"{name}: {api}" if name else api
    if not isinstance(error, boto.ClientError):
        return _unreachable(_discreet(str(error), parameters), error, where)
    code = _code(error)
    text = _discreet(str(error.response.get("Error", {}).get("Message", "")) or str(error), parameters)
    message = f"{where}: {text} ({code})"
    if code in ("ResourceNotFoundException", "ParameterNotFound"):
        return AbsentError(message, code=code)
    if code == "PreconditionFailedException" or (code == "InvalidParameterValueException" and "CodeSHA256" in text):
        return MovedError(f"{where}: live moved under the plan: {text}", "plan again, look, and deploy again", code)
    if code == "ResourceConflictException":
        hint = "another release or a change by hand is in progress: wait for it, then plan again"
        return MovedError(f"{where}: live moved under the plan: {text}", hint, code)
    if code in _DENIED:
        return AwsError(message, _grant(text, f"{service}:{api}"), code)
    if code in _EXPIRED:
        return AwsError(message, "the credentials have expired: get new ones and run it again", code)
    if code in _WRONG_CREDENTIALS:
        return AwsError(message, f"AWS does not accept these credentials: check them; {_WITHOUT_ACCOUNT}", code)
    if code in _THROTTLED:
        return AwsError(message, "the account's quota is used by others too: run it again later", code)
    if int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)) >= 500:
        return AwsError(message, "AWS itself failed, several times: run it again later", code)
    if "cannot be assumed by Lambda" in text:
        hint = "the role's trust policy must let lambda.amazonaws.com assume it (sts:AssumeRole)"
        return AwsError(message, hint, code)
    return AwsError(message, code=code)


_SHORTEST_SECRET = 4
"""Characters. Whatever is shorter is found everywhere in a text."""


def _discreet(text: str, parameters: Any) -> str:
    """``text`` without the secrets that the call was made with."""
    if isinstance(parameters, Revealed):
        return text.replace(parameters, "***") if len(parameters) >= _SHORTEST_SECRET else text
    if isinstance(parameters, Mapping):
        parameters = list(parameters.values())
    for value in parameters if isinstance(parameters, list) else ():
        text = _discreet(text, value)
    return text


def _unreachable(text: str, error: Exception, where: str) -> DollopError:
    if isinstance(error, (boto.NoCredentialsError, boto.PartialCredentialsError)):
        return CredentialsError(f"{where}: {text}", _WITHOUT_ACCOUNT)
    if isinstance(error, (boto.ParamValidationError, boto.UnknownServiceError)):
        return AwsError(f"{where}: {text}")
    return AwsError(f"{where}: {text}", "check the network, the region and AWS_ENDPOINT_URL; then run it again")


def _grant(text: str, asked: str) -> str:
    """The policy line that AWS's refusal asks for."""
    action = re.search(r"perform: ([\w:-]+)", text)
    resource = re.search(r"on resource: (\S+)", text)
    named = action[1] if action else asked
    on = f" on {resource[1]}" if resource else ""
    return f"allow {named}{on}: dollop policy prints the statement"
