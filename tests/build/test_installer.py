"""A package holds what an installer lays down: the same files, the same bytes."""

from __future__ import annotations

import base64
import csv
import hashlib
import re
import subprocess
from pathlib import Path
from zipfile import ZipFile

import pytest
from uv import find_uv_bin

from ci.build.target import of

from .conftest import Build

pytestmark = pytest.mark.network

COMPILED = "cryptography numpy pillow psycopg2-binary pydantic pyyaml requests"
SHAPES = (
    "backports.tarfile black certifi fonttools google-cloud-core greenlet grpcio lxml pyelftools setuptools "
    "zope.interface"
)
"""abi3, libraries beside, data, headers, scripts, namespaces, vendored .dist-info, files with odd names."""
LEFT_OUT = re.compile(
    r"\.lock|bin/.*|(.*/)?__pycache__/.*|"
    r"[^/]*\.dist-info/(INSTALLER|REQUESTED|RECORD|direct_url\.json|uv_cache\.json)"
)
"""What says something of the installing host, and bytecode. RECORD has a test of its own."""


def installed(pins: list[str], runtime: str, architecture: str, folder: Path) -> dict[str, tuple[bool, str]]:
    """What uv lays down for the pins: path -> executable, sha256. Without LEFT_OUT."""
    target = of(runtime, architecture)
    platform = f"{target.machine}-manylinux_{'2_34' if target.glibc == (2, 34) else '2_17'}"
    subprocess.run(
        [
            find_uv_bin(), "pip", "install", "--quiet", "--no-deps", "--no-build", "--target", folder,
            "--python-version", target.full_version, "--python-platform", platform, *pins,
        ],
        check=True,
    )
    found = {}
    for file in folder.rglob("*"):
        path = file.relative_to(folder).as_posix()
        if file.is_file() and not LEFT_OUT.fullmatch(path):
            found[path] = bool(file.stat().st_mode & 0o100), hashlib.sha256(file.read_bytes()).hexdigest()
    return found


@pytest.mark.parametrize(
    ("names", "runtime", "architecture"),
    [
        (COMPILED, "python3.13", "x86_64"),
        (SHAPES, "python3.13", "arm64"),
        (COMPILED, "python3.11", "arm64"),
        (SHAPES, "python3.12", "x86_64"),
    ],
)
def test_a_package_holds_what_an_installer_lays_down(
    names: str, runtime: str, architecture: str, package: Build, tmp_path: Path
) -> None:
    """Same files, same bytes, same executables as ``uv pip install --target``, for wheels of every shape."""
    built = package("\n".join(names.split()), runtime, architecture)
    pins = [f"{dependency.name}=={dependency.version}" for dependency in built.dependencies]
    expected = installed(pins, runtime, architecture, tmp_path / "installed")
    with ZipFile(built.path) as opened:
        assert opened.testzip() is None
        actual = {
            member.filename: (
                bool(member.external_attr >> 16 & 0o100), hashlib.sha256(opened.read(member)).hexdigest()
            )
            for member in opened.infolist()
        }
    del actual["app.py"]
    records = [path for path in actual if re.fullmatch(r"[^/]*\.dist-info/RECORD", path)]
    assert len(built.dependencies) == len(records)
    for path in records:
        del actual[path]
    assert expected == actual


def test_records_name_what_is_there(package: Build) -> None:
    """importlib.metadata.files is right: each RECORD names the files of its distribution, with their hashes."""
    built = package("fonttools\ngreenlet\npyelftools\nrequests\n")
    with ZipFile(built.path) as opened:
        names = set(opened.namelist()) - {"app.py"}
        recorded = {}
        for name in names:
            if name.endswith(".dist-info/RECORD"):
                recorded |= {path: digest for path, digest, _ in csv.reader(opened.read(name).decode().splitlines())}
    assert names == set(recorded)
    hashes = {
        file.path: "sha256=" + base64.urlsafe_b64encode(bytes.fromhex(file.sha256)).decode().rstrip("=")
        for file in built.files if file.path in recorded and not file.path.endswith("/RECORD")
    }
    assert hashes == {path: digest for path, digest in recorded.items() if not path.endswith("/RECORD")}
