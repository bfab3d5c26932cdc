"""What a Lambda runtime can load."""

from __future__ import annotations

import pytest

from ci.build import target
from ci.errors import BuildError


@pytest.mark.parametrize(
    ("runtime", "architecture", "machine", "glibc"),
    [
        ("python3.6", "x86_64", "x86_64", (2, 17)),
        ("python3.9", "arm64", "aarch64", (2, 26)),
        ("python3.11", "x86_64", "x86_64", (2, 26)),
        ("python3.12", "x86_64", "x86_64", (2, 34)),
        ("python3.14", "arm64", "aarch64", (2, 34)),
    ],
)
def test_the_glibc_of_a_runtime(runtime: str, architecture: str, machine: str, glibc: tuple[int, int]) -> None:
    """Amazon Linux 2023 from python3.12 on, Amazon Linux 2 from python3.8 on, Amazon Linux before."""
    found = target.of(runtime, architecture)
    assert (runtime, machine, glibc) == (f"python{found.version}", found.machine, found.glibc)


@pytest.mark.parametrize(
    ("runtime", "tag", "expected"),
    [
        ("python3.13", "cp313-cp313-manylinux_2_34_x86_64", True),
        ("python3.13", "cp313-cp313-manylinux_2_35_x86_64", False),
        ("python3.13", "cp313-cp313-manylinux_2_28_x86_64", True),
        ("python3.13", "cp313-cp313-manylinux_2_28_aarch64", False),
        ("python3.13", "cp313-cp313t-manylinux_2_28_x86_64", False),
        ("python3.13", "cp312-cp312-manylinux_2_28_x86_64", False),
        ("python3.13", "cp39-abi3-manylinux2014_x86_64", True),
        ("python3.13", "cp314-abi3-manylinux2014_x86_64", False),
        ("python3.13", "py3-none-any", True),
        ("python3.13", "py2-none-any", False),
        ("python3.13", "cp313-cp313-musllinux_1_2_x86_64", False),
        ("python3.13", "cp313-cp313-win_amd64", False),
        ("python3.13", "cp313-cp313-linux_x86_64", True),
        ("python3.13", "py3-none-manylinux1_x86_64", True),
        ("python3.11", "cp311-cp311-manylinux_2_26_x86_64", True),
        ("python3.11", "cp311-cp311-manylinux_2_27_x86_64", False),
        ("python3.11", "cp311-cp311-manylinux_2_28_x86_64", False),
        ("python3.6", "cp36-cp36m-manylinux1_x86_64", True),
    ],
)
def test_tags(runtime: str, tag: str, expected: bool) -> None:
    """A wheel is taken exactly when the runtime's Python, processor and glibc can load it."""
    assert expected == (tag in {str(each) for each in target.tags(target.of(runtime, "x86_64"))})


def test_a_nearer_glibc_is_preferred() -> None:
    """As installers rank: the newest glibc, then the older names of the same; a compiled wheel before a pure one."""
    ranks = [str(tag) for tag in target.tags(target.of("python3.13", "x86_64"))]
    wanted = [
        "cp313-cp313-manylinux_2_34_x86_64", "cp313-cp313-manylinux_2_17_x86_64", "cp313-cp313-manylinux2014_x86_64",
        "cp313-abi3-manylinux_2_34_x86_64", "py3-none-any",
    ]
    assert sorted(wanted, key=ranks.index) == wanted


@pytest.mark.parametrize(
    ("runtime", "architecture"), [("nodejs22.x", "x86_64"), ("provided.al2023", "arm64"), ("python3.13", "riscv")]
)
def test_what_nothing_can_be_built_for(runtime: str, architecture: str) -> None:
    """The message names what was asked for."""
    with pytest.raises(BuildError, match=r"nodejs22\.x|provided\.al2023|riscv"):
        target.of(runtime, architecture)
