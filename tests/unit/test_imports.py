"""The layering of DESIGN: imports point one way, and each effect has one place. Read off the source."""

from __future__ import annotations

import ast
import functools
import re
import subprocess
import sys
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from ci import cli

ROOT = Path(__file__).parents[2]
FILES = {path.relative_to(ROOT).as_posix(): path for path in (ROOT / "ci").rglob("*.py")}

PURE = sorted(
    file
    for file in FILES
    if file.startswith(("ci/attachments/", "ci/model/", "ci/plan/", "ci/policy/", "ci/render/"))
    or file.removeprefix("ci/").removesuffix(".py")
    in ("apply/smoke", "diff", "errors", "observe/strays", "record", "release", "remembered", "settings")
)
WITHOUT_EFFECTS = {
    *("__future__", "base64", "collections", "dataclasses", "datetime", "functools", "hashlib", "html", "itertools",),
    *("json", "math", "os.path", "pathlib", "re", "typing", "unicodedata"),
}
"""Standard modules that pure code may use; ``datetime`` and ``pathlib`` for their types."""
EFFECTS = {"now", "today", "utcnow", "open", "print", "input", "exists", "stat", "iterdir", "glob", "resolve", "unlink"}
EFFECTS |= {"read_text", "read_bytes", "write_text", "write_bytes", "mkdir", "is_file", "is_dir", "cwd", "home"}
"""Calls that would be effects."""


@functools.cache
def tree(file: str) -> ast.Module:
    return ast.parse(FILES[file].read_text(), file)


def run_time(node: ast.AST, late: bool) -> Iterator[ast.AST]:
    """Everything under ``node`` but what only a type checker sees; with ``late`` also what functions hold."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING":
            continue
        if late or not isinstance(child, ast.FunctionDef):
            yield child
            yield from run_time(child, late)


@functools.cache
def imports(file: str, late: bool = True) -> frozenset[str]:
    """The modules that ``file`` imports, with ``late`` also within functions; ours as their files."""
    found: set[str] = set()
    for node in run_time(tree(file), late):
        if isinstance(node, ast.Import):
            found |= {ours(alias.name) or alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            package = ".".join(file.split("/")[: -node.level]) if node.level else ""
            module = ".".join(filter(None, (package, node.module)))
            found |= {ours(f"{module}.{alias.name}") or ours(module) or module for alias in node.names}
    return frozenset(found)


def ours(module: str) -> str | None:
    path = module.replace(".", "/")
    return next((file for file in (f"{path}.py", f"{path}/__init__.py") if file in FILES), None)


def called(file: str) -> Iterator[tuple[str, ast.Call]]:
    """Each call by the last word of what is called: ``aws.call(...)`` is ``call``."""
    for node in ast.walk(tree(file)):
        if isinstance(node, ast.Call):
            name = ast.unparse(node.func)
            yield name.rpartition(".")[2], node


def importers(*modules: str) -> set[str]:
    """The files that import any of ``modules`` or what is in them."""
    return {
        file for file in FILES for found in imports(file) if found in modules or found.partition(".")[0] in modules
    }


@pytest.mark.parametrize("file", PURE)
def test_pure_modules_import_pure_modules(file: str) -> None:
    """Plan, render, model, record, diff, policy and smoke reach nothing that has an effect, however indirectly."""
    allowed = {*PURE, "ci/config/template.py", "ci/__init__.py"}
    assert set() == {name for name in imports(file) if name.endswith(".py")} - allowed
    assert set() == {name for name in imports(file) if not name.endswith(".py")} - WITHOUT_EFFECTS - {"collections.abc"}


@pytest.mark.parametrize("file", [*PURE, "ci/config/template.py"])
def test_pure_modules_have_no_effect(file: str) -> None:
    """No file, no clock, no output."""
    assert [] == [ast.unparse(call) for name, call in called(file) if name in EFFECTS]


def test_there_are_no_circles() -> None:
    """Imports point one way; what is imported late, within a function, may point back."""
    graph = {file: {name for name in imports(file, late=False) if name in FILES} - {file} for file in FILES}
    TopologicalSorter(graph).prepare()


def test_only_aws_imports_the_sdk() -> None:
    """Sessions, pacing and errors have one place."""
    files = {f"ci/aws/{name}.py" for name in ("bucket", "client", "session", "translation")}
    assert files == importers("boto3", "botocore")


def test_only_apply_writes() -> None:
    """Whoever calls AWS names the operation there and then; outside of apply it is one that reads.

    The roles of the workflows are no part of a release: ``dollop setup aws --deploy`` makes them."""
    writers = {}
    for file in FILES:
        for name, call in called(file):
            on = ast.unparse(call.func)
            reached = re.search(r"(aws|aws\(.*\)|at\(.*\))\.\w+$", on)
            if name in ("call", "pages", "read", "ask") and reached:
                named = call.args[name in ("read", "ask")]
                assert isinstance(named, ast.Constant), f"{file}: {ast.unparse(call)}"
                operation = str(named.value)
                if not operation.startswith(("get_", "list_", "describe_", "filter_")):
                    writers[file] = operation
    assert writers.pop("ci/setup/stack.py") in ("create_stack", "update_stack")
    assert writers
    assert {} == {file: name for file, name in writers.items() if not file.startswith("ci/apply/")}


def test_few_reveal_secrets() -> None:
    """Where a secret's value is taken: to send it, to measure it, to compare it, to import a handler with it."""
    sent = {"ci/apply/parameters.py", "ci/record.py"}
    expected = sent | {"ci/config/environment.py", "ci/diff.py", "ci/build/runtime.py"}
    assert expected == {file for file in FILES for name, _ in called(file) if name == "reveal"}


def test_only_the_command_line_exits() -> None:
    """Everything else raises, or answers with a code; the probe is a program of its own, and forks end at once."""
    leaving = ("sys.exit", "os._exit", "exit", "SystemExit")
    exiting = {file for file in FILES for _, call in called(file) if ast.unparse(call.func) in leaving}
    assert {"ci/__main__.py", "ci/cli.py", "ci/build/probe.py", "ci/build/readers.py"} == exiting


def test_only_what_people_see_prints() -> None:
    """The console, the verbs, and GitHub's annotations, which are lines of output."""
    printing = {file for file in FILES for name, _ in called(file) if name in ("print", "echo", "secho")}
    expected = {"ci/console.py", "ci/github/run.py", "ci/build/probe.py"}
    assert set() == {file for file in printing if not file.startswith("ci/verbs/")} - expected


def test_only_the_command_line_knows_the_verbs() -> None:
    """A verb is the end of the line; it is loaded by its name."""
    verbs = {file for file in FILES if file.startswith("ci/verbs/")}
    assert set() == {file for file in FILES.keys() - verbs if imports(file) & verbs}
    assert {"ci/cli.py"} == {file for file, path in FILES.items() if "ci.verbs.{" in path.read_text()}
    assert [*cli.verbs.commands] == [command.name for command in cli.verbs.commands.values()]
    files = verbs - {"ci/verbs/__init__.py", "ci/verbs/options.py"}
    assert {*cli.verbs.commands} == {Path(file).stem.removesuffix("_") for file in files}
    assert {"ci/__main__.py"} == {file for file in FILES if "ci/cli.py" in imports(file)}


def test_only_workspace_gathers_and_above_know_aws() -> None:
    """What is built, planned and shown does not know where it goes."""
    knowing = {file for file in FILES if any(name.startswith("ci/aws/") for name in imports(file))}
    assert set() == {file for file in knowing if file.startswith(("ci/build/", "ci/config/", "ci/github/"))}


def test_the_house_is_on_the_map() -> None:
    """README names every module and folder at the top of ci, and none that is not there."""
    house = re.search(r"^    ci/\n((?:      .*\n)+)", (ROOT / "README.md").read_text(), re.MULTILINE)
    assert house
    named = [name for line in house[1].splitlines() for name in re.findall(r"[\w.]+(?:/|\.py|\.json)", line)]
    there = {path.name + "/" * path.is_dir() for path in (ROOT / "ci").iterdir()} - {"__init__.py", "__pycache__/"}
    assert sorted(there) == sorted(named)


@pytest.mark.parametrize("module", ["ci.cli", "ci.model", "ci.plan.deploy"])
def test_starting_is_light(module: str) -> None:
    """What only some verbs need is not loaded for all of them."""
    heavy = ("boto3", "botocore", "pydantic", "pydantic_core", "rich", "github", "yaml", "pathspec", "packaging", "uv")
    code = f"import sys, {module}; print(*(name for name in {heavy!r} if name in sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert "" == done.stdout.strip()
