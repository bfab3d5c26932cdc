"""What was decompressed to be hashed is not decompressed again to be imported."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ci.build import archive, tree, wheel
from ci.build.shelf import Shelf
from tests.build import index


@pytest.mark.parametrize("there", [True, False])
def test_a_tree_of_links(tmp_path: Path, there: bool) -> None:
    """Files that are still on the shelf are linked; the others are written. Both are what the wheel holds."""
    files = {"one/__init__.py": "x = 1", "one/again.py": "x = 1", "one/empty.py": "", "one/large.bin": "0123" * 99_999}
    folder = tmp_path / "shelf"
    shelf = Shelf(folder)
    read = wheel.read(index.wheel(tmp_path, "one", files), "one", shelf)
    package = {entry.file.path: entry for entry in read.entries}
    laid = {(path.stat().st_ino, path.stat().st_dev) for path in folder.rglob("one*")}
    if not there:
        for path in folder.rglob("one*"):
            path.unlink()
    tree.lay(package, tmp_path / "tree", shelf)
    for path, entry in package.items():
        found = tmp_path / "tree" / path
        assert archive.content(entry) == found.read_bytes()
        assert entry.file.mode & 0o111 == found.stat().st_mode & 0o111
        assert there == ((found.stat().st_ino, os.stat(found).st_dev) in laid and found.stat().st_nlink > 1)
