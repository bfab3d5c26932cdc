"""uv goes where pip is configured to go."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ci.indexes import settings, translate, uv_environment


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({}, {}),
        ({"index-url": "https://mirror.example/simple"}, {"UV_DEFAULT_INDEX": "https://mirror.example/simple"}),
        (
            {"extra-index-url": "https://a.example/simple\nhttps://b.example/simple"},
            {"UV_INDEX": "https://a.example/simple https://b.example/simple", "UV_INDEX_STRATEGY": "unsafe-best-match"},
        ),
        ({"find-links": "/wheels /more"}, {"UV_FIND_LINKS": "/wheels,/more"}),
        ({"cert": "/ca.pem", "timeout": "60"}, {"SSL_CERT_FILE": "/ca.pem"}),
        ({"index-url": "https://u:p%3D1@x.example/s?a=b"}, {"UV_DEFAULT_INDEX": "https://u:p%3D1@x.example/s?a=b"}),
        ({"no-index": "true"}, {"UV_OFFLINE": "1"}),
        ({"no-index": "false"}, {}),
        ({"proxy": ""}, {}),
    ],
    ids=["none", "mirror", "extra", "links", "cert", "credentials", "offline", "online", "empty"],
)
def test_pip_s_settings_are_said_in_uv_s_variables(said: dict[str, str], expected: dict[str, str]) -> None:
    """Each setting that has a counterpart, and nothing else."""
    assert expected == translate(said)


def test_pip_s_own_files_and_variables_are_read(tmp_path: Path) -> None:
    """What pip itself would use here, from a file and from its variables; what uv is told directly wins."""
    file = tmp_path / "pip.conf"
    file.write_text("[global]\nindex-url = https://file.example/simple\nfind-links =\n    /one\n    /two\n")
    environ = {"PIP_CONFIG_FILE": str(file), "PIP_NO_INDEX": "1", "UV_DEFAULT_INDEX": "https://uv.example/simple"}
    told = uv_environment(environ)
    assert "https://uv.example/simple" == told["UV_DEFAULT_INDEX"]
    assert "/one,/two" == told["UV_FIND_LINKS"]
    assert "1" == told["UV_OFFLINE"]


@pytest.mark.parametrize("own", ["", "own.conf", "lost.conf", os.devnull])
def test_pip_itself_says_the_same(tmp_path: Path, own: str) -> None:
    """Files for all, of the user, old and new, and of its own, its variables, and which of them wins."""
    files = {
        "xdg/pip/pip.conf": "[global]\nindex-url = https://all.example\nproxy = http://all.example:1\ntimeout = 7\n",
        "home/.pip/pip.conf": "[global]\nindex-url = https://old.example\ncert = /old.pem\n",
        "home/.config/pip/pip.conf": "[global]\nindex_url = https://new.example\n[download]\ncert = /download.pem\n",
        "own.conf": "[install]\nfind-links =\n    /one\n    /two\n[global]\nindex-url = https://own.example\n",
    }
    for path, text in files.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    environ = {
        "HOME": str(tmp_path / "home"), "XDG_CONFIG_DIRS": str(tmp_path / "xdg"), "PIP_TRUSTED_HOST": "a b",
        "PIP_CONFIG_FILE": os.path.join(tmp_path, own) if own else "", "PATH": os.environ["PATH"],
    }
    environ = {name: value for name, value in environ.items() if value}
    listed = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"], env=environ, capture_output=True, text=True, check=True
    ).stdout
    expected: dict[str, str] = {}
    for section in ("global.", "install.", ":env:."):
        for line in listed.splitlines():
            key, _, value = line.partition("=")
            if key.startswith(section):
                expected[key.removeprefix(section)] = ast.literal_eval(value)
    found = settings(environ)
    found.pop("config-file", None)
    expected.pop("config-file", None)
    assert expected == found
    assert "a b" == found["trusted-host"]


def test_a_file_that_pip_cannot_read_says_nothing(tmp_path: Path) -> None:
    """The others still do."""
    (tmp_path / "pip.conf").write_text("no section\n")
    said = settings({"PIP_CONFIG_FILE": str(tmp_path / "pip.conf"), "PIP_CERT": "/ca.pem", "HOME": str(tmp_path)})
    assert "/ca.pem" == said["cert"]
