"""Is the handler there? Read from the source as text: importing a function's code would run it."""

from __future__ import annotations

import ast
import re
import sys
import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path

from ci import syntax
from ci.config.messages import similar

_FORM = re.compile(r"(?P<module>[^\s./]+(?:[./][^\s./]+)*)\.(?P<function>[^\W\d]\w*)")
_STAR = "*"


def problems(
    handler: str, runtime: str | None, source: Path, include: Iterable[Path], elsewhere: bool = False
) -> list[str]:
    """What is wrong with ``handler``, ``module.function``.

    It is looked for in the folder ``source`` and in what lies beside that in the package, ``include``. With
    ``elsewhere`` it may be in a dependency or a layer, as those of observers that call ours are: the build tells.
    """
    form = _FORM.fullmatch(handler)
    if not form:
        return ["must be module.function, such as echo.handle"]
    module, function = form["module"].replace(".", "/"), form["function"]
    top = module.partition("/")[0]
    folders = [source, *(path.parent for path in include if path.name in (top, f"{top}.py"))]
    candidates = [folder / end for folder in folders for end in (f"{module}/__init__.py", f"{module}.py")]
    file = next((path for path in candidates if path.is_file()), None)
    if file is None:
        ours = any((folder / name).exists() for folder in folders for name in (top, f"{top}.py"))
        if elsewhere and not ours:
            return []
        near = similar(module.rpartition("/")[2], (path.stem for path in source.glob("*.py")))
        return [f"there is no {module}.py in the source or in what it includes{near}"]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the code: its own tests tell
            tree = syntax.parse(file.read_bytes())
    except OSError as error:
        return [f"{file.name} cannot be read: {error.strerror}"]
    except SyntaxError as error:
        line = f", line {error.lineno}" if error.lineno else ""
        return [f"{file.name}{line}: {error.msg}"] if runtime and _speaks(runtime) else []
    found = dict(_names(tree))
    if function not in found and not found.keys() & {_STAR, "__getattr__"}:
        return [f"{file.name} does not define {function}{similar(function, found)}"]
    if found.get(function):
        return [f"{function} is async: Lambda's Python runtime does not await it"]
    return []


def _speaks(runtime: str) -> bool:
    """Whether this Python reads the language of ``runtime``: an older 3.x, or its own."""
    version = tuple(int(part) for part in runtime.removeprefix("python").split("."))
    return (3, 0) <= version <= sys.version_info[:2]


def _names(tree: ast.Module) -> Iterator[tuple[str, bool]]:
    """Each name that is bound at the level of the module, in order; True for a plain coroutine function."""
    ahead: list[ast.AST] = [tree]
    while ahead:
        node = ahead.pop()
        match node:
            case ast.AsyncFunctionDef(name=name, decorator_list=decorators):
                yield name, not decorators
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                yield name, False
            case ast.Import(names=names) | ast.ImportFrom(names=names):
                for alias in names:
                    yield alias.asname or alias.name.partition(".")[0], False
            case ast.Name(id=name, ctx=ast.Store()):
                yield name, False
            case ast.Lambda() | ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
                pass  # a scope of its own
            case ast.AnnAssign(value=None):
                pass  # says a type, binds nothing
            case _:
                ahead += reversed([*ast.iter_child_nodes(node)])
