"""The way to AWS: sessions, pacing, paging, waiting, and errors in our words. The only importer of boto3.

There is no wrapper per API: ``call("update_alias", FunctionName=..., ...)`` takes what boto3 takes.
"""

from __future__ import annotations

import re
import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping
from typing import Any

import boto3
import botocore.exceptions as boto
from botocore.config import Config

from ci.errors import AbsentError, AwsError, CredentialsError, DollopError, MovedError

_WITHOUT_ACCOUNT = "to try it without an AWS account, add --local"


class Pace:
    """At most ``rate`` calls in any second, counted where they start; a little less, so that jitter stays inside."""

    _WINDOW = 1.05

    def __init__(self, rate: int) -> None:
        self._lock = threading.Lock()
        self._starts: deque[float] = deque(maxlen=rate)

    def wait(self) -> None:
        """Return when the next call may start."""
        with self._lock:
            now = time.monotonic()
            start = now
            if len(self._starts) == self._starts.maxlen:
                start = max(now, self._starts[0] + self._WINDOW)
            self._starts.append(start)
        time.sleep(start - now)


class Aws:
    """One account and region. Safe to use from several threads.

    Quotas: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html#api-requests
    """

    _SETTLE_SECONDS = 300.0

    def __init__(self, session: boto3.Session, endpoint: str | None = None) -> None:
        self.region = str(session.region_name)
        control = Config(
            retries={"mode": "standard", "total_max_attempts": 6},
            connect_timeout=5,
            read_timeout=65,
            max_pool_connections=32,
        )
        # An invocation may have had its effect although the answer was lost: it is never sent twice.
        once = Config(retries={"total_max_attempts": 1}, connect_timeout=5, read_timeout=905)
        self._retrying = control
        self._readers: dict[str, Any] = {}
        self._lock = threading.Lock()
        self._lambda = session.client("lambda", endpoint_url=endpoint, config=control)
        self._invoker = session.client("lambda", endpoint_url=endpoint, config=once)
        self.interrupted = threading.Event()
        """Set when the user wants out: waiting ends with KeyboardInterrupt, calls already sent are finished."""
        self._session = session
        self._endpoint = endpoint
        self._reading = Pace(100)
        self._control = Pace(15)

    def call(self, operation: str, **parameters: Any) -> dict[str, Any]:
        """One call of the Lambda API, at the pace of its quota.

        Throttling, server errors and lost connections are retried with backoff; nothing else is.
        Raises AbsentError, MovedError and AwsError, naming function, call and way out.
        """
        (self._reading if operation == "get_function" else self._control).wait()
        try:
            return dict(getattr(self._lambda, operation)(**parameters))
        except (boto.BotoCoreError, boto.ClientError) as error:
            raise translate(error, operation, parameters) from error

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

        Retried and translated as ``call`` is.
        """
        try:
            yield from self._reader(service).get_paginator(operation).paginate(**parameters)
        except (boto.BotoCoreError, boto.ClientError) as error:
            raise translate(error, operation, parameters, service) from error

    def _reader(self, service: str) -> Any:
        """Made once, one at a time: a session is not safe to use from several threads, a client is."""
        create: Any = self._session.client
        with self._lock:
            if service not in self._readers:
                self._readers[service] = create(service, endpoint_url=self._endpoint, config=self._retrying)
            return self._readers[service]

    def invoke(self, name: str, qualifier: str, payload: bytes, logs: bool = False) -> dict[str, Any]:
        """Invoke once and wait for the answer; never retried."""
        try:
            answer = self._invoker.invoke(
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
        deadline = time.monotonic() + self._SETTLE_SECONDS
        pause = 0.1
        while True:
            answer = self.call("get_function", **parameters)
            state = answer["Configuration"]
            if state.get("State") != "Pending" and state.get("LastUpdateStatus") != "InProgress":
                return answer
            if time.monotonic() > deadline:
                raise AwsError(
                    f"{name}: still being updated after {self._SETTLE_SECONDS:.0f} s (LastUpdateStatus InProgress)",
                    "another release may be in progress: wait for it, then plan again",
                )
            if self.interrupted.wait(pause):
                raise KeyboardInterrupt
            pause = min(pause * 1.5, 2.0)

    def download(self, url: str) -> bytes:
        """A package that runs, from the presigned address that GetFunction gives. Raises AwsError."""
        from urllib3 import PoolManager
        from urllib3.exceptions import HTTPError

        try:
            response = PoolManager().request("GET", url, timeout=60, retries=3)
        except HTTPError:
            raise AwsError("the live package could not be read") from None
        if response.status != 200:
            raise AwsError(f"the live package could not be read: HTTP {response.status}")
        return bytes(response.data)

    def parameter(self, name: str) -> str:
        """The decrypted value of a Parameter Store parameter. Raises AbsentError and AwsError."""
        client = self._session.client("ssm", endpoint_url=self._endpoint)
        try:
            return str(client.get_parameter(Name=name, WithDecryption=True)["Parameter"]["Value"])
        except (boto.BotoCoreError, boto.ClientError) as error:
            raise translate(error, "get_parameter", {"Name": name}) from error


def connect(
    region: str | None,
    profile: str | None = None,
    endpoint: str | None = None,
    credentials: Mapping[str, str] | None = None,
) -> Aws:
    """A connection through the ordinary credential chain, or with ``credentials`` to ``endpoint``.

    Raises CredentialsError when there is no region or there are no credentials; nothing is called.
    """
    chain: dict[str, Any] = {"profile_name": profile, "region_name": region, **(credentials or {})}
    try:
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
        return Aws(session, endpoint)
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
        return _unreachable(error, where)
    code = str(error.response.get("Error", {}).get("Code", ""))
    text = str(error.response.get("Error", {}).get("Message", "")) or str(error)
    message = f"{where}: {text} ({code})"
    if code in ("ResourceNotFoundException", "ParameterNotFound"):
        return AbsentError(message, code=code)
    if code == "PreconditionFailedException" or (code == "InvalidParameterValueException" and "CodeSHA256" in text):
        return MovedError(f"{where}: live moved under the plan: {text}", "plan again, look, and deploy again", code)
    if code == "ResourceConflictException":
        hint = "another release or a change by hand is in progress: wait for it, then plan again"
        return MovedError(message, hint, code)
    if code in _DENIED:
        return AwsError(message, _grant(text, f"{service}:{api}"), code)
    if code in _EXPIRED:
        return AwsError(message, "the credentials have expired: get new ones and run it again", code)
    if code in _WRONG_CREDENTIALS:
        return AwsError(message, f"AWS does not accept these credentials: check them; {_WITHOUT_ACCOUNT}", code)
    if code in _THROTTLED:
        return AwsError(message, "the account's quota is used by others too: run it again later", code)
    if "cannot be assumed by Lambda" in text:
        hint = "the role's trust policy must let lambda.amazonaws.com assume it (sts:AssumeRole)"
        return AwsError(message, hint, code)
    return AwsError(message, code=code)


def _unreachable(error: Exception, where: str) -> DollopError:
    if isinstance(error, (boto.NoCredentialsError, boto.PartialCredentialsError)):
        return CredentialsError(f"{where}: {error}", _WITHOUT_ACCOUNT)
    if isinstance(error, (boto.ParamValidationError, boto.UnknownServiceError)):
        return AwsError(f"{where}: {error}")
    return AwsError(f"{where}: {error}", "check the network, the region and AWS_ENDPOINT_URL; then run it again")


def _grant(text: str, asked: str) -> str:
    """The policy line that AWS's refusal asks for."""
    action = re.search(r"perform: ([\w:-]+)", text)
    resource = re.search(r"on resource: (\S+)", text)
    named = action[1] if action else asked
    on = f" on {resource[1]}" if resource else ""
    return f"allow {named}{on}: dollop policy prints the statement"
