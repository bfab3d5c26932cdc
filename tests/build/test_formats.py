"""Requirements in every format, each made to say: one (which needs two), and three in the group ``image``."""

from __future__ import annotations

import hashlib
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from uv import find_uv_bin

from ci.errors import BuildError
from ci.model import Packaging

from .conftest import Build
from .index import Index, project, wheel

USES = "import one\n\n\ndef handle(event, context): ...\n"
ALONE = ["one", "two"]
WITH_GROUP = ["one", "three", "two"]
PYPROJECT = """
[project]
name = "app"
version = "1.0"
requires-python = ">=3.9"
dependencies = ["one"]
[project.optional-dependencies]
fast = ["four"]
[dependency-groups]
dev = ["five"]
image = ["three"]
"""


@pytest.fixture
def hashes(index: Index, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Five packages on the index; uv looks there first, and at the machine's own for its tools."""
    monkeypatch.setenv("UV_INDEX", index.url)
    monkeypatch.delenv("UV_DEFAULT_INDEX")
    monkeypatch.setenv("UV_INDEX_STRATEGY", "first-index")
    paths = {name: wheel(index.folder, name) for name in ("one", "three", "four", "five", "two")}
    paths["one"] = wheel(index.folder, "one", requires=["two"])
    return {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in paths.items()}


def names(package: Build, file: str, fresh: Path, **packaging: tuple[str, ...]) -> list[str]:
    found = package(code=USES, cache=fresh, requirements_file=file, packaging=Packaging(**packaging))
    return [dependency.name for dependency in found.dependencies]


def lock(folder: Path, *arguments: str) -> None:
    subprocess.run([find_uv_bin(), "--quiet", "--no-python-downloads", *arguments], cwd=folder, check=True)


def write(folder: Path, name: str, text: str) -> None:
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text)


def test_pyproject_alone(tmp_path: Path, hashes: dict[str, str], package: Build, fresh: Path) -> None:
    """Its dependencies, and those of the groups and extras that are asked for; no development group."""
    write(tmp_path, "pyproject.toml", PYPROJECT)
    assert ALONE == names(package, "pyproject.toml", fresh)
    assert WITH_GROUP == names(package, "pyproject.toml", fresh, groups=("image",))
    assert ["four", *ALONE] == names(package, "pyproject.toml", fresh, extras=("fast",))


@pytest.mark.parametrize("file", ["uv.lock", "pyproject.toml"])
def test_uv_lock(tmp_path: Path, index: Index, hashes: dict[str, str], package: Build, fresh: Path, file: str) -> None:
    """What is locked, though the index has something newer by now."""
    write(tmp_path, "pyproject.toml", PYPROJECT)
    lock(tmp_path, "lock")
    wheel(index.folder, "one", {"other.py": ""}, version="2.0")
    assert ALONE == names(package, file, fresh)
    assert WITH_GROUP == names(package, file, fresh, groups=("image",))
    assert ["four", *ALONE] == names(package, file, fresh, extras=("fast",))


def test_a_member_of_a_uv_workspace(tmp_path: Path, hashes: dict[str, str], package: Build, fresh: Path) -> None:
    """A function's own pyproject.toml, one lock for all; a member that it depends on is built and comes along."""
    workspace = '[tool.uv.workspace]\nmembers = ["functions/app", "lib"]\n'
    workspace += "[tool.uv.sources]\nlib = { workspace = true }\n"
    write(tmp_path, "pyproject.toml", PYPROJECT.replace('"app"', '"all"') + workspace)
    write(tmp_path, "functions/app/pyproject.toml", PYPROJECT.replace('["one"]', '["one", "lib"]'))
    for name, text in project("lib", {"lib.py": ""}).items():
        write(tmp_path, f"lib/{name}", text)
    lock(tmp_path, "lock")
    assert ["lib", *ALONE] == names(package, "functions/app/pyproject.toml", fresh)


def test_a_lock_that_does_not_fit_its_project(
    tmp_path: Path, hashes: dict[str, str], package: Build, fresh: Path
) -> None:
    """uv takes what is locked; a group that is not in it is an error."""
    write(tmp_path, "pyproject.toml", PYPROJECT)
    lock(tmp_path, "lock")
    with pytest.raises(BuildError, match="uv.lock: .*none"):
        names(package, "uv.lock", fresh, groups=("none",))


def test_pylock(tmp_path: Path, hashes: dict[str, str], package: Build, fresh: Path) -> None:
    """https://packaging.python.org/en/latest/specifications/pylock-toml/, with its markers."""
    write(tmp_path, "pyproject.toml", PYPROJECT.replace('["one"]', '["one", "five; python_version < \'3.10\'"]'))
    lock(tmp_path, "lock")
    lock(tmp_path, "export", "--no-default-groups", "--no-emit-project", "--output-file", "pylock.app.toml")
    assert ALONE == names(package, "pylock.app.toml", fresh)


def test_a_broken_lock(tmp_path: Path, package: Build, fresh: Path) -> None:
    """The message says where."""
    write(tmp_path, "pylock.toml", "lock-version = \n")
    with pytest.raises(BuildError, match=r"pylock.toml: Invalid value \(at line 1"):
        names(package, "pylock.toml", fresh)


def test_a_hash_in_a_lock_that_does_not_match(
    tmp_path: Path, index: Index, hashes: dict[str, str], package: Build, fresh: Path
) -> None:
    """What the index serves today is not what was locked."""
    write(tmp_path, "pyproject.toml", PYPROJECT)
    lock(tmp_path, "lock")
    wheel(index.folder, "one", {"one.py": "changed"}, requires=["two"])
    with pytest.raises(BuildError, match=f"one 1.0: the file has the sha256 [0-9a-f]*, not {hashes['one']}"):
        names(package, "uv.lock", fresh)


PDM = """
[metadata]
groups = ["default", "image"]
strategy = ["inherit_metadata"]
lock_version = "4.5.0"
content_hash = "sha256:0"
[[metadata.targets]]
requires_python = ">=3.9"

[[package]]
name = "one"
version = "1.0"
groups = ["default"]
dependencies = ["two"]
files = [{{file = "one-1.0-py3-none-any.whl", hash = "sha256:{one}"}}]

[[package]]
name = "two"
version = "1.0"
groups = ["default"]
files = [{{file = "two-1.0-py3-none-any.whl", hash = "sha256:{two}"}}]

[[package]]
name = "three"
version = "1.0"
groups = ["image"]
files = [{{file = "three-1.0-py3-none-any.whl", hash = "sha256:{three}"}}]
"""


@pytest.mark.network
def test_poetry(
    tmp_path: Path, index: Index, hashes: dict[str, str], package: Build, fresh: Path,
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Through its own exporter, with its hashes; a lock that is older than its project is refused."""
    monkeypatch.setenv("POETRY_CACHE_DIR", str(tmp_path_factory.mktemp("poetry")))
    source = f'[tool.poetry]\npackage-mode = false\n[[tool.poetry.source]]\nname = "x"\nurl = "{index.url}"\n'
    write(tmp_path, "pyproject.toml", PYPROJECT + source)
    lock(tmp_path, "tool", "run", "poetry", "lock")
    check_export(tmp_path, "poetry.lock", hashes, package, fresh)
    write(tmp_path, "pyproject.toml", PYPROJECT.replace('["one"]', '["one", "five"]') + source)
    with pytest.raises(BuildError, match=r"poetry\.lock: pyproject\.toml changed significantly"):
        names(package, "poetry.lock", fresh)


@pytest.mark.network
def test_pdm(tmp_path: Path, hashes: dict[str, str], package: Build, fresh: Path) -> None:
    """Through its own exporter, with its hashes."""
    write(tmp_path, "pyproject.toml", PYPROJECT)
    write(tmp_path, "pdm.lock", PDM.format(**hashes))
    check_export(tmp_path, "pdm.lock", hashes, package, fresh)


def check_export(folder: Path, file: str, hashes: dict[str, str], package: Build, fresh: Path) -> None:
    """What is locked is taken, by its hash; nothing is written beside the lock."""
    before = sorted(path.name for path in folder.iterdir())
    assert ALONE == names(package, file, fresh)
    assert WITH_GROUP == names(package, file, fresh, groups=("image",))
    assert before == sorted({path.name for path in folder.iterdir()} - {"functions", "cache"})
    text = (folder / file).read_text()
    write(folder, file, text.replace(hashes["two"], hashes["one"]))
    with pytest.raises(BuildError, match="two 1.0: none of the files"):
        names(package, file, fresh)
    write(folder, file, text)


@pytest.mark.network
@pytest.mark.parametrize("file", ["Pipfile.lock", "Pipfile"])
def test_pipenv(
    tmp_path: Path, index: Index, hashes: dict[str, str], package: Build, fresh: Path, file: str
) -> None:
    """Its default packages, and those of the categories that are named as groups; none from version control."""
    locked: dict[str, Any] = {
        "_meta": {"sources": [{"name": "x", "url": index.url, "verify_ssl": False}], "requires": {}, "pipfile-spec": 6},
        "default": {name: {"version": "==1.0", "hashes": [f"sha256:{hashes[name]}"]} for name in ALONE},
        "image": {"three": {"version": "==1.0", "hashes": [f"sha256:{hashes['three']}"]}},
        "develop": {"five": {"version": "==1.0", "hashes": [f"sha256:{hashes['five']}"]}},
    }
    write(tmp_path, "Pipfile.lock", json.dumps(locked))
    source = f'[[source]]\nname = "x"\nurl = "{index.url}"\n'
    write(tmp_path, "Pipfile", f'{source}[packages]\none = "*"\n[image]\nthree = "*"\n')
    assert ALONE == names(package, file, fresh)
    assert WITH_GROUP == names(package, file, fresh, groups=("image",))
    locked["default"]["one"] = {"git": "https://host.example/one", "ref": "1f3a" * 10}
    write(tmp_path, "Pipfile.lock", json.dumps(locked))
    with pytest.raises(BuildError, match="^Pipfile.lock: required from version control"):
        names(package, file, fresh)
