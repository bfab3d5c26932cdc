"""Import a handler as Lambda would. Run as a script with ``-I -S``: its arguments are folder, handler, runtime's
own libraries, answer. It imports nothing of this project.

The answer, a JSON file, is empty when the handler is there. Else ``kind`` is ``missing`` (``missing`` names the module
that cannot be found), ``wrong`` (it would fail on Lambda too) or ``unclear`` (it may fail only here).
"""

from __future__ import annotations

import importlib
import importlib.machinery
import json
import sys
from collections.abc import Sequence
from types import ModuleType

PROVIDED = (
    "boto3", "botocore", "s3transfer", "jmespath", "dateutil", "six", "urllib3", "awslambdaric", "snapshot_restore_py",
)
"""Modules of the Python runtimes themselves: https://docs.aws.amazon.com/lambda/latest/dg/lambda-python.html"""


_OF_CODE = ("cannot import name", "attempted relative import")


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


def probe(handler: str) -> dict[str, str]:
    """Lambda's runtime does the same: https://github.com/aws/aws-lambda-python-runtime-interface-client"""
    module, _, name = handler.rpartition(".")
    module = module.replace("/", ".")
    try:
        found = getattr(importlib.import_module(module), name)
    except ModuleNotFoundError as error:
        return _answer("missing", error, error.name or "")
    except ImportError as error:
        # A shared library may be missing here and not there; what inspects them says so.
        return _answer("wrong" if str(error).startswith(_OF_CODE) else "unclear", error)
    except SyntaxError as error:
        return _answer("wrong", error)
    except AttributeError as error:
        if error.name == name and getattr(error, "obj", None) is sys.modules.get(module):
            return {"kind": "wrong", "what": f"{module} does not define {name}", "missing": ""}
        return _answer("unclear", error)
    except SystemExit as error:
        return _answer("wrong", error)
    except Exception as error:
        return _answer("unclear", error)
    return {} if callable(found) else {"kind": "wrong", "what": f"{handler} is not callable", "missing": ""}


def _answer(kind: str, error: BaseException, missing: str = "") -> dict[str, str]:
    return {"kind": kind, "what": f"{type(error).__name__}: {error}", "missing": missing}


if __name__ == "__main__":
    _, package, handle, libraries, answer = sys.argv
    sys.path.insert(0, package)
    sys.meta_path.append(Provided(libraries))
    said = probe(handle)
    with open(answer, "w", encoding="utf-8") as stream:
        json.dump(said, stream)
