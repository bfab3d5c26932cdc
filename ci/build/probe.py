"""Import a handler as Lambda would. Run as a script with ``-I -S``: its arguments are handler, runtime's own
libraries, answer, then the folders that the package lies in. It imports nothing of this project, and runs on every
Python that a runtime has.

The answer, a JSON file, is empty when the handler is there. Else ``kind`` is ``missing`` (``missing`` names the module
that cannot be found), ``library`` (it names the shared library), ``wrong`` (it would fail on Lambda too) or
``unclear`` (it may fail only here); ``file`` and ``line`` are where.
"""

from __future__ import annotations

import importlib
import importlib.machinery
import json
import re
import signal
import sys
from collections.abc import Sequence
from types import ModuleType

PROVIDED = (
    "boto3", "botocore", "s3transfer", "jmespath", "dateutil", "six", "urllib3", "awslambdaric", "snapshot_restore_py",
)
"""Modules of the Python runtimes themselves: https://docs.aws.amazon.com/lambda/latest/dg/lambda-python.html"""

_SECONDS = 60
"""After which it ends, whatever it does."""
_OF_CODE = ("cannot import name", "attempted relative import")
_LIBRARY = re.compile(r"(\S+): cannot open shared object file")


class Provided:
    """Finds in ``folder`` what Lambda's runtime provides, and nothing else that lies there."""

    def __init__(self, folder: str) -> None:
        self._folder = folder

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if path is None and name in PROVIDED:
            return importlib.machinery.PathFinder.find_spec(name, [self._folder], target)
        return None


def probe(handler: str, libraries: str, folders: Sequence[str]) -> dict[str, str]:
    """Lambda's runtime does the same: https://github.com/aws/aws-lambda-python-runtime-interface-client"""
    module, _, name = handler.rpartition(".")
    module = module.replace("/", ".")
    answer = {"kind": "wrong", "missing": "", "file": "", "line": ""}
    try:
        found = getattr(importlib.import_module(module), name)
    except (Exception, SystemExit) as error:
        kind, missing = _kind(error, module, name)
        if kind == "wrong" and missing:
            return {**answer, "what": f"{module} does not define {name}"}
        places = _places(error)
        # The libraries here are of another version than the runtime's, and may want another Python.
        if places and libraries and places[-1][0].startswith(libraries):
            kind = "unclear"
        file, line = next((place for place in reversed(places) if place[0].startswith(tuple(folders))), ("", ""))
        what = f"{type(error).__name__}: {error}"
        return {"kind": kind, "what": what, "missing": missing, "file": file, "line": line}
    return {} if callable(found) else {**answer, "what": f"{handler} is not callable"}


def _kind(error: BaseException, module: str, name: str) -> tuple[str, str]:
    """What it means for Lambda, and the name of what is missing."""
    if isinstance(error, ModuleNotFoundError):
        # Distributions build Python without some of its library; Lambda's has all that Linux can have.
        missing = error.name or ""
        return ("unclear" if missing in getattr(sys, "stdlib_module_names", ()) else "missing"), missing
    if isinstance(error, (ImportError, OSError)) and (library := _LIBRARY.search(str(error))):
        return "library", library[1]
    if isinstance(error, ImportError):
        return ("wrong" if str(error).startswith(_OF_CODE) else "unclear"), ""
    if isinstance(error, AttributeError):
        module_itself = sys.modules.get(module)
        own = module_itself is not None and error.__traceback__ is not None and error.__traceback__.tb_next is None
        return ("wrong", name) if own else ("unclear", "")
    return ("wrong" if isinstance(error, (SyntaxError, SystemExit)) else "unclear"), ""


def _places(error: BaseException) -> list[tuple[str, str]]:
    """File and line of each statement that was under way, the innermost last."""
    if isinstance(error, SyntaxError):
        return [(error.filename or "", str(error.lineno or ""))]
    places = []
    trace = error.__traceback__
    while trace is not None:
        places.append((trace.tb_frame.f_code.co_filename, str(trace.tb_lineno)))
        trace = trace.tb_next
    return [place for place in places if not place[0].startswith("<")]


if __name__ == "__main__":
    _, handle, libraries, answer, *folders = sys.argv
    signal.alarm(_SECONDS)  # whoever started it may be killed before it ends it
    sys.path[:0] = folders
    sys.meta_path.append(Provided(libraries))
    said = probe(handle, libraries, folders)
    with open(answer, "w", encoding="utf-8") as stream:
        json.dump(said, stream)
