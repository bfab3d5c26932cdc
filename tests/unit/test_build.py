"""Packages without dependencies: the same bytes everywhere, built once, never half there."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ci import build
from ci.build import folder
from ci.errors import BuildError
from ci.model import Function, Package, Packaging, Pipeline
from ci.render.columns import si

SETTINGS = {"Handler": "echo.handle", "Runtime": "python3.13", "Architectures": ["x86_64"]}
CODE = "from shared.greeting import greet\n\n\ndef handle(event, context):\n    return greet(event['name'])\n"


def function(name: str = "echo", **more: object) -> Function:
    said: dict[str, object] = {"include": (Path("functions/shared"),), **more}
    settings = said.pop("settings", SETTINGS)
    return Function(name, name, settings, {}, Path("functions/echo"), **said)  # type: ignore[arg-type]


def lay(root: Path) -> Path:
    for path, text in {
        "functions/echo/echo.py": CODE,
        "functions/echo/größe.txt": "ä" * 999,
        "functions/shared/greeting.py": "def greet(name):\n    return f'Guten tag {name}!'\n",
        "functions/shared/__init__.py": "",
    }.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")
    return root


def make(root: Path, one: Function | None = None, said: list[str] | None = None) -> Package:
    one = one or function()
    pipeline = Pipeline(root, "test", None, {}, {one.name: one})
    return build.build(pipeline, [one], root / ".dollop", said.append if said is not None else None)[one.name]


def test_what_is_said_of_a_package_is_true(tmp_path: Path) -> None:
    """Sizes, hashes and files are those of the zip."""
    found = make(lay(tmp_path))
    assert found.path.stat().st_size == found.size
    assert [
        ("echo.py", len(CODE)), ("größe.txt", 1998), ("shared/__init__.py", 0), ("shared/greeting.py", 49)
    ] == [(file.path, file.size) for file in found.files]
    assert hashlib.sha256(CODE.encode()).hexdigest() == found.files[0].sha256
    assert sum(file.size for file in found.files) == found.unzipped


SCRIPT = """
    import os, pathlib, sys
    from ci import build
    from ci.model import Function, Pipeline
    os.umask(int(sys.argv[2], 8))
    settings = {"Handler": "echo.handle", "Runtime": "python3.13", "Architectures": ["x86_64"]}
    one = Function("echo", "echo", settings, {}, pathlib.Path("functions/echo"), (pathlib.Path("functions/shared"),))
    root = pathlib.Path(sys.argv[1])
    package = build.build(Pipeline(root, "p", None, {}, {"echo": one}), [one], root / "cache")["echo"]
    print(package.digest, package.code_sha256)
"""


def test_the_same_inputs_give_the_same_bytes(tmp_path: Path, root: Path) -> None:
    """In two folders, at two times, under two umasks and two locales, with git and without."""
    outputs = []
    for number, (umask, locale, modified) in enumerate([
        (0o022, {"LC_ALL": "C.UTF-8"}, 1_000_000_000),
        (0o077, {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}, 2_000_000_000),
    ]):
        folder = tmp_path / f"{'deep/' * number}folder{number}"
        before = os.umask(umask)
        try:
            lay(folder)
        finally:
            os.umask(before)
        for file in folder.rglob("*"):
            os.utime(file, (modified, modified))
        if number:
            subprocess.run(["git", "init", "--quiet", folder], check=True)
        command = [sys.executable, "-c", textwrap.dedent(SCRIPT), folder, oct(umask)]
        done = subprocess.run(
            command, env={**os.environ, **locale, "PYTHONPATH": str(root)}, capture_output=True, text=True, check=True
        )
        outputs.append(done.stdout)
    assert outputs[0] == outputs[1]
    assert 2 == len(outputs[0].split())


def test_a_package_is_built_once(tmp_path: Path) -> None:
    """The second time nothing is said and nothing written; another function of the same inputs has it too."""
    said: list[str] = []
    first = make(lay(tmp_path), said=said)
    assert [f"built echo: 4 files, {si(first.size)}"] == said
    again, other = make(tmp_path, said=said), make(tmp_path, function("other"), said=said)
    assert 1 == len(said)
    assert first == again
    assert (first.path, first.digest, "other") == (other.path, other.digest, other.function)


def change_code(root: Path) -> Function:
    (root / "functions/echo/echo.py").write_text(CODE + "\n")
    return function()


def change_mode(root: Path) -> Function:
    (root / "functions/echo/echo.py").chmod(0o755)
    return function()


def change_name(root: Path) -> Function:
    (root / "functions/echo/größe.txt").rename(root / "functions/echo/grösse.txt")
    return function()


def change_include(root: Path) -> Function:
    (root / "functions/shared/greeting.py").write_text("def greet(name): ...\n")
    return function()


def change_settings(**more: object) -> Callable[[Path], Function]:
    return lambda root: function(settings={**SETTINGS, **more})


@pytest.mark.parametrize(
    "change",
    [
        change_code, change_mode, change_name, change_include, change_settings(Runtime="python3.12"),
        change_settings(Architectures=["arm64"]), lambda root: function(exclude=("*.txt",)),
    ],
    ids=["code", "mode", "name", "include", "runtime", "architecture", "exclude"],
)
def test_every_input_counts(tmp_path: Path, change: Callable[[Path], Function]) -> None:
    """A change of any of them builds again."""
    said: list[str] = []
    make(lay(tmp_path))
    make(tmp_path, change(tmp_path), said)
    assert 1 == len(said)


def test_excluded_files_are_not_in(tmp_path: Path) -> None:
    """Patterns are over the package's paths."""
    found = make(lay(tmp_path), function(exclude=("*.txt", "/shared/__init__.py")))
    assert ["echo.py", "shared/greeting.py"] == [file.path for file in found.files]


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-9])


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[40] ^= 1
    path.write_bytes(data)


def empty(path: Path) -> None:
    path.write_bytes(b"")


@pytest.mark.parametrize("spoil", [truncate, flip, empty, Path.unlink])
@pytest.mark.parametrize("kind", ["*.zip", "*.json"])
def test_a_damaged_cache_is_built_again(tmp_path: Path, spoil: Callable[[Path], None], kind: str) -> None:
    """Whatever became of an entry: what is handed out is right."""
    first = make(lay(tmp_path))
    content = first.path.read_bytes()
    (entry,) = (tmp_path / ".dollop/packages").glob(kind)
    spoil(entry)
    said: list[str] = []
    assert first == make(tmp_path, said=said)
    assert (content, 1) == (first.path.read_bytes(), len(said))


def test_what_was_refused_is_refused_again(tmp_path: Path) -> None:
    """A package that failed its inspection is not in the cache; nor is anything left lying about."""
    lay(tmp_path)
    (tmp_path / "functions/echo/echo.py").write_text("import requests\n" + CODE)
    for _ in range(2):
        with pytest.raises(BuildError) as raised:
            make(tmp_path)
        assert (
            "function echo: handler echo.handle: functions/echo/echo.py:1: No module named 'requests'"
        ) == raised.value.message
        assert "name it in a requirements file, and that file in pipeline.yaml (requirements: ...)" == raised.value.hint
    assert [] == [path for path in (tmp_path / ".dollop").rglob("*") if path.is_file()]


@pytest.mark.parametrize(
    "more",
    [
        {"Layers": ["arn:aws:lambda:eu-west-1:1:layer:deps:1"]},
        {"FileSystemConfigs": [{"Arn": "arn:aws:elasticfilesystem:x", "LocalMountPath": "/mnt/lib"}]},
    ],
    ids=["layer", "EFS"],
)
def test_what_may_lie_beside_the_package(tmp_path: Path, more: dict[str, Any]) -> None:
    """Of layers and file systems nobody here knows what they bring: what is missing is said, and it is built."""
    lay(tmp_path)
    (tmp_path / "functions/echo/echo.py").write_text("import requests\n" + CODE)
    said: list[str] = []
    make(tmp_path, function(settings={**SETTINGS, **more}), said)
    assert "No module named 'requests'" in said[0]


@pytest.mark.parametrize("cached", [False, True])
def test_max_size_holds_for_a_cached_package_too(tmp_path: Path, cached: bool) -> None:
    """A budget may be lowered after the package was built."""
    lay(tmp_path)
    if cached:
        make(tmp_path)
    with pytest.raises(BuildError, match="more than its max_size of 100 B"):
        make(tmp_path, function(max_size=100))


def test_secrets_are_refused(tmp_path: Path) -> None:
    """Unless they are excluded, or allowed by name."""
    (lay(tmp_path) / "functions/echo/.env").write_text("TOKEN=x")
    with pytest.raises(BuildError, match=r"function echo: functions/echo/\.env: looks like a secret"):
        make(tmp_path)
    assert ".env" not in [file.path for file in make(tmp_path, function(exclude=(".env",))).files]
    assert ".env" in [file.path for file in make(tmp_path, function(packaging=Packaging(allow=("/.env",)))).files]
    with pytest.raises(BuildError, match=r"\.env: looks like a secret"):
        make(tmp_path, function(packaging=Packaging(allow=("/.env.test",))))


def test_the_sources_are_not_written_to(tmp_path: Path) -> None:
    """A read-only checkout builds, with its handler tried by the Python of its runtime."""
    lay(tmp_path)
    folders = [tmp_path / "functions", *(path for path in (tmp_path / "functions").rglob("*") if path.is_dir())]
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "functions").rglob("*")}
    for each in folders:
        each.chmod(0o500)
    try:
        runtime = f"python{sys.version_info[0]}.{sys.version_info[1]}"
        make(tmp_path, function(settings={**SETTINGS, "Runtime": runtime}))
    finally:
        for each in folders:
            each.chmod(0o700)
    assert before == {path: path.stat().st_mtime_ns for path in (tmp_path / "functions").rglob("*")}


def test_a_folder_without_files(tmp_path: Path) -> None:
    """There is nothing to deploy."""
    (tmp_path / "functions/echo").mkdir(parents=True)
    with pytest.raises(BuildError, match="function echo: functions/echo has no files"):
        make(tmp_path, function(include=()))


def test_nothing_changed_loads_nothing(tmp_path: Path, root: Path) -> None:
    """The answer from the cache needs none of what builds: no uv, no zip, no patterns, no threads, no subprocess."""
    lay(tmp_path)
    make(tmp_path, function(exclude=("*.md",)))
    script = """
        import sys
        before = set(sys.modules)
        import pathlib
        from ci import build
        from ci.model import Function, Pipeline
        settings = {"Handler": "echo.handle", "Runtime": "python3.13", "Architectures": ["x86_64"]}
        shared = (pathlib.Path("functions/shared"),)
        one = Function("echo", "echo", settings, {}, pathlib.Path("functions/echo"), shared, ("*.md",))
        root = pathlib.Path(sys.argv[1])
        package = build.build(Pipeline(root, "p", None, {}, {"echo": one}), [one], root / ".dollop")["echo"]
        import json
        print(json.dumps(sorted(set(sys.modules) - before)))
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script), tmp_path], env={**os.environ, "PYTHONPATH": str(root)},
        capture_output=True, text=True, check=True,
    )
    heavy = {
        "boto3", "concurrent.futures", "elftools", "email", "importlib.metadata", "packaging", "pathspec", "shutil",
        "subprocess", "tempfile", "tomllib", "urllib.request", "uv", "zipfile",
    }
    assert set() == heavy & set(json.loads(done.stdout))


def test_what_lies_in_the_folder_already_is_left(tmp_path: Path) -> None:
    """A zip is written when it is not there, shorter, or other; not when it has the same bytes."""
    found = make(lay(tmp_path))
    zipped = tmp_path / "dist/echo.zip"
    for there in (b"", found.path.read_bytes()[:-1], b"x" * found.size):
        folder.save([found], tmp_path / "dist")
        os.utime(zipped, (1, 1))
        folder.save([found], tmp_path / "dist")
        assert 1 == zipped.stat().st_mtime
        zipped.write_bytes(there)
        folder.save([found], tmp_path / "dist")
        assert found.path.read_bytes() == zipped.read_bytes()
