"""The zip writer: what zipfile reads back, and that the same files are the same bytes."""

from __future__ import annotations

import hashlib
import io
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ci.build import archive
from ci.model import File

NAMES = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="/\\"), min_size=1, max_size=20)
CONTENTS = st.dictionaries(NAMES, st.tuples(st.sampled_from([0o644, 0o755]), st.binary(max_size=300)), max_size=8)


def zipped(entries: list[archive.Entry]) -> bytes:
    stream = io.BytesIO()
    written = archive.write(entries, stream)
    assert len(stream.getvalue()) == written.size
    return stream.getvalue()


def read(data: bytes) -> dict[str, tuple[int, bytes]]:
    with zipfile.ZipFile(io.BytesIO(data)) as opened:
        assert opened.testzip() is None
        return {member.filename: (member.external_attr >> 16, opened.read(member)) for member in opened.infolist()}


@given(CONTENTS)
def test_zipfile_reads_what_was_written(contents: dict[str, tuple[int, bytes]]) -> None:
    """Any names, modes and bytes come back as they went in, from a regular file's entry."""
    data = zipped([archive.compress(path, mode, content) for path, (mode, content) in contents.items()])
    assert {path: (0o100000 | mode, content) for path, (mode, content) in contents.items()} == read(data)


@given(CONTENTS, st.randoms())
def test_the_order_of_the_entries_does_not_matter(contents: dict[str, tuple[int, bytes]], random: object) -> None:
    """Entries are written by path, whatever order they come in."""
    entries = [archive.compress(path, mode, content) for path, (mode, content) in contents.items()]
    shuffled = list(entries)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert zipped(entries) == zipped(shuffled)


def test_every_entry_has_the_same_time_and_system() -> None:
    """Nothing of the building host is in the zip."""
    with zipfile.ZipFile(io.BytesIO(zipped([archive.compress("a", 0o644, b"x" * 99)]))) as opened:
        member = opened.getinfo("a")
    assert ((1980, 1, 1, 0, 0, 0), 3) == (member.date_time, member.create_system)


def test_what_does_not_shrink_is_stored() -> None:
    """A file that deflate would make larger goes in as it is."""
    small, large = archive.compress("small", 0o644, b"ab"), archive.compress("large", 0o644, b"a" * 1000)
    assert (archive.STORED, archive.DEFLATED) == (small.method, large.method)


def test_a_stream_is_copied_out_of_another_zip(tmp_path: Path) -> None:
    """An entry that lies in a container is not compressed again: its bytes are the container's."""
    content = b"".join(hashlib.sha256(bytes([number % 7])).digest() for number in range(999))
    container = tmp_path / "other.zip"
    with zipfile.ZipFile(container, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as opened:
        opened.writestr("first", b"something before it")
        opened.writestr("inner", content)
        member = opened.getinfo("inner")
    offset = member.header_offset + 30 + len("inner")
    file = File("outer", 0o755, len(content), member.CRC, hashlib.sha256(content).hexdigest())
    entry = archive.Entry(file, archive.DEFLATED, member.compress_size, container=container, offset=offset)
    data = zipped([entry])
    assert {"outer": (0o100755, content)} == read(data)
    assert container.read_bytes()[offset:offset + member.compress_size] in data
    assert content == archive.content(entry)


def test_more_files_than_a_plain_zip_can_count() -> None:
    """From 65,535 entries on, the ZIP64 end record holds the number."""
    entry = archive.compress("x", 0o644, b"")
    entries = [
        archive.Entry(File(f"{number:05}", 0o644, 0, 0, entry.file.sha256), archive.STORED, 0)
        for number in range(65_536)
    ]
    with zipfile.ZipFile(io.BytesIO(zipped(entries))) as opened:
        assert 65_536 == len(opened.infolist())


def test_sizes_and_offsets_beyond_32_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Values from the limit on are in ZIP64 fields, in each of the places that can need them. The limit is lowered."""
    monkeypatch.setattr(archive, "_LIMIT", 500)
    contents = {
        "a": b"x" * 499,
        "both": hashlib.shake_256(b"seed").digest(800),
        "late": b"small, but it begins late",
        "shrunk": b"x" * 100_000,
    }
    data = zipped([archive.compress(path, 0o644, content) for path, content in contents.items()])
    assert contents == {path: content for path, (_, content) in read(data).items()}
    assert b"PK\x06\x06" in data
