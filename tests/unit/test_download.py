"""Packages come from where AWS says by the way that the SDK takes, too."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import boto3
import pytest

from ci.aws import Aws

ASKED: list[tuple[str, str]] = []


class Proxy(BaseHTTPRequestHandler):
    """Answers for whatever host it is asked for, as a proxy does for a plain address."""

    def do_GET(self) -> None:
        ASKED.append((self.path, self.headers.get("Proxy-Authorization", "")))
        self.send_response(206)
        self.send_header("Content-Range", "bytes 7-9/10")
        self.send_header("Content-Length", "3")
        self.end_headers()
        self.wfile.write(b"zip")

    def log_message(self, format: str, *arguments: object) -> None:
        pass


@pytest.fixture
def proxy(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The environment names it, with a login."""
    ASKED.clear()
    with HTTPServer(("127.0.0.1", 0), Proxy) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("http_proxy", f"http://me:p%40ss@127.0.0.1:{server.server_port}")
        yield
        server.shutdown()


def aws() -> Aws:
    return Aws(boto3.Session("key", "secret", region_name="eu-west-1"))


@pytest.mark.usefixtures("proxy")
def test_through_the_proxy() -> None:
    """Where the network has one, nothing else leads to where AWS keeps packages."""
    assert (b"zip", 10) == aws().download("http://packages.invalid/echo", 3)
    assert [("http://packages.invalid/echo", "Basic bWU6cEBzcw==")] == ASKED  # me:p@ss
