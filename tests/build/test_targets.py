"""Every Python runtime that the SDK knows, on both processors: real compiled packages, judged by their own bytes."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from pathlib import Path
from zipfile import ZipFile

import pytest
from elftools.elf.elffile import ELFFile
from elftools.elf.gnuversions import GNUVerNeedSection

from ci import build, service_model
from ci.build import target
from ci.model import Function, Package, Pipeline

RUNTIMES = [name for name in service_model.shape("Runtime").enum if re.fullmatch(r"python3\.(9|\d\d+)", name)]
GLIBC = {"python3.9": (2, 26), "python3.10": (2, 26), "python3.11": (2, 26)}
"""Amazon Linux 2; every later runtime has Amazon Linux 2023:
https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html"""
NEWER = (2, 34)
MACHINES = {"x86_64": ("x86_64", "EM_X86_64"), "arm64": ("aarch64", "EM_AARCH64")}
TARGETS = [(runtime, architecture) for runtime in RUNTIMES for architecture in MACHINES]
REQUIRED = "psycopg2-binary\npydantic-core\n"


@pytest.mark.parametrize(("runtime", "architecture"), TARGETS)
def test_the_tags_of_a_target(runtime: str, architecture: str) -> None:
    """From the runtime's glibc down to the oldest, its own Python and stable ABI; no newer glibc, no other machine."""
    machine, _ = MACHINES[architecture]
    other = "aarch64" if machine == "x86_64" else "x86_64"
    python = runtime.removeprefix("python3.")
    _, minor = glibc = GLIBC.get(runtime, NEWER)
    tags = [str(tag) for tag in target.tags(target.of(runtime, architecture))]
    assert f"cp3{python}-cp3{python}-manylinux_2_{minor}_{machine}" == tags[0]
    for expected in (
        f"cp3{python}-cp3{python}-manylinux_2_17_{machine}", f"cp3{python}-cp3{python}-manylinux2014_{machine}",
        f"cp3{python}-abi3-manylinux_2_{minor}_{machine}", f"cp37-abi3-manylinux2014_{machine}", "py3-none-any",
    ):
        assert expected in tags
    assert not [tag for tag in tags if f"manylinux_2_{minor + 1}_" in tag or other in tag or "musl" in tag]
    assert glibc == target.of(runtime, architecture).glibc


def binaries(package: Package) -> Iterator[tuple[str, str, tuple[int, int]]]:
    """Path, machine and newest glibc symbol of each compiled file."""
    with ZipFile(package.path) as opened:
        for name in opened.namelist():
            if (data := opened.read(name)).startswith(b"\x7fELF"):
                file = ELFFile(io.BytesIO(data))
                needs = [section for section in file.iter_sections() if isinstance(section, GNUVerNeedSection)]
                words = [each.name for section in needs for _, wanted in section.iter_versions() for each in wanted]
                found = [match for word in words if (match := re.fullmatch(r"GLIBC_(\d+)\.(\d+)(\.\d+)?", word))]
                newest = max(((int(each[1]), int(each[2])) for each in found), default=(0, 0))
                yield name, file.header["e_machine"], newest


@pytest.mark.network
def test_compiled_packages_for_every_target(tmp_path: Path, cache: Path) -> None:
    """From this host, for all of them in one build."""
    (tmp_path / "requirements.txt").write_text(REQUIRED)
    (tmp_path / "source").mkdir()
    (tmp_path / "source/app.py").write_text("def handle(event, context): ...\n")
    functions = {}
    for runtime, architecture in TARGETS:
        name = f"{runtime}-{architecture}"
        settings = {"Handler": "app.handle", "Runtime": runtime, "Architectures": [architecture]}
        functions[name] = Function(name, name, settings, {}, Path("source"), requirements=Path("requirements.txt"))
    pipeline = Pipeline(tmp_path, "test", None, {}, functions)
    packages = build.build(pipeline, functions.values(), cache)
    for name, package in packages.items():
        runtime, architecture = functions[name].runtime, functions[name].architecture
        python = runtime.removeprefix("python3.")
        found = list(binaries(package))
        assert {"psycopg2", "pydantic_core", "psycopg2_binary.libs"} <= {path.split("/")[0] for path, *_ in found}
        for path, machine, glibc in found:
            assert MACHINES[architecture][1] == machine, f"{name}: {path}"
            assert glibc <= GLIBC.get(runtime, NEWER), f"{name}: {path}"
            assert f".cpython-3{python}-" in path or ".libs/" in path or ".abi3." in path, f"{name}: {path}"
