"""Files from others, fuzzed with a fixed budget: each is taken or refused, in bounded time and memory, never a bug.

``HYPOTHESIS_PROFILE=soak pytest tests/unit/test_foreign.py`` looks further.
"""

from __future__ import annotations

import base64
import contextlib
import copy
import hashlib
import io
import json
import os
import struct
import time
import tracemalloc
import unicodedata
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given as for_all, strategies as st

from ci import approved, content, foreign
from ci.build import folder
from ci.errors import Refused, UsageError
from ci.model.live import Live
from ci.plan import deploy
from ci.plan.plan import Plan
from ci.release import Release, Released, from_json, to_json
from ci.render import data
from ci.render.escape import plain
from tests.unit import given

ECHO = given.function()
MEMORY, TIME = 80_000_000, 10.0
"""Bytes and seconds that a file from elsewhere may cost, on a busy machine."""

TREES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.sampled_from(["1", "\x1b[2J"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
NAMES = st.sampled_from(
    [
        *("main.py", "../up.py", "a/../../up.py", "/etc/passwd", "C:\\up", "a\\b", "a//b", "./a", "x\x00y"),
        *("\x1b[2J", "a\nb", "\u202eyp.niam", "\udcff", "folder/", "", "a" * 300),
    ]
) | st.text(max_size=12)
MODES = st.sampled_from([0o100644, 0o120777, 0o040755, 0o020666, 0o010644, 0o104755, 0, 0o777])
METHODS = st.sampled_from([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])


@contextlib.contextmanager
def bounded() -> Iterator[None]:
    """Neither much memory nor much time."""
    tracemalloc.start()
    start = time.monotonic()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < MEMORY
        assert time.monotonic() - start < TIME
    finally:
        tracemalloc.stop()


def refused_or_taken(work: Callable[[], Any]) -> Any:
    """What ``work`` gives; a refusal carries exit code 2 and a message that does nothing to a terminal."""
    try:
        return work()
    except UsageError as error:
        assert 2 == error.exit_code
        assert plain(error.message)
    return None


def spoiled(draw: Callable[..., Any], tree: Any) -> Any:
    """``tree`` with one of its values replaced, removed or joined by another."""
    tree = copy.deepcopy(tree)
    holder, key = {"": tree}, ""
    while isinstance(holder[key], (dict, list)) and holder[key] and draw(st.integers(0, 4)):
        holder = holder[key]
        key = draw(st.sampled_from(sorted(holder) if isinstance(holder, dict) else range(len(holder))))
    what = draw(st.sampled_from(["replace", "remove", "add"]))
    if what == "remove":
        del holder[key]
    elif what == "add" and isinstance(holder, dict):
        holder[draw(st.text(max_size=8))] = draw(TREES)
    else:
        holder[key] = draw(TREES)
    return holder.get("", tree) if holder is not tree and "" in holder and len(holder) == 1 else tree


# ---------------------------------------------------------------- zips


@st.composite
def zips(draw: st.DrawFn) -> bytes:
    """A zip of odd entries, some bytes of it changed, cut off or put in."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for _ in range(draw(st.integers(0, 3))):
            entry = zipfile.ZipInfo(draw(NAMES))
            entry.external_attr = draw(MODES) << 16
            entry.compress_type = draw(METHODS)
            with contextlib.suppress(UnicodeEncodeError):
                archive.writestr(entry, draw(st.binary(max_size=60)) * draw(st.sampled_from([1, 100])))
    made = bytearray(buffer.getvalue())
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, max(0, len(made) - 1)))
        match draw(st.sampled_from(["flip", "cut", "insert"])):
            case "flip" if made:
                made[at] ^= draw(st.integers(1, 255))
            case "cut":
                del made[at:at + draw(st.integers(1, 8))]
            case _:
                made[at:at] = draw(st.binary(max_size=8))
    return bytes(made)


@pytest.mark.filterwarnings("ignore:Duplicate name")
@for_all(zipped=zips())
def test_any_zip(zipped: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    """A package has plain files within it, each once, whose digests are those of its bytes; all else is refused."""
    path = tmp_path_factory.getbasetemp() / "any.zip"
    path.write_bytes(zipped)
    found = refused_or_taken(lambda: folder.read(path, ECHO))
    if found:
        paths = [file.path for file in found.files]
        assert len(set(paths)) == len(paths)
        assert all(".." not in path.split("/") and not path.startswith("/") for path in paths)
        assert not {unicodedata.category(letter) for path in paths for letter in path} & {"Cc", "Cf", "Cs", "Zl", "Zp"}
        with zipfile.ZipFile(io.BytesIO(zipped)) as archive:
            assert {hashlib.sha256(archive.read(name)).hexdigest() for name in archive.namelist()} == {
                file.sha256 for file in found.files
            }


def zeros(size: int, said: int | None = None, method: int = 8) -> bytes:
    """A zip with one file of ``size`` zeros, whose directory says that there are ``said``."""
    packer = zlib.compressobj(1, zlib.DEFLATED, -15)
    body = b"".join(packer.compress(b"\0" * (1 << 20)) for _ in range(size >> 20)) + packer.flush()
    return assembled([(b"main.py", body, size if said is None else said, method)])


def assembled(entries: list[tuple[bytes, bytes, int, int]], at: int | None = None) -> bytes:
    """A zip from names, bodies, sizes and methods; with ``at``, every entry of the directory points there."""
    out, directory = io.BytesIO(), io.BytesIO()
    for name, body, size, method in entries:
        offset = out.tell() if at is None else at
        fields = struct.pack("<HHHHHLLLHH", 20, 0, method, 0, 0x21, 0, len(body), size, len(name), 0)
        if at is None or out.tell() == 0:
            out.write(b"PK\x03\x04" + fields + name + body)
        directory.write(b"PK\x01\x02\x14\x03" + fields + struct.pack("<HHHLL", 0, 0, 0, 0o100644 << 16, offset) + name)
    count = min(len(entries), 0xFFFF)
    end = struct.pack("<4sHHHHLLH", b"PK\x05\x06", 0, 0, count, count, directory.tell(), out.tell(), 0)
    return out.getvalue() + directory.getvalue() + end


BOMBS: dict[str, Callable[[], bytes]] = {
    "300 MB of zeros": lambda: zeros(300 << 20),
    "64 MB that are said to be 10 bytes": lambda: zeros(64 << 20, 10),
    "many that are one": lambda: assembled([(b"f%d" % n, b"\x4b\x04\x00", 1 << 20, 8) for n in range(4000)], at=0),
    "400,000 entries": lambda: assembled([(b"", b"", 0, 0)] * 400_000, at=0),
    "LZMA that wants 4 GB": lambda: assembled([(b"f", b"\x09\x04\x05\x00\x5d\xff\xff\xff\xff" + b"\0" * 50, 9, 14)]),
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_bombs(bomb: str, tmp_path: Path) -> None:
    """Refused before they cost anything."""
    path = tmp_path / "echo.zip"
    path.write_bytes(BOMBS[bomb]())
    with bounded(), pytest.raises(UsageError, match="echo.zip: "):
        folder.read(path, ECHO)


def test_what_a_zip_holds_is_not_held_unpacked() -> None:
    """100 MB of zeros may be in a package; they pass through."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        with archive.open("main.py", "w") as stream:
            for _ in range(100):
                stream.write(b"\0" * (1 << 20))
    with bounded():
        (file,) = content.read(buffer.getvalue())
    assert 100 << 20 == file.size


# ---------------------------------------------------------------- a folder of packages


PACKED = assembled([(b"main.py", b"", 0, 0)])


def manifest() -> dict[str, Any]:
    entry = {
        "digest": content.digest(content.read(PACKED)),
        "code_sha256": base64.b64encode(hashlib.sha256(PACKED).digest()).decode(),
        "dependencies": [{"name": "six", "version": "1.17.0", "origin": "wheel"}],
    }
    return {"format": 1, "packages": {"echo": entry}}


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("dist")
    (made / "echo.zip").write_bytes(PACKED)
    (made / folder.MANIFEST).write_text(json.dumps(manifest()))
    assert {"echo"} == folder.load(made, [ECHO]).keys()
    return made


@for_all(drawn=st.data())
def test_any_manifest(drawn: st.DataObject, dist: Path) -> None:
    """What is taken is the package that lies there, whatever else the manifest says."""
    (dist / folder.MANIFEST).write_text(json.dumps(spoiled(drawn.draw, manifest())))
    found = refused_or_taken(lambda: folder.load(dist, [ECHO]))
    if found:
        assert content.digest(content.read(PACKED)) == found["echo"].digest


@pytest.mark.parametrize("name", ["echo.zip", folder.MANIFEST])
@pytest.mark.parametrize("to", ["/etc/passwd", "/dev/zero", "nowhere", "echo.zip"])
def test_links_are_not_followed(name: str, to: str, tmp_path: Path) -> None:
    """Whatever is linked into an artifact, nothing outside of it is read."""
    (tmp_path / "echo.zip").write_bytes(PACKED)
    (tmp_path / folder.MANIFEST).write_text(json.dumps(manifest()))
    (tmp_path / name).unlink()
    (tmp_path / name).symlink_to(to)
    with bounded(), pytest.raises(UsageError):
        folder.load(tmp_path, [ECHO])


# ---------------------------------------------------------------- plan.json and release.json


def a_plan() -> Plan:
    package = given.package({"main.py": "1"})
    nothing: Live = given.live({"echo": None})
    return deploy.deploy(given.TEST, given.REGION, [ECHO], {"echo": package}, nothing, given.origin())


@for_all(drawn=st.data(), honest=st.booleans())
def test_any_plan(drawn: st.DataObject, honest: bool) -> None:
    """Only a plan that does the same is let through, also when somebody made its digest fit."""
    plan = a_plan()
    written = spoiled(drawn.draw, data.plan(plan))
    if not honest:
        with contextlib.suppress(Exception):
            written["digest"] = data.digest_of(written)
    try:
        approved.check(plan, json.dumps(written), "plan.json")
        assert data.digest_of(written) == data.digest(plan)
    except (UsageError, Refused) as error:
        assert plain(error.message)


@for_all(drawn=st.data())
def test_any_release(drawn: st.DataObject) -> None:
    """What is taken has the shape of a release, in every field, and is written as it was read."""
    functions = {"echo": Released("7", "d", "c")}
    released = Release("r", "test", given.COMMIT, "1", given.origin().at, functions)
    text = json.dumps(spoiled(drawn.draw, json.loads(to_json(released))))
    found = refused_or_taken(lambda: from_json(text, "release.json"))
    if found:
        assert found == from_json(to_json(found), "release.json")
        assert all(version.version.isdecimal() for version in found.functions.values())


HOSTILE = {
    "deep": "[" * 200_000,
    "deep objects": '{"a":' * 100_000,
    "a long number": "9" * 1_000_000,
    "a string cut off": '"' + "a" * 1_000_000,
    "not a number": '{"format": NaN}',
    "nothing": "",
}


@pytest.mark.parametrize("what", HOSTILE)
def test_hostile_json(what: str, tmp_path: Path) -> None:
    """Deep, long or broken: as a plan, as a release, as a manifest."""
    (tmp_path / folder.MANIFEST).write_text(HOSTILE[what])
    for read in (
        lambda: approved.check(a_plan(), HOSTILE[what], "plan.json"),
        lambda: from_json(HOSTILE[what], "release.json"),
        lambda: folder.load(tmp_path, [ECHO]),
    ):
        with bounded(), pytest.raises(UsageError):
            read()


@pytest.mark.parametrize("size", ["endless", "too large", "no text", "a folder", "missing"])
def test_files_that_are_not_read(size: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """At most so much is read, however much there is."""
    monkeypatch.setattr(foreign, "LIMIT", 1_000_000)
    file = tmp_path / "release.json"
    if size == "endless":
        file.symlink_to("/dev/zero")
    elif size == "too large":
        with file.open("wb") as stream:
            os.truncate(stream.fileno(), 1 << 40)
    elif size == "no text":
        file.write_bytes(b"\xff")
    elif size == "a folder":
        file.mkdir()
    with bounded(), pytest.raises(UsageError, match="release.json: "):
        foreign.text(file)
