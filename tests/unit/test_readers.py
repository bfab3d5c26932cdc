"""Wheels are read by several processes as one reads them alone."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from ci.build import store, wheel
from tests.build import index

SCRIPT = textwrap.dedent("""
    import os, pathlib, resource, signal, sys
    from ci.build.readers import Readers
    from ci.build.shelf import Shelf
    from ci.errors import BuildError
    path, folder, fault = sys.argv[1:]
    if fault == "full":
        resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, -1))
    with Readers(Shelf(pathlib.Path(folder))) as readers:
        readers.begin()
        children = pathlib.Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
        if fault == "killed":
            for child in children:
                os.kill(int(child), signal.SIGKILL)
        try:
            parts = readers.read(pathlib.Path(path), "the wheel")
            print(f"[{b','.join(parts).decode()}]")
        except (BuildError, OSError) as error:
            print(error)
    print(len(children), *(child for child in children if pathlib.Path("/proc", child).exists()))
""")
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="there are no forks")
PROCESSES = min(4, os.cpu_count() or 1)
LARGE: index.Files = {
    f"one/{number}.bin": hashlib.shake_256(bytes([number])).digest(number * 70_000) for number in range(14)
}


def read(path: Path, folder: Path, fault: str = "") -> list[str]:
    """What is printed by a process that has no threads."""
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, path, folder, fault], env={**os.environ, "PYTHONPATH": str(root)},
        capture_output=True, text=True, check=True, timeout=60,
    )
    assert "" == done.stderr
    said = done.stdout.splitlines()
    assert [str(PROCESSES)] == said[1:], "all have ended"
    return said


@pytest.mark.parametrize(("files", "parts"), [({"one/__init__.py": "x = 1"}, 1), (LARGE, PROCESSES)])
def test_in_parts(tmp_path: Path, files: index.Files, parts: int) -> None:
    """A large wheel is read by all of them, each a part; put together it is the wheel, and its files are there."""
    path = index.wheel(tmp_path, "one", files)
    dumped = read(path, tmp_path / "shelf")[0]
    assert parts == len(json.loads(dumped))
    whole = store.parse(dumped.encode(), path)
    assert wheel.read(path, "one") == whole
    laid = {file.name: file for file in (tmp_path / "shelf").rglob(f"{path.name}-*")}
    assert {f"{path.name}-{entry.offset}": entry.file.sha256 for entry in whole.entries} == {
        name: hashlib.sha256(file.read_bytes()).hexdigest() for name, file in laid.items()
    }


def test_damaged(tmp_path: Path) -> None:
    """What is no wheel is said by whoever reads it, and told by whoever asked."""
    path = index.wheel(tmp_path, "one", LARGE)
    path.write_bytes(path.read_bytes().replace(LARGE["one/9.bin"][9000:9100], bytes(100)))
    assert "the wheel: not a wheel that can be read: Bad CRC-32 for file 'one/9.bin'" == read(path, tmp_path)[0]


def test_no_room(tmp_path: Path) -> None:
    """What the disk said is told."""
    assert "[Errno 27] File too large" == read(index.wheel(tmp_path, "one", LARGE), tmp_path / "shelf", "full")[0]


def test_killed(tmp_path: Path) -> None:
    """Whoever killed them: it is told what they were needed for."""
    assert "the wheel: what read it has ended" == read(index.wheel(tmp_path, "one"), tmp_path / "shelf", "killed")[0]
