"""Will Lambda be able to import the handler? Tried where this host can run the package, else read from its code."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from ..model import Function
from . import archive, probe
from .archive import Entry
from .target import Target

_SECONDS = 60
"""Lambda gives an import 10 s; a busy build host may be slower."""
_GUARDS = {"ImportError", "ModuleNotFoundError", "Exception", "BaseException"}
Package = Mapping[str, Entry]


@dataclass(frozen=True)
class Finding:
    """Why the handler would not load. ``missing``: the module that was not found; ``certain``: on Lambda neither."""

    what: str
    missing: str = ""
    certain: bool = True


def runs_here(target: Target, package: Package) -> bool:
    """Whether this host's Python can import what the package holds: the same minor version, and nothing compiled."""
    same = sys.version_info[:2] == target.python and sys.implementation.name == "cpython"
    return same and not any(".so" in path for path in package)


def try_import(function: Function, package: Package, folder: Path) -> Finding | None:
    """Import the handler with the package, laid out in ``folder``, and what Lambda's runtime provides; no more."""
    task, answer = folder / "task", folder / "answer"
    for path, entry in package.items():
        file = task / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(archive.content(entry))
    boto = find_spec("botocore")
    libraries = str(Path(boto.origin).parent.parent) if boto and boto.origin else ""
    values = _values(function)
    script = [sys.executable, "-I", "-S", "-B", "-X", "utf8", probe.__file__]
    try:
        subprocess.run(
            [*script, task, function.handler, libraries, answer],
            cwd=task, env={**values, **_lambda(function, task)}, timeout=_SECONDS, check=False,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )
        said = json.loads(answer.read_bytes())
    except subprocess.TimeoutExpired:
        return Finding(f"it was still importing after {_SECONDS} s", certain=False)
    except FileNotFoundError:
        return Finding("Python ended while importing it", certain=False)
    for value in values.values():
        if len(value) > 3:
            said = {kind: text.replace(value, "***") for kind, text in said.items()}
    if not said:
        return None
    what = said["what"].replace(f"{task}{os.sep}", "")
    return Finding(what, said["missing"], said["kind"] != "unclear")


def _values(function: Function) -> dict[str, str]:
    """The function's own variables; those that are expanded only when it is deployed are empty."""
    values = {}
    for name, secret in function.environment.items():
        try:
            values[name] = secret.reveal()
        except TypeError:
            values[name] = ""
    return values


def _lambda(function: Function, task: Path) -> dict[str, str]:
    """The variables that Lambda sets, without credentials: importing must not reach AWS as whoever builds."""
    return {
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_EXECUTION_ENV": f"AWS_Lambda_{function.runtime}",
        "AWS_LAMBDA_FUNCTION_NAME": function.aws_name,
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_REGION": "us-east-1",
        "LAMBDA_TASK_ROOT": str(task),
        "LANG": "en_US.UTF-8",
        "PATH": os.defpath,
        "TZ": ":UTC",
        "_HANDLER": function.handler,
    }


def read_imports(function: Function, package: Package, own: Mapping[str, str]) -> Finding | None:
    """Follow the imports of our own files, ``own`` (path in the package -> path to show), without running them.

    Only what is imported whatever happens counts: not in a function, not where ImportError is caught.
    """
    module = function.handler.rpartition(".")[0].replace(".", "/")
    first = _find(module, package)
    if first is None:
        return Finding(f"there is no {module}.py in the package", module)
    tops = {path.split("/")[0].split(".")[0] for path in package}
    waiting, seen = [first], {first}
    while waiting:
        path = waiting.pop()
        if path not in own or not path.endswith(".py"):
            continue
        try:
            tree = ast.parse(archive.content(package[path]))
        except SyntaxError as error:
            return Finding(f"{own[path]}:{error.lineno}: {error.msg}", certain=False)
        for line, name in _imports(tree.body, _parent(path)):
            top = name.split(".")[0]
            if top not in tops and top not in sys.stdlib_module_names and top not in probe.PROVIDED:
                return Finding(f"{own[path]}:{line}: No module named '{top}'", top)
            for wanted in _with_parents(name):
                if (found := _find(wanted, package)) and found not in seen:
                    seen.add(found)
                    waiting.append(found)
    return None


def _find(module: str, package: Package) -> str | None:
    """The file of ``a/b``: a package, a module, or a compiled one."""
    for path in (f"{module}/__init__.py", f"{module}.py", f"{module}.pyc"):
        if path in package:
            return path
    return next((path for path in package if path.startswith(f"{module}.") and path.endswith(".so")), None)


def _parent(path: str) -> list[str]:
    """The package that relative imports in the file start from."""
    return path.split("/")[:-1]


def _with_parents(name: str) -> Iterator[str]:
    """``a.b.c`` imports ``a``, ``a.b`` and ``a.b.c``."""
    parts = name.split(".")
    for count in range(1, len(parts) + 1):
        yield "/".join(parts[:count])


def _catches(handler: ast.ExceptHandler) -> bool:
    """Whether a missing module is caught."""
    types = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any(each is None or isinstance(each, ast.Name) and each.id in _GUARDS for each in types)


def _imports(body: list[ast.stmt], parent: list[str]) -> Iterator[tuple[int, str]]:
    """Line and full name of each module that the statements surely import: what an ``if`` holds may never run."""
    for statement in body:
        match statement:
            case ast.Import(names=names):
                yield from ((statement.lineno, alias.name) for alias in names)
            case ast.ImportFrom(module=module, names=names, level=level):
                start = parent[:len(parent) + 1 - level] if level else []
                if level and not start:
                    continue  # relative to nothing: only trying it tells
                base = ".".join([*start, *([module] if module else [])])
                if base:
                    yield statement.lineno, base
                named = (alias.name for alias in names if alias.name != "*")
                yield from ((statement.lineno, f"{base}.{name}".lstrip(".")) for name in named)
            case ast.Try(body=tried, handlers=handlers, orelse=otherwise, finalbody=final):
                if not any(_catches(handler) for handler in handlers):
                    yield from _imports(tried + otherwise, parent)
                yield from _imports(final, parent)
            case ast.With(body=inner) | ast.ClassDef(body=inner):
                yield from _imports(inner, parent)
