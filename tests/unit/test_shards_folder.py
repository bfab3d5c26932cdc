"""What the jobs of a matrix leave, each in a folder of its own, read as one build."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from ci import build
from ci.build import folder, shards
from ci.errors import UsageError
from ci.model import Function, Pipeline

SETTINGS = {"Handler": "main.handle", "Runtime": "python3.13", "Architectures": ["x86_64"]}
FUNCTIONS = [Function(name, name, SETTINGS, {}, Path(name)) for name in ("one", "two", "three")]


@pytest.fixture
def collected(tmp_path: Path) -> Path:
    """Three functions, built by two jobs."""
    for function in FUNCTIONS:
        (tmp_path / function.source).mkdir()
        text = f"def handle(event, context):\n    return {function.name!r}\n"
        (tmp_path / function.source / "main.py").write_text(text)
    pipeline = Pipeline(tmp_path, "test", None, {}, {each.name: each for each in FUNCTIONS})
    for number in (1, 2):
        built = build.build(pipeline, shards.part(FUNCTIONS, f"{number}/2"), tmp_path / ".dollop")
        folder.save(built.values(), tmp_path / "dist" / f"packages-{number}")
    return tmp_path / "dist"


def test_the_parts_are_the_whole(collected: Path) -> None:
    """Every function's package is found, in whichever folder it is."""
    found = folder.load(collected, FUNCTIONS)
    assert {
        "one": collected / "packages-1/one.zip",
        "two": collected / "packages-2/two.zip",
        "three": collected / "packages-1/three.zip",
    } == {name: package.path for name, package in found.items()}


def test_the_same_package_twice_is_one(collected: Path) -> None:
    """Two jobs that built the same do not contradict each other."""
    shutil.copytree(collected / "packages-1", collected / "packages-3")
    assert {"one", "two", "three"} == folder.load(collected, FUNCTIONS).keys()


def another(dist: Path) -> None:
    """A second package `one`, whole in itself."""
    shutil.copytree(dist / "packages-2", dist / "packages-3")
    (dist / "packages-3/two.zip").rename(dist / "packages-3/one.zip")
    manifest = dist / "packages-3" / folder.MANIFEST
    manifest.write_text(manifest.read_text().replace('"two"', '"one"'))


def elsewhere(dist: Path) -> None:
    """A part that lies outside of the artifact."""
    (dist / "packages-2").rename(dist.parent / "outside")
    (dist / "packages-2").symlink_to(dist.parent / "outside")


def linked(dist: Path) -> None:
    """A manifest that lies outside of the artifact."""
    manifest = dist / "packages-2" / folder.MANIFEST
    manifest.rename(dist.parent / "outside")
    manifest.symlink_to(dist.parent / "outside")


def swapped(dist: Path) -> None:
    """A package in place of another."""
    shutil.copy(dist / "packages-1/one.zip", dist / "packages-2/two.zip")


def moved(dist: Path) -> None:
    """A package beside a manifest that does not name it."""
    (dist / "packages-2/two.zip").rename(dist / "packages-1/two.zip")


def very_many(dist: Path) -> None:
    """More parts than a matrix has jobs."""
    for number in range(shards.JOBS_LIMIT):
        (dist / f"more-{number}").mkdir()
        (dist / f"more-{number}" / folder.MANIFEST).write_text(json.dumps({"format": 1, "packages": {}}))


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (another, r"packages-3/manifest\.json: one is another package in .*packages-1/manifest\.json"),
        (elsewhere, r"dist: no manifest\.json in it names two"),
        (linked, r"packages-2/manifest\.json: not a manifest of packages: it is a link"),
        (swapped, r"packages-2/two\.zip: not the package that manifest\.json promises"),
        (moved, r"packages-2/two\.zip: cannot be read"),
        (very_many, "258 manifests are more than the 256 jobs of a matrix"),
        (shutil.rmtree, r"dist/manifest\.json: there is no such file"),
    ],
)
def test_what_cannot_be_one_build_is_refused(collected: Path, spoil: Callable[[Path], None], why: str) -> None:
    """Nothing is chosen where two parts differ, and nothing is read outside of the folder."""
    spoil(collected)
    with pytest.raises(UsageError, match=why):
        folder.load(collected, FUNCTIONS)


def test_a_manifest_of_the_folder_itself_is_the_only_one(collected: Path) -> None:
    """What another build has left in folders below is not looked at."""
    another(collected)
    found = folder.load(collected / "packages-1", FUNCTIONS[:1])
    folder.save(found.values(), collected)
    assert collected / "one.zip" == folder.load(collected, FUNCTIONS[:1])["one"].path
