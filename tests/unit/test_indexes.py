"""uv goes where pip is configured to go."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from ci.indexes import translate, uv_environment


@pytest.mark.parametrize(
    ("listing", "expected"),
    [
        ("", {}),
        ("global.index-url='https://mirror.example/simple'", {"UV_DEFAULT_INDEX": "https://mirror.example/simple"}),
        (
            "global.extra-index-url='https://a.example/simple\\nhttps://b.example/simple'",
            {"UV_INDEX": "https://a.example/simple https://b.example/simple", "UV_INDEX_STRATEGY": "unsafe-best-match"},
        ),
        ("global.find-links='/wheels /more'", {"UV_FIND_LINKS": "/wheels,/more"}),
        (":env:.cert='/ca.pem'\nglobal.timeout='60'", {"SSL_CERT_FILE": "/ca.pem"}),
        ("global.index-url='https://u:p%3D1@x.example/s?a=b'", {"UV_DEFAULT_INDEX": "https://u:p%3D1@x.example/s?a=b"}),
        ("global.no-index='true'", {"UV_OFFLINE": "1"}),
        ("global.no-index='false'", {}),
        ("global.proxy=''", {}),
        (
            ":env:.index-url='https://env.example'\ninstall.index-url='https://install.example'\n"
            "global.index-url='https://global.example'",
            {"UV_DEFAULT_INDEX": "https://env.example"},
        ),
        ("download.index-url='https://other.example'", {}),
        ("WARNING: something = 'else'", {}),
    ],
    ids=["none", "mirror", "extra", "links", "cert", "credentials", "offline", "online",
         "empty", "precedence", "other-command", "noise"],
)
def test_pip_s_settings_are_said_in_uv_s_variables(listing: str, expected: dict[str, str]) -> None:
    """Each setting that has a counterpart, in pip's order of precedence, and nothing else."""
    assert expected == translate(listing)


def test_pip_s_own_files_and_variables_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What pip itself would use here, from a file and from its variables; what uv is told directly wins."""
    file = tmp_path / "pip.conf"
    file.write_text("[global]\nindex-url = https://file.example/simple\nfind-links =\n    /one\n    /two\n")
    environ = {"PIP_CONFIG_FILE": str(file), "PIP_NO_INDEX": "1", "UV_DEFAULT_INDEX": "https://uv.example/simple"}
    told = uv_environment(environ)
    assert "https://uv.example/simple" == told["UV_DEFAULT_INDEX"]
    assert "/one,/two" == told["UV_FIND_LINKS"]
    assert "1" == told["UV_OFFLINE"]


def test_a_python_without_pip_has_nothing_to_say(tmp_path: Path) -> None:
    """The environment is passed on as it is."""
    environ = {"PYTHONPATH": str(tmp_path), "KEPT": "yes"}
    (tmp_path / "pip.py").write_text("raise SystemExit('no pip here')")
    assert environ == uv_environment(environ, python=sys.executable)
