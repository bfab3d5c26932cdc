"""Handlers that begin with the same imports are tried in forks of one process, where that makes no difference."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from ci.build import archive, fork, trial
from ci.build.cache import Cache
from ci.build.handler import Finding
from ci.build.trial import Trials
from ci.model import Function, Secret

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="forks are for Linux")
APP = "import dep\n\n\ndef handle(event, context): ...\n"
NOTED = "open({noted!r}, 'a').write('x')\n"


def entries(files: dict[str, str]) -> dict[str, archive.Entry]:
    return {path: archive.compress(path, 0o644, text.encode()) for path, text in files.items()}


def tried(folder: Path, dep: str, *functions: dict[str, str], **environment: str) -> tuple[list[Finding | None], int]:
    """What was found of functions that share the module ``dep``, one after the other, and how often it was loaded."""
    noted, cache = folder / "noted", Cache(folder / "cache")
    brought = {"dep.py": NOTED.format(noted=str(noted)) + dep}
    settings = {"Handler": "app.handle", "Runtime": "python3.13", "Architectures": ["x86_64"]}
    values = {name: Secret(value) for name, value in environment.items()}
    found = []
    with Trials(cache) as trials:
        for number, files in enumerate(functions):
            function = Function(f"f{number}", f"f{number}", settings, values, Path("functions"))
            package = entries({**files, **brought})
            with cache.temporary() as beside, trials.begun(function, sys.executable, package, brought, beside) as begun:
                found.append(begun.finding())
    return found, len(noted.read_text()) if noted.exists() else 0


def test_the_same_imports_are_done_once(tmp_path: Path) -> None:
    """The first handler has a process of its own; so that one that is alone begins no other."""
    assert ([None] * 5, 2) == tried(tmp_path, "", *[{"app.py": APP}] * 5)
    assert ([None], 3) == tried(tmp_path, "", {"app.py": APP})


@pytest.mark.parametrize(
    "dep",
    [
        "import os; os.environ.get('TMPDIR')",
        "import os; dict(os.environ)",
        "import os, _thread, time; _thread.start_new_thread(time.sleep, (60,))",
        "left = open(__file__)",
        "print('hello')",
        "import contextlib\nwith contextlib.suppress(OSError): open('settings.ini')",
        "import os; os.listdir()",
        "import subprocess; subprocess.run(['true'])",
    ],
    ids=["variable", "variables", "thread", "file", "output", "relative", "folder", "process"],
)
def test_imports_that_do_more_than_load_code(tmp_path: Path, dep: str) -> None:
    """Are done by each handler itself; once more to find that out."""
    assert ([None] * 3, 4) == tried(tmp_path, dep, *[{"app.py": APP}] * 3)


@pytest.mark.parametrize(
    "files",
    [
        {"app.py": APP, "simplejson.py": "1 / 0"},
        {"app.py": APP, "colorsys.py": "1 / 0"},
        {"app.py": f"import own\n{APP}", "own.py": "import dep"},
        {"app.py": f"x = 1\n{APP}"},
        {"app.py": f"from dep import *\n{APP}"},
        {"app/__init__.py": "def handle(event, context): ..."},
    ],
    ids=["missed", "standard", "own", "late", "star", "package"],
)
def test_handlers_that_are_not_the_same(tmp_path: Path, files: dict[str, str]) -> None:
    """One that brings what the imports would have found, or begins otherwise, gets what it gets alone."""
    dep = "try:\n    import simplejson\nexcept ImportError: pass\nimport colorsys"
    alone, _ = tried(tmp_path / "alone", dep, files)
    among, _ = tried(tmp_path / "among", dep, {"app.py": APP}, {"app.py": APP}, files, files)
    assert [None, None, *alone, *alone] == among


def test_one_handler_does_not_meet_another(tmp_path: Path) -> None:
    """What one does to a shared module, to the process or to the variables is not there for the next."""
    change = "import os, sys\ndep.met = sys.modules['met'] = 1\nos.environ['MET'] = '1'\nos.chdir('/')\n"
    check = "import os, sys\nassert not hasattr(dep, 'met') and 'MET' not in os.environ and 'met' not in sys.modules\n"
    check += "assert os.getcwd() == os.environ['LAMBDA_TASK_ROOT'] == sys.path[0]\n"
    check += f"assert os.environ['AWS_LAMBDA_FUNCTION_NAME'] in ('f1', 'f3')\n{APP}"
    both = {"app.py": APP + change}, {"app.py": APP + check}
    assert ([None] * 4, 2) == tried(tmp_path, "", *both, *both)


@pytest.mark.parametrize(
    "code",
    [
        "import nowhere", "1 / 0", "raise SystemExit(3)", "def handle(: ...", "handle = 1", "import os; os._exit(0)",
        "print('noise'); raise OSError('orders')", "from dep import lost",
    ],
)
def test_what_is_found(tmp_path: Path, code: str) -> None:
    """In a fork the same as in a process of its own, which is asked then."""
    files = {"app.py": f"{APP}\n{code}\n"}
    alone, _ = tried(tmp_path / "alone", "", files, TABLE="orders")
    among, _ = tried(tmp_path / "among", "", {"app.py": APP}, {"app.py": APP}, files, {"app.py": APP}, TABLE="orders")
    assert alone[0] is not None
    assert [None, None, *alone, None] == among


def test_one_that_does_not_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Takes the time it may take once, and the others are tried all the same."""
    monkeypatch.setattr(trial, "_SECONDS", 1)
    endless = {"app.py": f"{APP}\nprint('waiting')\nwhile True: pass\n"}
    found, loaded = tried(tmp_path, "", {"app.py": APP}, {"app.py": APP}, endless, {"app.py": APP})
    late = Finding("it was still importing after 1 s", certain=False, output="waiting")
    assert ([None, None, late, None], 3) == (found, loaded)


def test_imports_that_cannot_be_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Or take too long, are each handler's own."""
    found, loaded = tried(tmp_path, "1 / 0", *[{"app.py": APP}] * 3)
    assert (3, 4) == (len({id(each) for each in found if each is not None}), loaded)
    monkeypatch.setattr(fork, "_SECONDS", 0.01)
    assert ([None] * 3, 4) == tried(tmp_path / "late", "import time; time.sleep(0.2)", *[{"app.py": APP}] * 3)
