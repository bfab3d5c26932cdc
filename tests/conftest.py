"""No test sees this machine's AWS configuration, and none reaches beyond loopback unless it says so."""

from __future__ import annotations

import os
import signal
import socket
from pathlib import Path
from typing import Any

import pytest

LOOPBACK = ("127.", "::1", "localhost")
PREFIXES = ("AWS_", "GITHUB_", "RUNNER_", "ACTIONS_", "DOLLOP_")
NAMES = ("CI", "NO_COLOR", "FORCE_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "COLUMNS", "PYTHONWARNINGS")
NAMES += ("ARGS", "MAKEFLAGS", "MAKEOVERRIDES")
PROXIES = ("http_proxy", "https_proxy", "all_proxy")


# What a shell starts in the background ignores Ctrl-C, and so would every command that a test presses it in.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def blank_environment(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """No credentials, region, profile or endpoint; not GitHub Actions; no instance metadata; no colours asked for.

    What was said to the make that runs the tests is not meant for one that a test runs.
    """
    for name in [*os.environ]:
        if name.startswith(PREFIXES) or name in NAMES:
            monkeypatch.delenv(name)
    nothing = tmp_path_factory.getbasetemp() / "no-aws-configuration"
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE", "BOTO_CONFIG"):
        monkeypatch.setenv(name, str(nothing))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.fixture(autouse=True)
def only_loopback(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sockets beyond loopback fail the test; a subprocess finds a proxy there that nobody answers at.

    A test marked ``network`` may reach a package index.
    """
    if request.node.get_closest_marker("network"):
        return
    for name in ("connect", "connect_ex", "sendto"):
        monkeypatch.setattr(socket.socket, name, guarded(getattr(socket.socket, name)))
    monkeypatch.setattr(socket, "getaddrinfo", guarded_lookup(socket.getaddrinfo))
    for name in PROXIES:
        monkeypatch.setenv(name, "http://127.0.0.1:9")
        monkeypatch.setenv(name.upper(), "http://127.0.0.1:9")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.setenv(name, "127.0.0.1,localhost,::1")


def guarded(connect: Any) -> Any:
    """``connect``, where the address (its last argument) is on loopback or is a Unix socket."""

    def checked(self: socket.socket, *arguments: Any) -> Any:
        if self.family in (socket.AF_INET, socket.AF_INET6):
            refuse(str(arguments[-1][0]))
        return connect(self, *arguments)

    return checked


def guarded_lookup(lookup: Any) -> Any:
    """``getaddrinfo`` that asks no name server."""

    def checked(host: Any, *arguments: Any, **options: Any) -> Any:
        if host is not None:
            refuse(host.decode() if isinstance(host, bytes) else str(host))
        return lookup(host, *arguments, **options)

    return checked


def refuse(host: str) -> None:
    """Fail the test unless ``host`` is on loopback. Not an OSError: nothing may take it for a passing fault."""
    if host and not host.startswith(LOOPBACK):
        pytest.fail(f"the test reaches for {host}; mark it network if it installs packages", pytrace=False)


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository."""
    return Path(__file__).parent.parent
