"""Tests cannot reach an account or the network by mistake."""

from __future__ import annotations

import os
import socket
import subprocess
import sys

import boto3
import pytest


@pytest.mark.parametrize("address", [("192.0.2.1", 443), ("example.org", 443), ("2001:db8::1", 443)])
def test_sockets_beyond_loopback_are_refused(address: tuple[str, int]) -> None:
    """By address or by name, before anything is sent."""
    with pytest.raises(pytest.fail.Exception, match="the test reaches for"):
        socket.create_connection(address, timeout=5)


def test_loopback_is_open() -> None:
    """Emulators are reached."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(("localhost", server.getsockname()[1]), timeout=5).close()


def test_a_subprocess_is_refused_too() -> None:
    """It finds a proxy on loopback that nobody answers at."""
    read = "import urllib.request; urllib.request.urlopen('https://example.org', timeout=5)"
    done = subprocess.run([sys.executable, "-c", read], capture_output=True, text=True, check=False)
    assert "Connection refused" in done.stderr


def test_there_are_no_credentials_and_no_region() -> None:
    """Whatever this machine has configured."""
    session = boto3.Session()
    assert session.get_credentials() is None
    assert session.region_name is None


def test_it_is_not_github_actions() -> None:
    """Output is the same here and there."""
    assert [] == [name for name in os.environ if name.startswith("GITHUB_") or name == "CI"]
