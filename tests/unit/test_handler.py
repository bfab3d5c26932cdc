"""Whether Lambda would find and import the handler."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from ci.build import archive, handler
from ci.build.target import Target
from ci.model import Function, Secret

HANDLE = "\ndef handle(event, context): ...\n"


def function(name: str = "echo.handle", **environment: str) -> Function:
    values = {key: Secret(value) for key, value in environment.items()}
    settings = {"Handler": name, "Runtime": "python3.13", "Architectures": ["x86_64"]}
    return Function("echo", "echo", settings, values, Path("functions/echo"))


def entries(files: dict[str, str]) -> dict[str, archive.Entry]:
    return {path: archive.compress(path, 0o644, text.encode()) for path, text in files.items()}


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"echo.py": HANDLE}, None),
        ({"echo.py": f"import json, os.path{HANDLE}"}, None),
        ({"echo.py": f"import boto3, botocore.config{HANDLE}"}, None),
        ({"echo.py": f"import requests{HANDLE}"}, ("functions/echo.py:1: No module named 'requests'", "requests")),
        ({"echo.py": f"from a.b import c{HANDLE}"}, ("functions/echo.py:1: No module named 'a'", "a")),
        ({"echo.py": f"import shared.x{HANDLE}", "shared/x.py": "import lost"},
         ("functions/shared/x.py:1: No module named 'lost'", "lost")),
        ({"echo.py": f"from shared import x{HANDLE}", "shared/x.py": "\nfrom . import y", "shared/y.py": "import lost"},
         ("functions/shared/y.py:1: No module named 'lost'", "lost")),
        ({"echo.py": f"from shared.x import z{HANDLE}", "shared/x.py": "from .. import y"}, None),
        ({"echo.py": f"import one{HANDLE}", "one.py": "import two", "two.py": "import one"}, None),
        ({"echo.py": f"try:\n import orjson\nexcept ImportError:\n import json{HANDLE}"}, None),
        ({"echo.py": f"try:\n import orjson\nexcept (KeyError, ModuleNotFoundError): pass{HANDLE}"}, None),
        ({"echo.py": f"try:\n import lost\nexcept KeyError: pass{HANDLE}"},
         ("functions/echo.py:2: No module named 'lost'", "lost")),
        ({"echo.py": f"if False:\n import lost{HANDLE}"}, None),
        ({"echo.py": "def handle(event, context):\n import lost\n"}, None),
        ({"echo.py": f"import fast{HANDLE}", "fast.cpython-313-x86_64-linux-gnu.so": ""}, None),
        ({"echo.py": f"import lib{HANDLE}", "lib/deep/er.py": ""}, None),
        ({"other.py": HANDLE}, ("there is no echo.py in the package", "echo")),
    ],
)
def test_imports_are_read(files: dict[str, str], expected: tuple[str, str] | None) -> None:
    """What our own files import for certain is in the package, Python's library or Lambda's runtime, or is named."""
    package = entries(files)
    found = handler.read_imports(function(), package, {path: f"functions/{path}" for path in package})
    assert expected == (found and (found.what, found.missing))


@pytest.mark.parametrize(
    ("name", "path"),
    [("echo.handle", "echo.py"), ("a/b.handle", "a/b.py"), ("a.b.handle", "a/b.py"), ("a.handle", "a/__init__.py")],
)
def test_the_ways_to_name_a_module(name: str, path: str) -> None:
    """With dots or slashes, a module or a package."""
    package = entries({path: HANDLE})
    assert handler.read_imports(function(name), package, {}) is None


def test_what_is_not_ours_is_not_read() -> None:
    """A dependency may import what it likes; it is tried, not judged by its text."""
    package = entries({"echo.py": f"import dependency{HANDLE}", "dependency.py": "import lost"})
    assert handler.read_imports(function(), package, {"echo.py": "echo.py"}) is None


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (HANDLE, None),
        (f"print('noise'); import sys; sys.stderr.write('more'){HANDLE}", None),
        (f"import boto3; boto3.client('s3'){HANDLE}", None),
        (f"import os; os.environ['TABLE'] == 'orders' or 1 / 0{HANDLE}", None),
        (f"import pytest{HANDLE}", ("ModuleNotFoundError: No module named 'pytest'", "pytest", True)),
        (f"import click{HANDLE}", ("ModuleNotFoundError: No module named 'click'", "click", True)),
        (f"import ci{HANDLE}", ("ModuleNotFoundError: No module named 'ci'", "ci", True)),
        ("def handler(event, context): ...", ("echo does not define handle", "", True)),
        ("handle = 1", ("echo.handle is not callable", "", True)),
        (f"from json import lost{HANDLE}", ("ImportError: cannot import name 'lost' from 'json'", "", True)),
        (f"def broken(:{HANDLE}", ("SyntaxError: invalid syntax (echo.py, line 1)", "", True)),
        (f"raise SystemExit(3){HANDLE}", ("SystemExit: 3", "", True)),
        (f"import os; raise OSError(os.environ['TABLE']){HANDLE}", ("OSError: ***", "", False)),
        (f"None.missing{HANDLE}", ("AttributeError: 'NoneType' object has no attribute 'missing'", "", False)),
        (f"import os; os._exit(0){HANDLE}", ("Python ended while importing it", "", False)),
        (f"import os; os.environ['AWS_ACCESS_KEY_ID']{HANDLE}", ("KeyError: 'AWS_ACCESS_KEY_ID'", "", False)),
    ],
)
def test_the_handler_is_tried(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str, expected: tuple[str, str, bool] | None
) -> None:
    """In a Python that has the package, Lambda's own libraries and the function's variables, and nothing of ours."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "of whoever builds")
    found = handler.try_import(function(TABLE="orders"), entries({"echo.py": code}), tmp_path)
    if found is not None:
        assert found.what.startswith(expected[0] if expected else "")
        assert expected == (expected and expected[0], found.missing, found.certain)
    else:
        assert expected is None


def test_the_path_of_the_build_is_not_shown(tmp_path: Path) -> None:
    """Messages name files as they are in the package."""
    package = entries({"echo.py": f"from shared.greeting import lost{HANDLE}", "shared/greeting.py": ""})
    found = handler.try_import(function(), package, tmp_path)
    assert found is not None
    assert "ImportError: cannot import name 'lost' from 'shared.greeting' (shared/greeting.py)" == found.what


def test_only_a_python_of_the_runtimes_version_can_try() -> None:
    """Another version may lack, or have, what the runtime has; compiled code is for the target alone."""
    here = Target((sys.version_info[0], sys.version_info[1]), "x86_64", (2, 34))
    other = Target((3, 8), "x86_64", (2, 26))
    assert handler.runs_here(here, entries({"echo.py": HANDLE}))
    assert not handler.runs_here(other, entries({"echo.py": HANDLE}))
    assert not handler.runs_here(here, entries({"echo.py": HANDLE, "fast.so": ""}))
