"""HTTP on both sides: from the client, to MiniStack."""

from __future__ import annotations

import http.client
import socket
import struct
import threading
import time
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.emulated.strict.calls import Answer, Gone

Respond = Callable[[str, str, Mapping[str, str], bytes, float], tuple[Answer, str]]
"""Method, path, headers, body and when they arrived -> the answer, and what the wire does to it."""

_HOP = ("connection", "keep-alive", "transfer-encoding", "content-length", "host", "date", "server", "expect")


class Upstream:
    """MiniStack. Each thread of the proxy keeps a connection of its own."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._local = threading.local()

    def send(self, method: str, path: str, headers: Mapping[str, str], body: bytes = b"") -> Answer:
        """The answer to a call; sent twice where a connection that was kept has ended."""
        for last in (False, True):
            if not hasattr(self._local, "connection"):
                self._local.connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)
            connection: http.client.HTTPConnection = self._local.connection
            try:
                sent = {key: value for key, value in headers.items() if key.lower() not in _HOP}
                connection.request(method, path, body, {**sent, "Host": f"127.0.0.1:{self._port}"})
                response = connection.getresponse()
                kept = {key: value for key, value in response.getheaders() if key.lower() not in _HOP}
                if method == "HEAD":  # it has a length, and no body
                    kept["Content-Length"] = response.headers["Content-Length"]
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


class Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 256

    def __init__(self, answer: Respond, hang_up: Callable[[], None]) -> None:
        self.answer = answer
        self.hang_up = hang_up
        super().__init__(("127.0.0.1", 0), _Handler)

    def handle_error(self, request: Any, address: Any) -> None:
        """A client that is gone (killed, or tired of waiting) is no news."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = 1 << 16
    disable_nagle_algorithm = True
    server: Server

    def parse_request(self) -> bool:
        self.arrived = time.monotonic()
        return super().parse_request()

    def handle_one(self) -> None:
        if self.headers.get("Expect", "").lower() == "100-continue":
            self.wfile.flush()
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        if len(body) < length:  # whoever sent it was killed: half a request is none
            self._reset()
            return
        try:
            answer, wire = self.server.answer(self.command, self.path, self.headers, body, self.arrived)
        except Gone:
            self._reset()
            return
        self.send_response_only(answer.status)
        for key, value in answer.headers.items():
            self.send_header(key, value)
        if "Content-Length" not in answer.headers:
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
        self.server.hang_up()

    def _reset(self) -> None:
        """As a broken connection looks like: RST, not FIN."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
        self.close_connection = True

    def log_message(self, format: str, *arguments: Any) -> None:
        pass
