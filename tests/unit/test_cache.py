"""What the cache keeps, and what it lets go."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from ci.build import cache as caching
from ci.build.cache import Cache

DAY = 24 * 3600


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "cache")


def kept(cache: Cache) -> set[str]:
    return {path.name for path in cache.root.glob("*/*")}


def fill(cache: Cache, ages: dict[str, float], size: int = 0) -> None:
    """Entries by their names, with the days for which they were of no use."""
    for name, age in ages.items():
        path = cache.path("wheels", name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x" * size)
        os.utime(path, (time.time() - age * DAY,) * 2)


def test_what_was_kept_comes_back(cache: Cache) -> None:
    """Whatever it is."""
    for payload in (b"", b"some", bytes(range(256)) * 1000):
        cache.store("resolutions", "one", payload)
        assert payload == cache.load("resolutions", "one")


@pytest.mark.parametrize("place", [0, 31, 32, 40, -1])
def test_a_damaged_entry_is_none(cache: Cache, place: int) -> None:
    """One byte that changed, anywhere, or half of it gone."""
    cache.store("resolutions", "one", b"payload" * 100)
    path = cache.path("resolutions", "one")
    data = bytearray(path.read_bytes())
    data[place] ^= 1
    path.write_bytes(data)
    assert cache.load("resolutions", "one") is None
    path.write_bytes(data[:len(data) // 2])
    assert cache.load("resolutions", "one") is None
    assert cache.load("resolutions", "two") is None


def test_what_nobody_used_for_long_goes(cache: Cache) -> None:
    """After a month, files and folders; what was of use since stays."""
    fill(cache, {"young": 1, "old": 31, "used": 31, "read": 31})
    tree = cache.path("trees", "one")
    tree.mkdir(parents=True)
    (tree / "module.py").write_text("")
    os.utime(tree, (time.time() - 31 * DAY,) * 2)
    cache.store("resolutions", "read", b"")
    os.utime(cache.path("resolutions", "read"), (time.time() - 31 * DAY,) * 2)
    cache.used("wheels", "used")
    cache.load("resolutions", "read")
    cache.prune()
    assert {"young", "used", "read"} == kept(cache)
    assert not cache.path("wheels", "read").exists()


def test_it_is_tidied_once_an_hour(cache: Cache) -> None:
    """What a killed build left behind and what nobody used goes, but nobody looks for it at every build."""
    left = cache.root / "tmp/left"
    for count in (1, 0, 1):
        fill(cache, {"old": 31})
        left.mkdir(parents=True, exist_ok=True)
        os.utime(left, (time.time() - 2 * DAY,) * 2)
        cache.tidy()
        assert (not count, not count) == (left.exists(), "old" in kept(cache))
        if not count:
            os.utime(cache.root / "tidied", (time.time() - 3601,) * 2)


def test_it_does_not_grow_without_end(cache: Cache, monkeypatch: pytest.MonkeyPatch) -> None:
    """Over its size, what was not of use for longest goes; what a build of today may hold stays whatever its size."""
    monkeypatch.setattr(caching, "_LIMIT", 350)
    fill(cache, {"a": 5, "b": 4, "c": 3, "d": 2}, 100)
    cache.prune()
    assert {"b", "c", "d"} == kept(cache)
    fill(cache, {"e": 0, "f": 0.1, "g": 0.9, "h": 0.2}, 100)
    cache.prune()
    assert {"e", "f", "g", "h"} == kept(cache)


def test_a_folder_over_another(cache: Cache) -> None:
    """Two builds that lay out the same: the later one's is there in the end, whole."""
    for text in ("one", "two"):
        with cache.temporary() as folder:
            (folder / "tree").mkdir()
            (folder / "tree/file").write_text(text)
            path = cache.keep_folder(folder / "tree", "trees", "key")
        assert text == (path / "file").read_text()
    assert {"key"} == kept(cache)
