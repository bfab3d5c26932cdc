"""Builds that are killed, stopped, run out of disk or meet each other: the cache is never half of anything."""

from __future__ import annotations

import hashlib
import os
import resource
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from .index import Index, wheel

SCRIPT = textwrap.dedent("""
    import pathlib, resource, sys
    from ci import build
    from ci.errors import BuildError
    from ci.model import Function, Pipeline
    root, cache = map(pathlib.Path, sys.argv[1:3])
    if sys.argv[3:]:
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[3]), -1))
    settings = {"Handler": "app.handle", "Runtime": "python3.13", "Architectures": ["x86_64"]}
    one = Function("app", "app", settings, {}, pathlib.Path("app"), requirements=pathlib.Path("requirements.txt"))
    try:
        print(build.build(Pipeline(root, "p", None, {}, {"app": one}), [one], cache, print)["app"].code_sha256)
    except BuildError as error:
        sys.exit(f"{error.message} | {error.hint}")
""")


@pytest.fixture
def project(tmp_path: Path, index: Index) -> Path:
    """A function that requires five wheels of 300 kB that do not compress."""
    folder = tmp_path / "project"
    (folder / "app").mkdir(parents=True)
    (folder / "app/app.py").write_text("def handle(event, context): ...\n")
    names = [f"part{number}" for number in range(5)]
    for name in names:
        wheel(index.folder, name, {f"{name}.bin": hashlib.shake_256(name.encode()).digest(300_000)})
    (folder / "requirements.txt").write_text("\n".join(names))
    return folder


def start(project: Path, cache: Path, root: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", SCRIPT, project, cache, *arguments], env={**os.environ, "PYTHONPATH": str(root)},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )


def finish(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    out, errors = process.communicate(timeout=60)
    return process.returncode, out.splitlines()[-1] if out else "", errors


def check_cache(cache: Path) -> None:
    """Every wheel is what its name says."""
    for path in (cache / "wheels").glob("*.whl"):
        assert path.stem == hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
@pytest.mark.parametrize("after", ["resolving", "fetching part1", "fetching part4"])
def test_a_build_that_is_ended(
    project: Path, index: Index, fresh: Path, root: Path, number: signal.Signals, after: str
) -> None:
    """At any moment: what it left in the cache is whole, and the next build finishes and is right."""
    index.slow = 0.05
    process = start(project, fresh, root)
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith(after):
            break
    process.send_signal(number)
    process.communicate(timeout=30)
    assert 0 != process.returncode
    check_cache(fresh)
    assert not list((fresh / "packages").glob("*"))
    index.slow = 0
    status, digest, errors = finish(start(project, fresh, root))
    assert (0, "") == (status, errors)
    assert digest == finish(start(project, fresh / "other", root))[1]
    check_cache(fresh)


def test_two_builds_at_once(project: Path, index: Index, fresh: Path, root: Path) -> None:
    """Both finish, with the same bytes, whoever was first at which file."""
    index.slow = 0.01
    both = [start(project, fresh, root), start(project, fresh, root)]
    results = [finish(process) for process in both]
    assert [(0, ""), (0, "")] == [(status, errors) for status, _, errors in results]
    assert 1 == len({digest for _, digest, _ in results})
    check_cache(fresh)


@pytest.mark.skipif(not hasattr(resource, "RLIMIT_FSIZE"), reason="no limit on file sizes here")
@pytest.mark.parametrize("limit", [100_000, 1_000_000], ids=["wheel", "package"])
def test_a_disk_that_is_full(project: Path, fresh: Path, root: Path, limit: int) -> None:
    """One clear message, and nothing half written: neither a wheel nor the package. A file size limit stands in."""
    status, _, errors = finish(start(project, fresh, root, str(limit)))
    assert 1 == status
    assert "File too large | check the disk" in errors
    assert "Traceback" not in errors
    check_cache(fresh)
    assert not list((fresh / "packages").glob("*"))
    assert 0 == finish(start(project, fresh, root))[0]


def test_what_a_killed_build_left_is_swept(project: Path, fresh: Path, root: Path) -> None:
    """A day later."""
    for name, age in (("old", 25 * 3600), ("young", 3600)):
        left = fresh / "tmp" / name
        left.mkdir(parents=True)
        (left / "half.whl").write_bytes(b"half")
        os.utime(left, (time.time() - age, time.time() - age))
    assert 0 == finish(start(project, fresh, root))[0]
    assert ["young"] == [path.name for path in (fresh / "tmp").iterdir()]
