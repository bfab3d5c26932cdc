"""What the project installs is pinned to the byte, and installs from any index."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from packaging.requirements import Requirement

FILES = ("requirements.txt", "requirements-local.txt", "requirements-dev.txt", "functions/thumbnail/requirements.txt")


def pins(file: Path) -> dict[str, str]:
    """Requirement -> its hashes."""
    text = re.sub(r"^\s*#.*\n", "", file.read_text(), flags=re.MULTILINE).replace("\\\n", " ")
    return {line.partition("--hash")[0].strip(): line for line in text.splitlines()}


@pytest.mark.parametrize("name", FILES)
def test_every_requirement_is_one_version_with_hashes(name: str, root: Path) -> None:
    """``==`` and sha256, for every entry."""
    found = pins(root / name)
    assert found
    for requirement, line in found.items():
        assert ["=="] == [specifier.operator for specifier in Requirement(requirement).specifier]
        assert re.search(r"--hash=sha256:[0-9a-f]{64}", line), requirement


@pytest.mark.parametrize("name", FILES)
def test_no_place_is_named(name: str, root: Path) -> None:
    """No index, address or path: where packages come from is the machine's own configuration."""
    text = (root / name).read_text()
    assert [] == re.findall(r"\S*(?:://|--(?:index|extra-index|find-links|trusted)|@ ).*", text)


@pytest.mark.parametrize("name", FILES)
def test_the_files_agree(name: str, root: Path) -> None:
    """What one installs the next does not replace: each is part of requirements-dev.txt, apart from markers."""
    everything = {(Requirement(pin).name, str(Requirement(pin).specifier)) for pin in pins(root / FILES[2])}
    assert {(Requirement(pin).name, str(Requirement(pin).specifier)) for pin in pins(root / name)} <= everything


def test_what_the_project_needs_is_pinned(root: Path) -> None:
    """pyproject.toml and the pins are of one date: ``make lock`` ran after the last change."""
    import tomllib

    project = tomllib.loads((root / "pyproject.toml").read_text())
    pinned = {Requirement(pin).name: Requirement(pin).specifier for pin in pins(root / FILES[2])}
    wanted = [
        *project["project"]["dependencies"],
        *project["project"]["optional-dependencies"]["local"],
        *(entry for group in project["dependency-groups"].values() for entry in group if isinstance(entry, str)),
    ]
    for requirement in map(Requirement, wanted):
        version = next(iter(pinned[requirement.name])).version
        assert requirement.specifier.contains(version), requirement
