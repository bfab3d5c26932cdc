"""What the stand-ins of cache/restore and cache/save do: entries are folders under $CACHES, each named by its key."""

from __future__ import annotations

import os
import shutil
import sys
from glob import glob
from pathlib import Path
from urllib.parse import quote

ROOT = Path(os.environ["CACHES"])


def save(path: str, key: str) -> None:
    target = ROOT / quote(key, safe="")
    if not target.exists():
        for file in _matched(path):
            (target / file).parent.mkdir(parents=True, exist_ok=True)
            (shutil.copytree if os.path.isdir(file) else shutil.copy2)(file, target / file)
        print(f"Cache saved with key: {key}")


def _matched(patterns: str) -> list[str]:
    """What the lines match, without those that lines with ``!`` do."""
    lines = patterns.split()
    out = {file for line in lines if line.startswith("!") for file in glob(line[1:])}
    return [file for line in lines if not line.startswith("!") for file in glob(line) if file not in out]


def restore(_: str, key: str, prefix: str) -> None:
    exact = ROOT / quote(key, safe="")
    newest = sorted(ROOT.glob(f"{quote(prefix, safe='')}*"), key=lambda folder: folder.stat().st_ctime)
    found = exact if exact.is_dir() else newest[-1] if prefix and newest else None
    if found:
        shutil.copytree(found, ".", dirs_exist_ok=True)
        print(f"Cache restored from key: {key if found == exact else found.name}")
    with open(os.environ["GITHUB_OUTPUT"], "a") as output:
        output.write(f"cache-hit={'true' if found == exact else 'false' if found else ''}\n")


if __name__ == "__main__":
    {"save": save, "restore": restore}[sys.argv[1]](*sys.argv[2:])
