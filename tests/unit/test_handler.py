"""Whether Lambda would find and import the handler, read off its code."""

from __future__ import annotations

import re
from pathlib import Path

import mypy
import pytest

from ci.build import archive, handler, standard
from ci.model import Function

HANDLE = "\ndef handle(event, context): ...\n"


def function(name: str = "echo.handle", runtime: str = "python3.13") -> Function:
    settings = {"Handler": name, "Runtime": runtime, "Architectures": ["x86_64"]}
    return Function("echo", "echo", settings, {}, Path("functions/echo"))


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
        ({"echo.py": f"import builtins\ntry:\n import lost\nexcept builtins.ImportError: pass{HANDLE}"}, None),
        ({"echo.py": f"from contextlib import suppress\nwith suppress(ImportError):\n import uvloop{HANDLE}"}, None),
        ({"echo.py": f"try:\n import lost\nexcept KeyError: pass{HANDLE}"},
         ("functions/echo.py:2: No module named 'lost'", "lost")),
        ({"echo.py": f"if False:\n import lost{HANDLE}"}, None),
        ({"echo.py": "def handle(event, context):\n import lost\n"}, None),
        ({"echo.py": f"import fast{HANDLE}", "fast.cpython-313-x86_64-linux-gnu.so": ""}, None),
        ({"echo.py": f"import lib{HANDLE}", "lib/deep/er.py": ""}, None),
        ({"echo.py": f"import sys; sys.path.append('/var/task/a'); import lib{HANDLE}", "a/lib.py": ""}, None),
        ({"echo.py": f"import lib{HANDLE}", "a/lib.py": ""}, ("functions/echo.py:1: No module named 'lib'", "lib")),
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
    ("module", "runtime", "host", "expected"),
    [
        ("imp", "python3.11", {"os"}, None),
        ("distutils.util", "python3.12", {"os", "distutils"},
         "functions/echo.py:1: No module named 'distutils', which python3.12 has no longer"),
        ("cgi", "python3.12", {"os"}, None),
        ("cgi", "python3.13", {"os", "cgi"},
         "functions/echo.py:1: No module named 'cgi', which python3.13 has no longer"),
        ("tomllib", "python3.11", {"os"}, None),
        ("tomllib", "python3.10", {"os", "tomllib"}, "functions/echo.py:1: No module named 'tomllib'"),
        ("os", "python3.9", {"os"}, None),
        ("winreg", "python3.9", {"os"}, "functions/echo.py:1: No module named 'winreg'"),
    ],
)
def test_the_library_is_that_of_the_runtime(
    monkeypatch: pytest.MonkeyPatch, module: str, runtime: str, host: set[str], expected: str | None
) -> None:
    """Not that of the Python which builds, an older or a newer one."""
    monkeypatch.setattr("sys.stdlib_module_names", frozenset(host))
    package = entries({"echo.py": f"import {module}{HANDLE}"})
    found = handler.read_imports(function(runtime=runtime), package, {"echo.py": "functions/echo.py"})
    assert expected == (found and found.what)


def test_setuptools_brings_distutils() -> None:
    """To Pythons that have it no longer."""
    package = entries({"echo.py": f"import setuptools, distutils{HANDLE}", "setuptools/__init__.py": ""})
    assert handler.read_imports(function(), package, {"echo.py": "echo.py"}) is None


def test_what_came_and_went() -> None:
    """As the stubs of all versions say that mypy brings."""
    text = (Path(mypy.__file__).parent / "typeshed/stdlib/VERSIONS").read_text()
    rows = re.findall(r"^([a-z]\w*): 3\.(\d+)-(?:3\.(\d+))?", text, re.MULTILINE)
    gone = {name: int(last) + 1 for name, _, last in rows if last and 9 <= int(last) < 14}
    new = {name: int(first) for name, first, _ in rows if 8 < int(first) < 15}
    assert (gone, new) == (standard.GONE, standard.NEW)
