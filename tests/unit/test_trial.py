"""The handler is imported as Lambda would, in a process of its own."""

from __future__ import annotations

import platform
import shutil
import sys
import textwrap
import time
from ctypes.util import find_library
from dataclasses import replace
from pathlib import Path

import pytest

from ci import parallel
from ci.build import archive, trial
from ci.build.cache import Cache
from ci.build.elf import Binary
from ci.build.handler import Finding
from ci.build.target import Target
from ci.build.trial import Trials
from ci.model import Function, Packaging, Secret

HANDLE = "\ndef handle(event, context): ...\n"
HERE = Target((sys.version_info[0], sys.version_info[1]), platform.machine(), (2, 34))
GLIBC = platform.libc_ver()[0] == "glibc"


def entries(files: dict[str, str]) -> dict[str, archive.Entry]:
    return {path: archive.compress(path, 0o644, text.encode()) for path, text in files.items()}


def tried(
    folder: Path, files: dict[str, str], brought: dict[str, str] | None = None, python: str = sys.executable,
    handler: str = "echo.handle", packaging: Packaging = Packaging(), **environment: str,
) -> Finding | None:
    """Our ``files``, and those that dependencies brought, in a cache of this folder."""
    values = {key: Secret(value) for key, value in environment.items()}
    settings = {"Handler": handler, "Runtime": "python3.13", "Architectures": ["x86_64"]}
    function = Function("echo", "echo", settings, values, Path("functions/echo"), packaging=packaging)
    package = entries({**files, **(brought or {})})
    cache = Cache(folder / "cache")
    with cache.temporary() as beside, Trials(cache).begun(function, python, package, brought or {}, beside) as begun:
        return begun.finding()


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
        (f"import _winapi{HANDLE}", ("ModuleNotFoundError: No module named '_winapi'", "_winapi", False)),
        ("def handler(event, context): ...", ("echo does not define handle", "", True)),
        ("handle = 1", ("echo.handle is not callable", "", True)),
        (f"from json import lost{HANDLE}", ("ImportError: cannot import name 'lost' from 'json'", "", True)),
        (f"def broken(:{HANDLE}", ("SyntaxError: invalid syntax (echo.py, line 1)", "", True)),
        (f"raise SystemExit(3){HANDLE}", ("SystemExit: 3", "", True)),
        (f"import os; raise OSError(os.environ['TABLE']){HANDLE}", ("OSError: ***", "", False)),
        (f"None.missing{HANDLE}", ("AttributeError: 'NoneType' object has no attribute 'missing'", "", False)),
        (f"import os; os._exit(0){HANDLE}", ("Python ended while importing it", "", False)),
        (f"import os; os.environ['AWS_ACCESS_KEY_ID']{HANDLE}", ("KeyError: 'AWS_ACCESS_KEY_ID'", "", False)),
        (f"import os; os.environ['AWS_LAMBDA_LOG_GROUP_NAME'] == '/aws/lambda/echo' or 1 / 0{HANDLE}", None),
        (f"import os; os.environ['TABEL']{HANDLE}", ("KeyError: 'TABEL'", "", True)),
        (f"import os; os.environ['USER_POOL_ID']{HANDLE}", ("KeyError: 'USER_POOL_ID'", "", True)),
        (f"import os; os.environ['AWS_BUCKET']{HANDLE}", ("KeyError: 'AWS_BUCKET'", "", True)),
        (f"import os; os.environ['PYTHONPATH']{HANDLE}", ("KeyError: 'PYTHONPATH'", "", False)),
        (f"{{}}['TABEL']{HANDLE}", ("KeyError: 'TABEL'", "", False)),
        (f"import argparse; argparse.ArgumentParser().parse_args(){HANDLE}", None),
        (f"from importlib import metadata as m; m.version('boto3'), m.version('python-dateutil'){HANDLE}", None),
        (f"from importlib.metadata import version; version('click'){HANDLE}",
         ("PackageNotFoundError: No package metadata was found for click", "click", True)),
        (f"open('state.json', 'w'){HANDLE}",
         ("OSError: [Errno 30] Read-only file system: 'state.json'", "", True)),
        (f"import os; os.makedirs('__pycache__', exist_ok=True); open('__pycache__/jit.nbi', 'w'){HANDLE}",
         ("OSError: [Errno 30] Read-only file system: '__pycache__/jit.nbi'", "", True)),
        (f"import pathlib; (pathlib.Path.home() / 'x').mkdir(parents=True){HANDLE}",
         ("OSError: [Errno 30] Read-only file system: '/home/sbx_user1051'", "", True)),
        (f"import contextlib\nwith contextlib.suppress(OSError): open('state.json', 'w'){HANDLE}", None),
        (f"import tempfile, os; tempfile.TemporaryDirectory(); tempfile.TemporaryFile(); open(os.devnull, 'w'){HANDLE}",
         None),
        (f"import os; os.makedirs(os.path.dirname(__file__), exist_ok=True); open(__file__){HANDLE}", None),
        (f"import threading, time; threading.Thread(target=time.sleep, args=(60,)).start(){HANDLE}", None),
        (f"from multiprocessing import Pool; Pool(2){HANDLE}",
         ("OSError: [Errno 38] Function not implemented", "", True)),
        (f"from concurrent.futures import ProcessPoolExecutor as Pool; Pool(2).submit(print){HANDLE}",
         ("OSError: [Errno 38] Function not implemented", "", True)),
        (f"import contextlib, multiprocessing as m\nwith contextlib.suppress(OSError): m.Lock(){HANDLE}", None),
        (f"from multiprocessing import Pipe, Process; p = Process(target=print); p.start(); p.join(){HANDLE}", None),
        (f"from multiprocessing.synchronize import SEM_VALUE_MAX as most; most > 99 or 1 / 0{HANDLE}", None),
        (f"import ctypes; ctypes.CDLL('libsun.so.7'){HANDLE}",
         ("OSError: libsun.so.7: cannot open", "libsun.so.7", True)),
        (f"raise ImportError('libm.so.6: cannot open shared object file'){HANDLE}",
         ("ImportError: libm.so.6: cannot open", "libm.so.6", False)),
    ],
)
def test_the_handler_is_tried(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str, expected: tuple[str, str, bool] | None
) -> None:
    """In a Python that has the package, Lambda's own libraries and the function's variables, and nothing of ours.

    What says nothing of Lambda, as a variable that is set only there, is not certain.
    """
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "of whoever builds")
    found = tried(tmp_path, {"echo.py": code}, TABLE="orders")
    if expected is None or found is None:
        assert expected == found
    else:
        assert found.what.startswith(expected[0])
        assert expected[1:] == (found.missing, found.certain)


def test_the_credentials_of_the_build_are_out_of_reach(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither variables nor the files of the home folder."""
    (tmp_path / ".aws").mkdir()
    (tmp_path / ".aws/credentials").write_text("[default]\naws_access_key_id = a\naws_secret_access_key = b\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "of whoever builds")
    code = "import boto3\nassert boto3.Session().get_credentials() is None\nimport lost" + HANDLE
    found = tried(tmp_path, {"echo.py": code})
    assert found is not None and "lost" == found.missing


def test_where_it_failed_and_what_it_printed(tmp_path: Path) -> None:
    """Files are named as they are in the package; of the output the end is kept, without the function's variables."""
    shared = "import os\nfor n in range(9): print(n, os.environ['TOKEN'])\nfrom shared import lost\n"
    found = tried(tmp_path, {"echo.py": f"import shared.x{HANDLE}", "shared/x.py": shared}, TOKEN="hunter2!")
    assert found is not None
    assert "ImportError: cannot import name 'lost' from 'shared' (unknown location)" == found.what
    assert ("shared/x.py", "3") == (found.file, found.line)
    assert "4 ***\n5 ***\n6 ***\n7 ***\n8 ***" == found.output


def test_one_that_does_not_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An import that waits for something, a database perhaps, is ended and stops no build."""
    monkeypatch.setattr(trial, "_SECONDS", 0.5)
    mark = tmp_path / "alive"
    code = f"import time; print('connecting')\nwhile True: time.sleep(0.1); open({str(mark)!r}, 'w')"
    found = tried(tmp_path, {"echo.py": code + HANDLE})
    assert found is not None
    assert ("it was still importing after 0.5 s", False, "connecting") == (found.what, found.certain, found.output)
    mark.unlink()
    time.sleep(0.3)
    assert not mark.exists()


@pytest.mark.parametrize(
    ("handler", "what"),
    [
        ("logging.handle", "logging does not define handle"),
        ("echo.handle", "ImportError: cannot import name 'ours' from 'socket'"),
        ("calendar.handle", None),
    ],
)
def test_a_name_that_the_runtime_has_taken(tmp_path: Path, handler: str, what: str | None) -> None:
    """It has imported some of Python's modules when the handler's turn comes: those are found, not ours."""
    files = {"echo.py": f"from socket import ours{HANDLE}", "logging.py": HANDLE, "calendar.py": HANDLE}
    found = tried(tmp_path, {**files, "socket.py": "ours = 1"}, handler=handler)
    if what is None or found is None:
        assert what == found
    else:
        assert found.what.startswith(what) and found.certain


def test_what_it_starts_ends_with_it(tmp_path: Path) -> None:
    """Processes of the handler run on nobody's machine afterwards."""
    code = """
        import os, subprocess, time
        running = subprocess.Popen(["sleep", "60"])
        with open(os.environ["NOTED"], "w") as stream: stream.write(str(running.pid))
    """
    noted = tmp_path / "pid"
    assert tried(tmp_path, {"echo.py": textwrap.dedent(code) + HANDLE}, NOTED=str(noted)) is None
    status = Path("/proc", noted.read_text(), "status")
    deadline = time.monotonic() + 10  # a process that was killed is gone a moment later
    while (running := _runs(status)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not running


def _runs(status: Path) -> bool:
    try:
        return "\nState:\tZ" not in status.read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_a_home_that_is_said(tmp_path: Path) -> None:
    """HOME=/tmp is what everybody sets for libraries that keep files at home; Lambda leaves it."""
    code = f"import os; os.path.expanduser('~') == '/tmp' or 1 / 0{HANDLE}"
    assert tried(tmp_path, {"echo.py": code}, HOME="/tmp") is None


def test_dependencies_are_laid_out_once(tmp_path: Path) -> None:
    """With their bytecode, for all functions that have the same ones; nothing of it comes from our own files."""
    brought = {"library/__init__.py": "from library.inner import x", "library/inner.py": "x = 1"}
    assert tried(tmp_path, {"echo.py": f"import library{HANDLE}"}, brought) is None
    [tree] = (tmp_path / "cache/trees").iterdir()
    compiled = sorted(tree.rglob("*.pyc"))
    assert ["__init__", "inner"] == [path.name.split(".")[0] for path in compiled]
    times = [path.stat().st_mtime_ns for path in compiled]
    assert tried(tmp_path, {"echo.py": f"from library import x{HANDLE}"}, brought) is None
    assert [tree] == list((tmp_path / "cache/trees").iterdir())
    assert times == [path.stat().st_mtime_ns for path in compiled]
    assert set(brought) == {path.relative_to(tree).as_posix() for path in tree.rglob("*.py")}


@pytest.mark.parametrize(
    "code",
    [
        "from library.tests import x", "import os, library; open(os.path.dirname(library.__file__) + '/stubs.pyi')",
        "import library.stubs", "import nowhere",
    ],
)
def test_what_hardly_any_import_asks_for(tmp_path: Path, code: str) -> None:
    """Tests, stubs and headers of dependencies are laid out when an import failed without them, and found then."""
    brought = {"library/__init__.py": "", "library/tests/__init__.py": "x = 1", "library/stubs.pyi": ""}
    assert tried(tmp_path, {"echo.py": f"import library{HANDLE}"}, brought) is None
    [tree] = (tmp_path / "cache/trees").iterdir()
    assert {"library/__init__.py"} == {path for path in brought if (tree / path).exists()}
    for _ in range(2):
        found = tried(tmp_path, {"echo.py": f"{code}{HANDLE}"}, brought)
        assert (code in ("import nowhere", "import library.stubs")) == (found is not None and found.certain)
    whole, = {*(tmp_path / "cache/trees").iterdir()} - {tree}
    assert set(brought) <= {path.relative_to(whole).as_posix() for path in whole.rglob("*")}


def test_several_at_once_are_not_in_each_others_way(tmp_path: Path) -> None:
    """All of them lay out the same, first without the tests of a library and then with: none loses what it imports."""
    brought = {f"library/{name}.py": "x = 1" for name in range(300)}
    brought |= {"library/__init__.py": "", "library/tests/__init__.py": "import time; time.sleep(0.2)"}
    brought |= {"library/tests/late.py": ""}
    code = {"echo.py": f"import library.tests, library.tests.late{HANDLE}"}
    assert [None] * 8 == parallel.each(lambda _: tried(tmp_path, code, brought), range(8), workers=4)


def test_what_was_laid_out_is_not_believed_when_it_fails(tmp_path: Path) -> None:
    """Somebody emptied a file of it: it is laid out anew before the handler is blamed. A true failure still is one."""
    brought = {"library.py": "x = 1"}
    assert tried(tmp_path, {"echo.py": f"from library import x{HANDLE}"}, brought) is None
    [tree] = (tmp_path / "cache/trees").iterdir()
    (tree / "library.py").write_text("")
    shutil.rmtree(tree / "__pycache__")
    assert tried(tmp_path, {"echo.py": f"from library import x{HANDLE}"}, brought) is None
    found = tried(tmp_path, {"echo.py": f"from library import y{HANDLE}"}, brought)
    assert found is not None and found.certain


def test_our_own_files_within_a_dependency(tmp_path: Path) -> None:
    """One folder with files of both is one package, as on Lambda."""
    brought = {"library/__init__.py": "", "library/theirs.py": "x = 1"}
    own = {"echo.py": f"import library.ours{HANDLE}", "library/ours.py": "from library.theirs import x"}
    assert tried(tmp_path, own, brought) is None


def test_our_own_files_beside_a_layer(tmp_path: Path) -> None:
    """A folder with files of both is two there, of which Python takes one; and libraries are sought elsewhere."""
    brought = {"library/__init__.py": "", "library/theirs.py": "x = 1", "lib/libone.so.1": ""}
    own = {"echo.py": f"import library.ours{HANDLE}", "library/ours.py": "from library.theirs import x"}
    found = tried(tmp_path, own, brought, packaging=Packaging(layer="shared"))
    assert found is not None and ("library.ours", True) == (found.missing, found.certain)
    code = "import os; len(os.environ['LD_LIBRARY_PATH'].split(':')) == int(os.environ['N']) or 1 / 0"
    loads = {"echo.py": code + HANDLE}
    assert tried(tmp_path, loads, brought, N="4") is None
    assert tried(tmp_path, loads, brought, packaging=Packaging(layer="shared"), N="2") is None


def test_the_failure_of_a_dependency_is_placed_in_it(tmp_path: Path) -> None:
    """The file that lacks something is named by its path in the package."""
    found = tried(tmp_path, {"echo.py": f"import library{HANDLE}"}, {"library.py": "\nimport lost"})
    assert found is not None
    assert ("lost", "library.py", "2") == (found.missing, found.file, found.line)


@pytest.mark.parametrize(
    ("target", "paths", "binaries", "expected"),
    [
        (HERE, ["echo.py"], {}, True),
        (replace(HERE, python=(3, 7)), ["echo.py"], {}, False),
        (replace(HERE, machine="other"), ["echo.py"], {}, True),
        (HERE, ["echo.py", "fast.so"], {"fast.so": Binary(HERE.machine, (2, 17))}, GLIBC),
        (HERE, ["echo.py", "fast.so"], {"fast.so": Binary(HERE.machine)}, GLIBC),
        (HERE, ["echo.py", "tool"], {"tool": Binary(HERE.machine, (2, 99))}, False),
        (HERE, ["a.so", "b.so"], {"a.so": Binary(HERE.machine), "b.so": Binary(HERE.machine, (2, 99))}, False),
        (replace(HERE, machine="other"), ["fast.so"], {"fast.so": Binary("other", (2, 17))}, False),
        (replace(HERE, python=(3, 7)), ["fast.so"], {"fast.so": Binary(HERE.machine, (2, 17))}, False),
        (HERE, ["echo.py", "fast.so"], {}, False),
    ],
    ids=["same Python", "other Python", "pure, other processor", "compiled", "compiled, no glibc", "newer glibc",
         "one needs a newer glibc", "other processor", "compiled, other Python", "not readable as compiled"],
)
def test_who_can_try(target: Target, paths: list[str], binaries: dict[str, Binary], expected: bool) -> None:
    """A Python of the runtime's version; for compiled code the same processor too, and a glibc that is new enough."""
    found = trial.interpreter(target, entries(dict.fromkeys(paths, HANDLE)), binaries)
    assert (sys.executable if expected else None) == found


@pytest.mark.parametrize("where", ["PATH", "pyenv"])
def test_another_python_of_this_host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str) -> None:
    """The runtime's version is looked for on the PATH and in pyenv; shims, which may start another, are passed by."""
    other = next(
        (found for minor in range(9, 15) if minor != sys.version_info[1] and (found := trial._installed(f"3.{minor}"))),
        None,
    )
    if other is None:
        pytest.skip("this host has one Python only")
    name = Path(other).name
    version = name.removeprefix("python")
    folder = tmp_path / ("bin" if where == "PATH" else f"pyenv/versions/{version}.1/bin")
    for path in (tmp_path / "shims", folder):
        path.mkdir(parents=True)
    (tmp_path / "shims" / name).write_text("#!/bin/sh\nexit 127\n")
    (tmp_path / "shims" / name).chmod(0o755)
    (folder / name).symlink_to(other)
    monkeypatch.setenv("PATH", f"{tmp_path / 'shims'}:{folder}" if where == "PATH" else str(tmp_path / "shims"))
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path / "pyenv"))
    trial._installed.cache_clear()
    target = replace(HERE, python=(3, int(version.removeprefix("3."))))
    try:
        python = trial.interpreter(target, entries({"echo.py": HANDLE}), {})
    finally:
        trial._installed.cache_clear()
    assert str(folder / name) == python
    code = f"import sys; assert sys.version_info[:2] == {target.python}; import lost{HANDLE}"
    found = tried(tmp_path, {"echo.py": code}, python=python)
    assert found is not None and "lost" == found.missing


@pytest.mark.skipif(not GLIBC, reason="the libraries of a host are known by glibc's names")
def test_a_library_that_is_opened_and_only_this_host_has(tmp_path: Path) -> None:
    """As libmagic: the import is tried without it too. Whether Lambda has it nobody here knows: that is not certain."""
    library = find_library("acl") or find_library("attr") or find_library("blkid")
    if library is None:
        pytest.skip("this host has none of three small libraries")
    code = f"import ctypes\nctypes.CDLL('{library}'){HANDLE}"
    found = tried(tmp_path, {"echo.py": code})
    assert found is not None and not found.certain
    assert found.what.startswith("without lib")
    assert found.what.endswith(f"of this host: OSError: {library}: cannot open shared object file: No such file or "
                               "directory")
    guarded = f"import ctypes\ntry:\n    ctypes.CDLL('{library}')\nexcept OSError:\n    pass{HANDLE}"
    assert tried(tmp_path, {"echo.py": guarded}) is None
    assert tried(tmp_path, {"echo.py": f"import ssl, sqlite3, lzma, bz2, ctypes{HANDLE}"}) is None
