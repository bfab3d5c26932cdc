"""What must not be deployed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from ci.build import inspect
from ci.errors import BuildError
from ci.model import REQUEST_LIMIT, Dependency, Function, Packaging

FUNCTION = Function("echo", "echo", {}, {}, Path("functions/echo"))
DEPENDENCIES = [Dependency("small", "1", size=1_000_000), Dependency("big", "2", size=50_000_000)]
BODY = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7"
PRIVATE = f"-----BEGIN {{}}PRIVATE KEY-----\n{BODY}\n-----END"
CERTIFICATE = f"-----BEGIN CERTIFICATE-----\n{BODY}\n-----END CERTIFICATE-----"


@pytest.mark.parametrize(
    ("path", "content", "expected"),
    [
        (".env", "", True),
        ("config/.env.production", "", True),
        (".env.example", "", False),
        (".env.d/settings.py", "", False),
        ("a.env", "", False),
        ("environment.py", "", False),
        ("keys/id_rsa", "", True),
        ("keys/id_rsa.pub", "", False),
        (".aws/credentials", "", True),
        ("aws/credentials", "", False),
        (".ssh/known_hosts", "", True),
        ("home/.ssh/known_hosts", "", True),
        ("x.ssh/known_hosts", "", False),
        ("store.p12", "", True),
        ("ca.pem", CERTIFICATE, False),
        ("server.pem", PRIVATE.format(""), True),
        ("server.key", PRIVATE.format("RSA "), True),
        ("account.json", '{"private_key": "' + PRIVATE.format("").replace("\n", "\\n") + '"}', True),
        ("check.py", 'if "-----BEGIN PRIVATE KEY-----" in text:', False),
    ],
)
def test_files_that_look_like_secrets(path: str, content: str, expected: bool) -> None:
    """By their name, or because a private key is in them. A certificate, or code that mentions keys, is none."""
    assert expected == inspect.looks_secret(path, content.encode())


def test_secrets_are_refused_by_name() -> None:
    """All of them at once, and the way to say that one is meant."""
    with pytest.raises(BuildError, match=r"function echo: functions/echo/id_rsa, x/\.env of x 1: looks like") as caught:
        found = {"x/.env": "x/.env of x 1", "id_rsa": "functions/echo/id_rsa"}
        inspect.refuse_secrets(FUNCTION, found, {"id_rsa", "echo.py"})
    assert "packaging: {allow: [id_rsa, x/.env]}" in caught.value.hint
    assert caught.value.hint.startswith("move it out of the folder, or list it under exclude")
    inspect.refuse_secrets(FUNCTION, {}, {"echo.py"})


def test_a_secret_of_a_dependency() -> None:
    """It cannot be moved, as the key that cmake publishes: it is left out, or meant."""
    with pytest.raises(BuildError) as caught:
        inspect.refuse_secrets(FUNCTION, {"x/a.pfx": "x/a.pfx of x 1"}, {"echo.py"})
    expected = "list it under exclude; where it is meant, in pipeline.yaml: packaging: {allow: [x/a.pfx]}"
    assert expected == caught.value.hint


@pytest.mark.parametrize(
    ("zipped", "unzipped", "max_size", "expected"),
    [
        (100, 262_144_000, None, None),
        (100, 262_144_001, None, "262.1 MB unzipped, more than Lambda's 262.1 MB"),
        (52_428_800, 100, None, None),
        (52_428_801, 100, None, "52.4 MB zipped, more than the 52.4 MB that a request"),
        (100, 100, 100, None),
        (101, 100, 100, "101 B zipped, more than its max_size of 100 B"),
    ],
)
def test_sizes(zipped: int, unzipped: int, max_size: int | None, expected: str | None) -> None:
    """AWS's quotas and the function's own, each to the byte; what makes it large is named."""
    function = replace(FUNCTION, max_size=max_size)
    if zipped > REQUEST_LIMIT:
        inspect.check_size(replace(function, packaging=Packaging(bucket="b")), zipped, unzipped)
    if expected is None:
        inspect.check_size(function, zipped, unzipped)
    else:
        with pytest.raises(BuildError, match=expected) as caught:
            inspect.check_size(function, zipped, unzipped, DEPENDENCIES)
        assert ("through S3: packaging: {bucket: NAME}" in caught.value.hint) == ("request" in expected)
        assert "the largest: big 2 (50.0 MB zipped), small 1 (1.0 MB zipped)" in caught.value.hint
        assert "let packaging: {slim: true} leave out tests and the like" in caught.value.hint
