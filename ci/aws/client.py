"""Calls at the pace of AWS's quotas: sent again while that helps, paged, waited for."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import boto3
import botocore.exceptions as boto
from botocore.config import Config

from ci.aws.pace import Pace
from ci.aws.translation import is_passing, is_throttled, translate
from ci.errors import AbsentError, AwsError, CredentialsError, OutdatedError
from ci.parallel import WORKERS, Track, each, quiet

if TYPE_CHECKING:
    from urllib3 import PoolManager

    from ci.aws.bucket import Bucket

Item = TypeVar("Item")
Result = TypeVar("Result")


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
    appear: float = 30.0
    """For what was just written to be known to all servers of AWS."""
    watch: float = 10.0
    """Between two looks at the alarms of a canary. CloudWatch's shortest period is as long."""
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

_RETRYING = Config(retries={"mode": "standard"}, connect_timeout=5)
# What may change something is sent once by the SDK, whose retries no signal ends: one could cross the way back. They
# also keep to no quota and soon give up where others use it up, and an invocation may have had its effect although its
# answer was lost.
_ONCE = Config(retries={"total_max_attempts": 1}, connect_timeout=5, max_pool_connections=64)


class Aws:
    """One account and region. Safe to use from several threads."""

    def __init__(self, session: boto3.Session, endpoint: str | None = None, limits: Limits = Limits()) -> None:
        self.region = str(session.region_name)
        self.interrupted = threading.Event()
        """When it is set, nothing more is begun: whatever waits raises KeyboardInterrupt, a call that was sent is
        finished. Replaced, not cleared, by what has to go on after it: what it once stopped stays stopped."""
        self.track: Track = quiet
        """Shows how far long work is."""
        self.limits = limits
        self._session = session
        self._endpoint = endpoint
        self._clients: dict[str, Any] = {}
        self._lock = threading.Lock()
        self._thread = threading.local()
        self._reading = Pace(limits.get_function)
        self._control = Pace(limits.control)
        self._beside: dict[str, Pace] = {}

    def each(
        self, what: str, work: Callable[[Item], Result], items: Iterable[Item], workers: int = WORKERS
    ) -> list[Result]:
        """``parallel.each`` that ends where ``interrupted`` is set, and shows how far it is."""
        listed = list(items)
        with self.track(what, len(listed)) as done:
            return each(work, listed, self.interrupted, done, workers)

    def _client(self, service: str, purpose: str = "") -> Any:
        """Made once, one at a time: a session is not safe to use from several threads, a client is."""
        create: Any = self._session.client
        with self._lock:
            if (service + purpose) not in self._clients:
                config = _ONCE
                if purpose == "again":
                    config = _RETRYING.merge(Config(retries={"total_max_attempts": self.limits.attempts}))
                answer = _INVOCATION if purpose == "invoke" else self.limits.answer
                config = config.merge(Config(read_timeout=answer))
                if self._endpoint:
                    # The embedded AWS is on loopback, where no proxy leads.
                    config = config.merge(Config(proxies={}))
                try:
                    client = create(service, endpoint_url=self._endpoint, config=config)
                except ValueError as error:
                    hint = "AWS_ENDPOINT_URL, or endpoint_url of the profile, starts with http:// or https://"
                    raise CredentialsError(str(error), hint) from None
                client.meta.events.register("before-send.lambda", self._sending)
                self._clients[service + purpose] = client
            return self._clients[service + purpose]

    def _sending(self, **event: Any) -> None:
        """What the SDK does before it sends takes its time, above all at first: the quota is not used by that."""
        if hasattr(self._thread, "slot"):
            self._thread.slot.sent = time.monotonic()

    def call(self, operation: str, **parameters: Any) -> dict[str, Any]:
        """One call of the Lambda API, at the pace of its quota.

        Throttling, server errors and lost connections are sent again with backoff; nothing else is. So a refusal may
        be the echo of a call whose answer was lost: whoever writes must look. Raises AbsentError, MovedError and
        AwsError, naming function, call and way out; KeyboardInterrupt where ``interrupted`` is set.
        """
        pace = self._reading if operation == "get_function" else self._control
        return self._call("lambda", pace, operation, parameters)

    def ask(self, service: str, operation: str, **parameters: Any) -> dict[str, Any]:
        """One call of a service beside Lambda: sent again, ended and translated as ``call`` is."""
        with self._lock:
            pace = self._beside.setdefault(service, Pace(self.limits.control))
        return self._call(service, pace, operation, parameters)

    def _call(self, service: str, pace: Pace, operation: str, parameters: dict[str, Any]) -> dict[str, Any]:
        send = getattr(self._client(service), operation)
        stop, started, sent, failed = self.interrupted, time.monotonic(), 0, 0
        while True:
            try:
                with pace.turn(stop) as self._thread.slot:
                    return dict(send(**parameters))
            except (boto.BotoCoreError, boto.ClientError) as error:
                throttled = is_throttled(error)
                if throttled:
                    pace.slow_down()
                    again = time.monotonic() - started < self.limits.quota
                else:
                    failed += 1
                    again = is_passing(error) and failed < self.limits.attempts
                if not again:
                    raise translate(error, operation, parameters, service) from error
            longest = min(self.limits.pause * 2**sent, _LONGEST_PAUSE)
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
            yield from self._client(service, "again").get_paginator(operation).paginate(**parameters)
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

    def appeared(self, send: Callable[[], Result]) -> Result:
        """What ``send`` gives, which is about something that is there: what was just written, AWS's next server may not
        have heard of yet. Raises AbsentError or OutdatedError when that stays so.

        https://github.com/hashicorp/terraform-provider-aws/pull/7327
        """
        stop, deadline, pause = self.interrupted, time.monotonic() + self.limits.appear, self.limits.look
        while True:
            try:
                return send()
            except (AbsentError, OutdatedError):
                if time.monotonic() > deadline:
                    raise
            if stop.wait(pause):
                raise KeyboardInterrupt
            pause = min(pause * 1.5, self.limits.look * 20)

    def settle(self, name: str, qualifier: str | None = None) -> dict[str, Any]:
        """GetFunction's answer once no update of the function is in progress, whether it succeeded or failed.

        Raises AwsError when it does not end.
        https://docs.aws.amazon.com/lambda/latest/dg/functions-states.html
        """
        parameters = {"FunctionName": name} | ({"Qualifier": qualifier} if qualifier else {})
        stop, deadline, pause = self.interrupted, time.monotonic() + self.limits.update, self.limits.look
        while True:
            answer = self.appeared(lambda: self.call("get_function", **parameters))
            state = answer["Configuration"]
            if state.get("State") != "Pending" and state.get("LastUpdateStatus") != "InProgress":
                return answer
            if time.monotonic() > deadline:
                raise AwsError(
                    f"{name}: GetFunction: still being updated after {self.limits.update:.0f} s",
                    "another release may be in progress: wait for it, then run it again",
                )
            if stop.wait(pause):
                raise KeyboardInterrupt
            pause = min(pause * 1.5, self.limits.look * 20)

    def download(self, url: str, last: int) -> tuple[bytes, int]:
        """The ``last`` bytes of a package that runs (all of it where the server cannot do that), and its size.

        ``url`` is the presigned address that GetFunction gives. Raises AwsError.
        """
        from urllib3.exceptions import HTTPError

        try:
            with self._pool(url) as pool:
                answer = pool.request("GET", url, headers={"Range": f"bytes=-{last}"}, timeout=60, retries=3)
        except HTTPError:
            raise AwsError("the live package could not be read") from None
        if answer.status not in (200, 206):
            raise AwsError(f"the live package could not be read: HTTP {answer.status}")
        size = answer.headers.get("Content-Range", "").rpartition("/")[2]
        return bytes(answer.data), int(size) if size.isdecimal() else len(answer.data)

    def _pool(self, url: str) -> PoolManager:
        """The way to ``url`` that the SDK would take: by the proxy, and with the certificates, that the user named."""
        from urllib.parse import unquote

        from botocore.utils import get_environ_proxies
        from urllib3 import PoolManager, ProxyManager, make_headers
        from urllib3.util import parse_url

        bundle = self._session._session.get_config_variable("ca_bundle")
        trusted: dict[str, Any] = {"ca_certs": bundle} if bundle else {}
        proxy = None if self._endpoint else get_environ_proxies(url).get(str(parse_url(url).scheme))
        if not proxy:
            return PoolManager(**trusted)
        login = make_headers(proxy_basic_auth=unquote(parse_url(proxy).auth or "") or None)
        return ProxyManager(proxy, proxy_headers=login, **trusted)

    def bucket(self, name: str, owner: str) -> Bucket:
        """The S3 bucket, which must belong to the account ``owner``, if that is said."""
        from ci.aws.bucket import Bucket

        return Bucket(self._client("s3", "again"), name, owner, embedded=self._endpoint is not None)

    def parameter(self, name: str) -> str:
        """The decrypted value of a Parameter Store parameter. Raises AbsentError and AwsError."""
        return str(self.ask("ssm", "get_parameter", Name=name, WithDecryption=True)["Parameter"]["Value"])
