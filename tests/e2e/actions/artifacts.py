"""What the stand-ins of upload-artifact and download-artifact do: folders under $ARTIFACTS/<run>/<id>-<name>."""

from __future__ import annotations

import fnmatch
import hashlib
import os
import shutil
import sys
from pathlib import Path

ROOT = Path(os.environ["ARTIFACTS"])


def upload(name: str, path: str, overwrite: str) -> None:
    source = Path(path)
    if not source.exists():
        sys.exit(f"no files found at {path}")
    if overwrite != "true" and any(ROOT.glob(f"{os.environ['GITHUB_RUN_ID']}/[0-9]*-{name}")):
        sys.exit("(409) Conflict: an artifact with this name already exists on the workflow run")
    number = 1 + sum(1 for _ in ROOT.glob("*/*"))
    target = ROOT / os.environ["GITHUB_RUN_ID"] / f"{number}-{name}"
    target.mkdir(parents=True)
    if source.is_dir():
        shutil.copytree(source, target, dirs_exist_ok=True)
    else:
        shutil.copy(source, target)
    digest = hashlib.sha256(b"".join(file.read_bytes() for file in sorted(target.rglob("*")) if file.is_file()))
    with open(os.environ["GITHUB_OUTPUT"], "a") as output:
        output.write(f"artifact-id={number}\nartifact-digest={digest.hexdigest()}\n")


def download(ids: str, name: str, pattern: str, path: str, run: str) -> None:
    kept = {found.name: found for found in ROOT.glob(f"{run or os.environ['GITHUB_RUN_ID']}/*")}
    by_name = {found.split("-", 1)[1]: folder for found, folder in kept.items()}
    if pattern:
        for found in fnmatch.filter(by_name, pattern):
            shutil.copytree(by_name[found], Path(path) / found, dirs_exist_ok=True)
        return
    if ids:
        source = next((folder for found, folder in kept.items() if found.split("-", 1)[0] == ids), None)
    else:
        source = by_name.get(name)
    if source is None:
        sys.exit(f"no artifact {ids or name}")
    shutil.copytree(source, path, dirs_exist_ok=True)


if __name__ == "__main__":
    {"upload": upload, "download": download}[sys.argv[1]](*sys.argv[2:])
