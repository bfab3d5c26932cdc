"""The digest of a package's inputs: whatever decides what the package holds changes it, and nothing else does."""

from __future__ import annotations

import os
import re
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import ci
from ci.build import inputs
from ci.build.inputs import Reader, edition
from ci.model import Function, Hooks, Packaging, Secret

SETTINGS: dict[str, Any] = {"Handler": "echo.handle", "Runtime": "python3.13", "Architectures": ["x86_64"]}
FILES = {
    "functions/echo/echo.py": "def handle(event, context): ...\n",
    "functions/shared/greet.py": "",
    "requirements.txt": "-r more.txt\n./local\n",
    "more.txt": "-c constraints.txt\nrequests\n",
    "constraints.txt": "idna==3.10\n",
    "local/pyproject.toml": "[project]\nname = 'local'\nversion = '1'\n",
    "local/local.py": "",
}
BASE = Function(
    "echo", "echo", SETTINGS, {"GREETING": Secret("hello")}, Path("functions/echo"),
    include=(Path("functions/shared"),), requirements=Path("requirements.txt"),
)

Flip = Callable[[Path, pytest.MonkeyPatch], Function | None]


@pytest.fixture
def laid(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository, and nothing of uv and pip in the environment."""
    root = tmp_path / "repository"
    for path, text in FILES.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    for name in [name for name in os.environ if name.startswith(("UV_", "PIP_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    return root


def key(root: Path, function: Function = BASE) -> str:
    edition.cache_clear()
    try:
        return Reader(root).read(function).key
    finally:
        edition.cache_clear()


def written(path: str, text: str = "# changed\n") -> Flip:
    def flip(root: Path, patch: pytest.MonkeyPatch) -> None:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        with (root / path).open("a") as stream:
            stream.write(text)

    return flip


def function(**changes: Any) -> Flip:
    return lambda root, patch: replace(BASE, **changes)


def settings(**changes: Any) -> Flip:
    return function(settings={**SETTINGS, **changes})


def variable(name: str, value: str) -> Flip:
    return lambda root, patch: patch.setenv(name, value)


def tool(module: str) -> Flip:
    """Another version of what builds."""
    real = inputs._version
    return lambda root, patch: patch.setattr(inputs, "_version", lambda name: "9" if name == module else real(name))


COUNTS: dict[str, Flip] = {
    "source": written("functions/echo/echo.py"),
    "a new source": written("functions/echo/new.txt"),
    "mode": lambda root, patch: (root / "functions/echo/echo.py").chmod(0o755),
    "name": lambda root, patch: (root / "functions/echo/echo.py").rename(root / "functions/echo/x.py") and None,
    "include": written("functions/shared/greet.py"),
    "what is included": function(include=()),
    "exclude": function(exclude=("*.md",)),
    "requirements": written("requirements.txt"),
    "nested requirements": written("more.txt"),
    "constraints": written("constraints.txt"),
    "a local project": written("local/local.py"),
    "no requirements": function(requirements=None),
    "binaries": function(packaging=Packaging(binaries=("wheels",))),
    "allowed secrets": function(packaging=Packaging(allow=("*.pem",))),
    "slim": function(packaging=Packaging(slim=("tests",))),
    "provided": function(packaging=Packaging(provided=True)),
    "hook": function(hooks=Hooks(build="make")),
    "handler": settings(Handler="echo.other"),
    "runtime": settings(Runtime="python3.12"),
    "glibc": settings(Runtime="python3.11"),
    "architecture": settings(Architectures=["arm64"]),
    "layers": settings(Layers=["arn:aws:lambda:eu-west-1:123456789012:layer:x:1"]),
    "file systems": settings(FileSystemConfigs=[{"Arn": "arn:aws:elasticfilesystem:x", "LocalMountPath": "/mnt/x"}]),
    "index": variable("UV_DEFAULT_INDEX", "https://mirror.example/simple"),
    "another index": variable("UV_INDEX", "https://more.example/simple"),
    "pip's index": variable("PIP_INDEX_URL", "https://mirror.example/simple"),
    "prereleases": variable("UV_PRERELEASE", "allow"),
    "a cut-off": variable("UV_EXCLUDE_NEWER", "2026-01-01"),
    "uv.toml": written("uv.toml"),
    "pyproject.toml": written("pyproject.toml"),
    "uv.toml above": written("../uv.toml"),
    "uv.toml of the user": written("../home/.config/uv/uv.toml"),
    "pip.conf of the user": written("../home/.config/pip/pip.conf"),
    "uv": tool("uv"),
    "the inspector": tool("elftools"),
    "lambda-packages": tool("lambda_packages"),
    "zlib": lambda root, patch: patch.setattr(zlib, "ZLIB_RUNTIME_VERSION", "9"),
    "Python": lambda root, patch: patch.setattr(inputs.sys, "version_info", (3, 99, 0)),
}


@pytest.mark.parametrize("name", COUNTS)
def test_what_decides_is_in_the_digest(laid: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Each by itself."""
    before = key(laid)
    changed = COUNTS[name](laid, monkeypatch)
    assert before != key(laid, changed or BASE)


def test_groups_and_extras_count(laid: Path) -> None:
    """Of a project, and each its own way."""
    project = replace(BASE, requirements=Path("local/pyproject.toml"))
    chosen = (Packaging(), Packaging(groups=("web",)), Packaging(extras=("web",)), Packaging(extras=("web", "more")))
    assert 4 == len({key(laid, replace(project, packaging=each)) for each in chosen})


@pytest.mark.parametrize("file", ["local/uv.toml", "uv.toml"])
def test_the_settings_beside_a_project_count(laid: Path, file: str) -> None:
    """uv is run there, and reads them; and those above."""
    project = replace(BASE, requirements=Path("local/pyproject.toml"))
    before = key(laid, project)
    (laid / file).write_text("prerelease = 'allow'\n")
    assert before != key(laid, project)


IDLE: dict[str, Flip] = {
    "nothing": lambda root, patch: None,
    "time": lambda root, patch: os.utime(root / "functions/echo/echo.py", (1, 1)),
    "bytecode": written("functions/echo/__pycache__/echo.cpython-313.pyc"),
    "another function": written("functions/other/other.py"),
    "environment": function(environment={"GREETING": Secret("bye")}),
    "memory": settings(MemorySize=512),
    "name in AWS": function(aws_name="other"),
    "bucket": function(packaging=Packaging(bucket="packages")),
    "password": variable("UV_INDEX_PRIVATE_PASSWORD", "another"),
    "cache": variable("UV_CACHE_DIR", "/elsewhere"),
    "AWS": variable("AWS_REGION", "us-east-1"),
}


@pytest.mark.parametrize("name", IDLE)
def test_what_does_not_decide_is_not_in_it(laid: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """A package is not built again for it."""
    before = key(laid)
    changed = IDLE[name](laid, monkeypatch)
    assert before == key(laid, changed or BASE)


def test_a_password_in_an_address_does_not_count(laid: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It opens the index, and may live for hours; the address counts."""
    keys = []
    for login, host in (("a:b", "one"), ("c:d", "one"), ("a:b", "two")):
        monkeypatch.setenv("UV_DEFAULT_INDEX", f"https://{login}@{host}.example/simple")
        keys.append(key(laid))
    assert keys[0] == keys[1] != keys[2]


def test_our_own_code_counts(laid: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What builds is read, byte by byte: another edition makes other packages."""
    before = key(laid)
    real = inputs.sha256_of
    monkeypatch.setattr(inputs, "sha256_of", lambda path: "0" * 64 if path.name == "archive.py" else real(path))
    assert before != key(laid)


@pytest.mark.parametrize("name", ["content", "indexes", "syntax"])
def test_what_builds_elsewhere_counts(laid: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """As does what the modules of build use of others."""
    before = key(laid)
    real, file = inputs.sha256_of, Path(ci.__file__).parent / f"{name}.py"
    monkeypatch.setattr(inputs, "sha256_of", lambda path: "0" * 64 if path == file else real(path))
    assert before != key(laid)


def test_nothing_else_decides() -> None:
    """What build uses beside that is about errors, threads, words, and packages that were built elsewhere."""
    found = {
        word
        for path in Path(inputs.__file__).parent.glob("*.py")
        for names in re.findall(r"^ *from \.\. import (.+)$|^ *from \.\.(\w\S*) import", path.read_text(), re.MULTILINE)
        for word in "".join(names).split(", ")
    }
    assert {*inputs._BESIDE, "diff", "errors", "model", "parallel", "render.columns"} == found


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("pip==1  # one\nsix==1 \\\n    --hash=sha256:00\n", True), ("-f wheels\nsix\n", False),
        ("  --pre\nsix\n", False),
        ("./six.whl\n", False), ("six\n", False),
    ],
)
def test_requirements_that_mean_the_same_in_any_folder(tmp_path: Path, text: str, same: bool) -> None:
    """Are resolved once, for all functions; not where a path, an option or a configuration beside them says more."""
    (tmp_path / "six.whl").touch()
    wanted = []
    for name in ("one", "two"):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "echo.py").touch()
        (folder / "requirements.txt").write_text(text)
        (folder / "six.whl").touch()
        if text == "six\n":
            (folder / "uv.toml").touch()
        place = replace(BASE, source=Path(name), include=(), requirements=Path(name, "requirements.txt"))
        wanted.append(Reader(tmp_path).read(place).wanted)
    assert None not in wanted
    assert same == (1 == len({each.key for each in wanted if each}))
