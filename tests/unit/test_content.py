"""What is in a zip: read off its directory, or whole; one digest over it."""

from __future__ import annotations

import hashlib
import io
import zipfile
from dataclasses import replace

import pytest

from ci import content
from ci.build import archive


@pytest.mark.parametrize(
    ("path", "mode", "data"), [("b", 0o644, b"x"), ("a", 0o755, b"x"), ("a", 0o644, b"y")], ids=str
)
def test_the_digest_sees_path_mode_and_content(path: str, mode: int, data: bytes) -> None:
    """A change of any of the three is another digest."""
    assert content.digest([archive.compress("a", 0o644, b"x").file]) != content.digest(
        [archive.compress(path, mode, data).file]
    )


def test_the_digest_is_short_enough_for_a_description() -> None:
    """43 characters of base64url, for no files as for many; the order does not matter."""
    files = [archive.compress(name, 0o644, name.encode()).file for name in "abc"]
    assert content.digest(files) == content.digest(reversed(files))
    assert [43, 43] == [len(content.digest(files)), len(content.digest([]))]


def zipped(*entries: tuple[str, int, bytes]) -> bytes:
    """A zip of (name, mode with the file's type, content)."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as opened:
        for name, mode, data in entries:
            entry = zipfile.ZipInfo(name)
            entry.external_attr = mode << 16
            opened.writestr(entry, data)
    return stream.getvalue()


def test_a_zip_is_read_whole_or_off_its_directory() -> None:
    """The same files either way; only what was unpacked has a hash. The directory's end is enough."""
    data = zipped(("b/a.py", 0o100755, b"x" * 5000), ("a.py", 0o644, b"y"))
    files = content.read(data)
    assert [("a.py", 0o644, 1), ("b/a.py", 0o755, 5000)] == [(file.path, file.mode, file.size) for file in files]
    assert hashlib.sha256(b"y").hexdigest() == files[0].sha256
    assert tuple(replace(file, sha256="") for file in files) == content.listed(data[-2000:])


def test_folders_are_passed_over_only_when_that_is_asked() -> None:
    """Other tools' zips may name them; ours never do, and one that was slipped in would be no part of the digest."""
    data = zipped(("a/", 0o040755, b""), ("a/b", 0o644, b"x"))
    assert ["a/b"] == [file.path for file in content.read(data, folders=True)]
    with pytest.raises(ValueError, match="'a/' is not a plain file"):
        content.read(data)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        pytest.param(zipped(("../a", 0o644, b"")), "not a path inside", id="leaves the package"),
        pytest.param(zipped(("a/../../b", 0o644, b"")), "not a path inside", id="leaves it later"),
        pytest.param(zipped(("/a", 0o644, b"")), "not a path inside", id="absolute"),
        pytest.param(zipped(("a\\b", 0o644, b"")), "not a path inside", id="backslash"),
        pytest.param(zipped(("a\x1b[2J", 0o644, b"")), "not a path inside", id="terminal escape"),
        pytest.param(zipped(("a", 0o120777, b"/etc/passwd")), "not a plain file", id="link"),
        pytest.param(zipped(("a", 0o060644, b"")), "not a plain file", id="device"),
        pytest.param(b"PK\x03\x04 and no more", "not a zip", id="no directory"),
        pytest.param(b"", "not a zip", id="empty"),
        pytest.param(zipped(("a", 0o644, b"abc")).replace(b"abc", b"abd", 1), "not a zip", id="a bit flipped"),
    ],
)
def test_what_no_package_holds_is_refused(data: bytes, expected: str) -> None:
    """However a zip got there: nothing in it reaches outside of the package, and its checksums hold."""
    with pytest.raises(ValueError, match=expected):
        content.read(data)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_path_is_there_once() -> None:
    """Which of the two would run depends on who unpacks it."""
    with pytest.raises(ValueError, match="twice"):
        content.read(zipped(("a", 0o644, b"x"), ("a", 0o644, b"y")))


def test_what_unpacks_to_more_than_a_package_holds_is_not_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    """The directory is added up first."""
    monkeypatch.setattr(content, "SIZE_LIMIT", 999)
    with pytest.raises(ValueError, match="more than a package may hold"):
        content.read(zipped(("a", 0o644, b"x" * 500), ("b", 0o644, b"x" * 500)))
