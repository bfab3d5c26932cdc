"""Compiled files: read from what a compiler makes, judged for a target."""

from __future__ import annotations

import platform
import shutil
import subprocess
from pathlib import Path

import pytest

from ci.build import elf
from ci.build.elf import Binary
from ci.build.target import Target, of

AMAZON_2 = of("python3.11", "x86_64")
AMAZON_2023 = of("python3.13", "x86_64")


@pytest.fixture
def library(tmp_path: Path) -> bytes:
    """A shared library that needs glibc 2.30 (gettid) and is linked to libm and to one that Lambda does not have."""
    compiler = shutil.which("cc")
    if compiler is None or platform.libc_ver()[0] != "glibc":
        pytest.skip("no C compiler for glibc here")
    (tmp_path / "other.c").write_text("int other(void) { return 1; }\n")
    (tmp_path / "one.c").write_text(
        "#define _GNU_SOURCE\n#include <unistd.h>\nint other(void);\nint one(void) { return gettid() + other(); }\n"
    )
    for soname, *sources in (("libother.so.9", "other.c"), ("libone.so.1", "one.c", "libother.so.9")):
        command = [compiler, "-shared", "-fPIC", f"-Wl,-soname,{soname}", "-o", soname, *sources]
        subprocess.run(command, cwd=tmp_path, check=True)
    return (tmp_path / "libone.so.1").read_bytes()


def test_what_a_compiler_made(library: bytes) -> None:
    """Processor, newest glibc symbol, libraries and own name."""
    assert Binary(platform.machine(), (2, 30), ("libother.so.9", "libc.so.6"), "libone.so.1") == elf.read(library)


@pytest.mark.parametrize(
    "content", [elf.MAGIC, elf.MAGIC + b"\2\1\1" + bytes(99), b"text"], ids=["magic", "cut", "text"]
)
def test_what_is_not_loaded(content: bytes) -> None:
    """A file that only begins like one, or is damaged, is not judged: Lambda would not load it either."""
    assert elf.read(content) is None


@pytest.mark.parametrize(
    ("binary", "target", "expected"),
    [
        (Binary("x86_64", (2, 17)), AMAZON_2, []),
        (Binary("x86_64", (2, 26)), AMAZON_2, []),
        (Binary("x86_64", (2, 27)), AMAZON_2, ["needs glibc 2.27, python3.11 on Lambda has 2.26"]),
        (Binary("x86_64", (2, 34)), AMAZON_2023, []),
        (Binary("x86_64", (2, 38)), AMAZON_2023, ["needs glibc 2.38, python3.13 on Lambda has 2.34"]),
        (Binary("aarch64"), AMAZON_2023, ["is for aarch64, the function runs on x86_64"]),
        (Binary("i686"), AMAZON_2023, ["is for i686, the function runs on x86_64"]),
        (Binary("x86_64"), of("python3.13", "arm64"), ["is for x86_64, the function runs on aarch64"]),
    ],
)
def test_what_a_target_cannot_load(binary: Binary, target: Target, expected: list[str]) -> None:
    """Another processor, or a newer glibc than the runtime's."""
    assert [("a.so", why) for why in expected] == list(elf.problems({"a.so": binary}, target))


@pytest.mark.parametrize(
    ("other", "left"),
    [
        ("linux-arm64/tool", False), ("linux-aarch64/tool", False), ("linux/tool", True), ("linux-arm64/other", True),
        ("tool", True),
    ],
)
def test_a_choice_of_processors(other: str, left: bool) -> None:
    """A wheel for all platforms may bring a program for each, as selenium does: only those of the target count."""
    binaries = {"linux-x86_64/tool": Binary("x86_64"), other: Binary("aarch64")}
    assert left == (other in elf.chosen(binaries, AMAZON_2023))
    assert {other: Binary("aarch64")} == elf.chosen({other: Binary("aarch64")}, AMAZON_2023)


@pytest.mark.parametrize(
    ("library", "expected"),
    [
        ("libc.so.6", False), ("libpthread.so.0", False), ("ld-linux-x86-64.so.2", False), ("libgcc_s.so.1", False),
        ("ld-linux-aarch64.so.1", False), ("libstdc++.so.6", False), ("libz.so.1", False), ("libbeside.so.3", False),
        ("libnamed.so.3", False), ("libGL.so.1", True), ("libX11.so.6", True), ("libglib-2.0.so.0", True),
        ("libmysqlclient.so.18", True), ("libcrypto.so.1.0.0", True),
    ],
)
def test_libraries_that_are_nowhere(library: str, expected: bool) -> None:
    """What manylinux allows a wheel to expect of a desktop is not on Lambda; what lies in the package is found."""
    binaries = {
        "a.so": Binary("x86_64", needed=(library,)),
        "x.libs/libbeside.so.3": Binary("x86_64"),
        "x.libs/file.so": Binary("x86_64", soname="libnamed.so.3"),
    }
    assert ([("a.so", library)] if expected else []) == list(elf.absent(binaries, AMAZON_2023))


@pytest.mark.parametrize(
    ("target", "gone"), [(AMAZON_2, ["libcrypt.so.2"]), (AMAZON_2023, ["libcrypt.so.1", "libnsl.so.1"])]
)
def test_libraries_that_came_and_went(target: Target, gone: list[str]) -> None:
    """Amazon Linux 2023 has neither the libcrypt nor the libnsl of before."""
    binaries = {"a.so": Binary("x86_64", needed=("libcrypt.so.1", "libcrypt.so.2", "libnsl.so.1"))}
    assert gone == [library for _, library in elf.absent(binaries, target)]
