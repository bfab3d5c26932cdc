"""Which files of the repository are in a package."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from ci.build.sources import Excluded, Source, collect
from ci.errors import BuildError
from ci.model import Function, fits


def function(*include: str, exclude: tuple[str, ...] = ()) -> Function:
    return Function(
        "echo", "echo", {}, {}, Path("functions/echo"), include=tuple(map(Path, include)), exclude=exclude
    )


def lay(root: Path, *paths: str) -> None:
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(path)


def paths(found: tuple[Source, ...]) -> list[str]:
    return [source.path for source in found]


def test_the_source_is_the_root_and_includes_keep_their_names(tmp_path: Path) -> None:
    """``from shared.greeting import greet`` works in Lambda as it does beside the function."""
    lay(tmp_path, "functions/echo/echo.py", "functions/echo/a/b.py", "functions/shared/greeting.py", "etc/one.json")
    found = collect(function("functions/shared", "etc/one.json"), tmp_path)
    assert ["a/b.py", "echo.py", "one.json", "shared/greeting.py"] == paths(found)
    assert "functions/shared/greeting.py" == found[-1].shown


def test_what_never_belongs_in_is_left_out(tmp_path: Path) -> None:
    """Bytecode, caches, environments and version control; nothing else is guessed."""
    lay(
        tmp_path, *(f"functions/echo/{path}" for path in (
            "echo.py", "__pycache__/echo.cpython-313.pyc", "old.pyc", ".git/HEAD", ".venv/bin/python", ".gitignore",
            "sub/.mypy_cache/x", "sub/.DS_Store", "tests/test_echo.py", "data.csv", ".config",
        ))
    )
    assert [".config", "data.csv", "echo.py", "tests/test_echo.py"] == paths(collect(function(), tmp_path))


def test_the_requirements_stay_out(tmp_path: Path) -> None:
    """Also when they are reached through a link."""
    lay(tmp_path, "functions/echo/echo.py", "functions/echo/requirements.txt", "base.txt")
    (tmp_path / "functions/echo/base.txt").symlink_to("../../base.txt")
    left_out = [tmp_path / "functions/echo/requirements.txt", tmp_path / "base.txt"]
    assert ["echo.py"] == paths(collect(function(), tmp_path, left_out))


@pytest.mark.parametrize(("mode", "expected"), [(0o600, 0o644), (0o664, 0o644), (0o700, 0o755), (0o654, 0o644)])
def test_modes_are_one_of_two(tmp_path: Path, mode: int, expected: int) -> None:
    """Only whether the owner may execute it counts, as in git: the umask of a checkout does not."""
    lay(tmp_path, "functions/echo/run")
    (tmp_path / "functions/echo/run").chmod(mode)
    assert [expected] == [source.mode for source in collect(function(), tmp_path)]


def test_links_inside_the_repository_are_followed(tmp_path: Path) -> None:
    """To a file and to a folder, also when the repository itself is reached through a link."""
    lay(tmp_path, "real/functions/echo/echo.py", "real/lib/a.py", "real/one.py")
    (tmp_path / "real/functions/echo/lib").symlink_to("../../lib")
    (tmp_path / "real/functions/echo/two.py").symlink_to("../../one.py")
    (tmp_path / "link").symlink_to("real")
    assert ["echo.py", "lib/a.py", "two.py"] == paths(collect(function(), tmp_path / "link"))


def outside(root: Path) -> None:
    (root.parent / "secret").write_text("x")
    (root / "functions/echo/link").symlink_to(root.parent / "secret")


def beside(root: Path) -> None:
    """A folder whose name begins as the repository's is not in it."""
    (root.parent / f"{root.name}-other").mkdir()
    (root / "functions/echo/link").symlink_to(root.parent / f"{root.name}-other")


def nowhere(root: Path) -> None:
    (root / "functions/echo/link").symlink_to("missing")


def around(root: Path) -> None:
    (root / "functions/echo/link").symlink_to("..")


def pipe(root: Path) -> None:
    os.mkfifo(root / "functions/echo/link")


def latin(root: Path) -> None:
    with open(os.fsencode(root / "functions/echo") + b"/link\xe9", "w"):
        pass


def line(root: Path) -> None:
    (root / "functions/echo/li\nne").touch()


def backslash(root: Path) -> None:
    (root / "functions/echo/li\\ne").touch()


@pytest.mark.parametrize(
    ("spoil", "expected"),
    [
        (outside, "functions/echo/link is a symbolic link that leads outside the repository"),
        (beside, "functions/echo/link is a symbolic link that leads outside the repository"),
        (nowhere, "functions/echo/link leads nowhere"),
        (around, "functions/echo/link/echo is a symbolic link to a folder that it is in"),
        (pipe, "functions/echo/link is neither a file nor a folder"),
        (line, r"functions/echo has a file whose name no package can hold, 'li\nne'"),
        (backslash, r"functions/echo has a file whose name no package can hold, 'li\\ne'"),
        (latin, r"functions/echo has a file whose name is not UTF-8, 'link\udce9'"),
    ],
)
def test_what_cannot_be_packaged(tmp_path: Path, spoil: Callable[[Path], None], expected: str) -> None:
    """The message names the function and the file; nothing is skipped silently."""
    root = tmp_path / "repository"
    lay(root, "functions/echo/echo.py")
    spoil(root)
    with pytest.raises(BuildError) as raised:
        collect(function(), root)
    assert f"function echo: {expected}" == raised.value.message
    assert raised.value.hint


@pytest.mark.parametrize("spoil", [outside, beside, nowhere, around, pipe])
def test_what_cannot_be_packaged_and_is_not_to_be(tmp_path: Path, spoil: Callable[[Path], None]) -> None:
    """An environment whose links lead to the host's Python, say: excluded, it is in nobody's way."""
    root = tmp_path / "repository"
    lay(root, "functions/echo/echo.py")
    spoil(root)
    assert ["echo.py"] == paths(collect(function(exclude=("/link/",) if spoil is beside else ("link",)), root))
    with pytest.raises(BuildError):
        collect(function(exclude=("link", "!link")), root)


def test_names_in_other_scripts(tmp_path: Path) -> None:
    """And the narrow space that a Mac puts into the names of screenshots: what is built can be read back."""
    name = "functions/echo/gr\u00fc\u00dfe \u65e5\u672c 3.00\u202fPM.png"
    lay(tmp_path, name)
    [source] = collect(function(), tmp_path)
    assert name.endswith(source.path) and fits(source.path)


def test_two_files_with_one_path(tmp_path: Path) -> None:
    """The message names both."""
    lay(tmp_path, "functions/echo/shared/greeting.py", "functions/shared/greeting.py")
    with pytest.raises(BuildError) as raised:
        collect(function("functions/shared"), tmp_path)
    assert (
        "function echo: functions/echo/shared/greeting.py and functions/shared/greeting.py "
        "would both be shared/greeting.py in the package"
    ) == raised.value.message


def test_patterns_are_those_of_gitignore() -> None:
    """Over the paths of the package; no pattern, nothing excluded."""
    excluded = Excluded(("tests/", "*.md", "!keep.md", "/docs"))
    cases = ["tests/a.py", "a/tests/b.py", "README.md", "keep.md", "docs/x", "a/docs/x", "echo.py"]
    assert ["tests/a.py", "a/tests/b.py", "README.md", "docs/x"] == [path for path in cases if excluded(path)]
    assert not Excluded(())("tests/a.py")
