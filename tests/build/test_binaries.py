"""Compiled dependencies of which there is no wheel: lambda-packages, and a build where host and target are one."""

from __future__ import annotations

import hashlib
import platform
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from uv import find_uv_bin

from ci import local
from ci.build.inputs import edition
from ci.build.target import is_here, of
from ci.errors import BuildError
from ci.model import Dependency, Packaging

from .conftest import Build
from .index import Index, sdist

LOCAL = of(local.runtime(), local.architecture())
CRYPTO = "import Crypto.Cipher.AES\n\n\ndef handle(event, context): ...\n"


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """lambda-packages, the real one: 97 MB."""
    folder = tmp_path_factory.mktemp("lambda-packages")
    subprocess.run(
        [find_uv_bin(), "--quiet", "pip", "install", "--no-deps", "--target", folder, "lambda-packages==0.20.0"],
        check=True,
    )
    return folder


@pytest.fixture
def importable(installed: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """As the extra is for a test's time: what builds knows again afterwards that it is not there."""
    monkeypatch.syspath_prepend(str(installed))
    edition.cache_clear()
    yield installed
    sys.modules.pop("lambda_packages", None)
    edition.cache_clear()


@pytest.mark.network
def test_a_binary_of_lambda_packages(
    importable: Path, package: Build, fresh: Path
) -> None:
    """Exactly the name (normalised), version and runtime: what lies in its archive lies in the package."""
    found = package("PyCrypto==2.6.1\n", "python3.6", code=CRYPTO, cache=fresh)
    assert (Dependency("pycrypto", "2.6.1", "lambda-packages"),) == found.dependencies
    with tarfile.open(importable / "lambda_packages/pycrypto/python3.6-pycrypto-2.6.1.tar.gz") as opened:
        expected = {
            member.name.removeprefix("./"): hashlib.sha256(stream.read()).hexdigest()
            for member in opened if (stream := opened.extractfile(member)) and "__pycache__" not in member.name
        }
    files = {file.path: file.sha256 for file in found.files if ".dist-info/" not in file.path and file.path != "app.py"}
    assert expected == files
    assert any(path.endswith(".so") for path in files)


@pytest.mark.network
@pytest.mark.usefixtures("importable")
@pytest.mark.parametrize(
    ("required", "runtime", "architecture", "binaries"),
    [
        ("pycrypto==2.6", "python3.6", "x86_64", ("wheels", "lambda-packages")),
        ("pycrypto==2.6.1", "python3.7", "x86_64", ("wheels", "lambda-packages")),
        ("pycrypto==2.6.1", "python3.6", "arm64", ("wheels", "lambda-packages")),
        ("pycrypto==2.6.1", "python3.6", "x86_64", ("wheels",)),
    ],
    ids=["version", "runtime", "architecture", "not-asked"],
)
def test_nothing_but_the_exact_binary(
    package: Build, fresh: Path, required: str, runtime: str, architecture: str, binaries: tuple[str, ...]
) -> None:
    """Another version, runtime or processor is not silently taken."""
    with pytest.raises(BuildError, match="pycrypto"):
        package(required, runtime, architecture, CRYPTO, fresh, packaging=Packaging(binaries=binaries))


HERE = f"python{sys.version_info[0]}.{sys.version_info[1]}"
ARCHITECTURE = {"x86_64": "x86_64", "aarch64": "arm64"}.get(platform.machine(), "x86_64")


@pytest.mark.skipif(shutil.which("cc") is None or sys.platform != "linux", reason="no C compiler here")
def test_a_build_where_the_host_is_the_target(index: Index, package: Build, fresh: Path, said: list[str]) -> None:
    """As in a container of the runtime's Python: built, inspected, and said where it came from."""
    tag = f"cp{sys.version_info[0]}{sys.version_info[1]}"
    command = ["cc", "-shared", "-fPIC", "-nostdlib", "-o", "src/one.so", "src/one.c"]
    code = f"import subprocess; subprocess.run({command}, check=True)"
    sdist(index.folder, "one", tag=f"{tag}-{tag}-linux_{platform.machine()}", code=code, files={"one.c": "int one;\n"})
    found = package("one\n", HERE, ARCHITECTURE, cache=fresh)
    assert (Dependency("one", "1.0", "build"),) == found.dependencies
    assert "one.so" in {file.path for file in found.files}
    with pytest.raises(BuildError, match="this host compiles for itself"):
        package("one\n", "python3.9", ARCHITECTURE, cache=fresh)


@pytest.mark.network
@pytest.mark.skipif(not is_here(LOCAL), reason="compiled code for Lambda runs on Linux only")
@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("import _cffi_backend\n_cffi_backend.FFI()\n", None),
        ("from _cffi_backend import lost\n", "ImportError: cannot import name 'lost' from '_cffi_backend'"),
    ],
)
def test_a_compiled_package_is_tried(package: Build, code: str, expected: str | None) -> None:
    """Where host and target are one the handler is imported with its compiled dependencies: here a name is missing."""
    arguments = ("cffi==1.17.1\n", local.runtime(), local.architecture())
    handle = "\n\ndef handle(event, context): ...\n"
    if expected is None:
        assert any(file.path.endswith(".so") for file in package(*arguments, code=code + handle).files)
    else:
        with pytest.raises(BuildError, match=expected):
            package(*arguments, code=code + handle)
