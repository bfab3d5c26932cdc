"""Will Lambda be able to import the handler? Read from its code, whatever host this is; see ``trial`` too."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from .. import syntax
from ..model import Function
from . import archive, probe, standard, target
from .archive import Entries

_GUARDS = {"ImportError", "ModuleNotFoundError", "Exception", "BaseException"}


@dataclass(frozen=True)
class Finding:
    """Why the handler would not load. ``certain``: on Lambda neither."""

    what: str
    missing: str = ""
    """The module, or of the kind ``library`` the shared library, that was not found."""
    kind: str = ""
    """As ``probe`` tells it."""
    certain: bool = True
    file: str = ""
    """Path in the package of the statement that failed, and its line, where that is known."""
    line: str = ""
    output: str = ""
    """The last lines that the handler printed."""


def read_imports(function: Function, package: Entries, own: Mapping[str, str]) -> Finding | None:
    """Follow the imports of our own files, ``own`` (path in the package -> path to show), without running them.

    Only what is imported whatever happens counts: not in a function, not where ImportError is caught.
    """
    module = function.handler.rpartition(".")[0].replace(".", "/")
    first = _find(module, package)
    if first is None:
        return Finding(f"there is no {module}.py in the package", module)
    python = target.of(function.runtime, function.architecture).python
    there = importable(function, package, own)
    if "setuptools" in there:
        there.add("distutils")  # https://setuptools.pypa.io/en/latest/deprecated/distutils-legacy.html
    waiting, seen = [first], {first}
    while waiting:
        path = waiting.pop()
        if path not in own or not path.endswith(".py"):
            continue
        try:
            tree = syntax.parse(archive.content(package[path]))
        except SyntaxError as error:
            where = f"{own[path]}:{error.lineno}" if error.lineno else own[path]
            return Finding(f"{where}: {error.msg}", certain=False)
        for line, name in _imports(tree.body, _parent(path)):
            top = name.split(".")[0]
            if top not in there and not standard.has(top, python) and top not in probe.PROVIDED:
                gone = f", which {function.runtime} has no longer" if standard.GONE.get(top, 99) <= python[1] else ""
                return Finding(f"{own[path]}:{line}: No module named '{top}'{gone}", top)
            for wanted in _with_parents(name):
                if (found := _find(wanted, package)) and found not in seen:
                    seen.add(found)
                    waiting.append(found)
    return None


def importable(function: Function, package: Entries, own: Mapping[str, str]) -> set[str]:
    """Names of modules at the top of the package; anywhere in it, where our code or PYTHONPATH extends the path."""
    code = (archive.content(package[path]) for path in own if path in package and path.endswith(".py"))
    deep = "PYTHONPATH" in function.environment or any(b"sys.path" in text for text in code)
    return {part.split(".")[0] for path in package for part in path.split("/")[:None if deep else 1]}


def _find(module: str, package: Entries) -> str | None:
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
    return any(each is None or _last_name(each) in _GUARDS for each in types)


def _last_name(expression: ast.expr) -> str:
    match expression:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
    return ""


def _imports(body: list[ast.stmt], parent: list[str]) -> Iterator[tuple[int, str]]:
    """Line and full name of each module that the statements surely import.

    What an ``if`` holds may never run, and what is wrong in a ``with`` may be suppressed.
    """
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
            case ast.ClassDef(body=inner):
                yield from _imports(inner, parent)
