"""Where a package will run: the Python, the processor and the glibc of a Lambda runtime. Pure."""

from __future__ import annotations

import platform
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..errors import BuildError
from ..model import Function

if TYPE_CHECKING:
    from packaging.tags import Tag

_MACHINES = {"x86_64": "x86_64", "arm64": "aarch64"}
_LEGACY = {(2, 17): "manylinux2014", (2, 12): "manylinux2010", (2, 5): "manylinux1"}
"""Older names of three manylinux levels: https://peps.python.org/pep-0600/#legacy-manylinux-tags"""
_OLDEST = {"x86_64": 5, "aarch64": 17}
BESIDE = ("Layers", "FileSystemConfigs")
"""Settings that bring files to a function beside its package."""
_PATCH = {8: 18, 9: 18, 10: 13, 11: 6}
"""Patch level that a runtime surely has, so that ``requires-python`` of the ``>=3.9.2`` kind is met."""


@dataclass(frozen=True, order=True)
class Target:
    """What dependencies are chosen for. ``machine`` is Linux's name for the processor, ``glibc`` the runtime's own."""

    python: tuple[int, int]
    machine: str
    glibc: tuple[int, int]

    @property
    def version(self) -> str:
        """``3.13``."""
        return f"{self.python[0]}.{self.python[1]}"

    @property
    def full_version(self) -> str:
        """``3.13.0``: the least patch level that the runtime can have."""
        return f"{self.version}.{_PATCH.get(self.python[1], 0)}"

    def __str__(self) -> str:
        return f"python{self.version} on {self.machine} with glibc {self.glibc[0]}.{self.glibc[1]}"


def of(runtime: str, architecture: str) -> Target:
    """The target of a Lambda runtime and architecture.

    python3.12 and later run on Amazon Linux 2023 (glibc 2.34), python3.8 to 3.11 on Amazon Linux 2 (2.26),
    the earlier ones on Amazon Linux (2.17): https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html

    Raises BuildError for a runtime that is not Python 3 or an unknown architecture.
    """
    match = re.fullmatch(r"python3\.(\d+)", runtime)
    if match is None:
        raise BuildError(f"runtime {runtime}: not a Python 3 runtime", "packages are built for python3.x only")
    if architecture not in _MACHINES:
        raise BuildError(f"architecture {architecture}: unknown", f"use one of {', '.join(_MACHINES)}")
    minor = int(match[1])
    glibc = (2, 34) if minor >= 12 else (2, 26) if minor >= 8 else (2, 17)
    return Target((3, minor), _MACHINES[architecture], glibc)


def has_more(function: Function) -> bool:
    """Whether there may be modules and libraries beside the package, which nobody here knows: of layers, or of EFS."""
    return any(function.settings.get(name) for name in BESIDE)


def is_here(target: Target) -> bool:
    """Whether this host compiles for the target: the same Python and processor. Its glibc may be newer: see ``elf``."""
    same = sys.implementation.name == "cpython" and sys.version_info[:2] == target.python
    return same and sys.platform == "linux" and platform.machine() == target.machine


def platforms(target: Target) -> Iterator[str]:
    """Platform tags that the target can load, best first."""
    for minor in range(target.glibc[1], _OLDEST[target.machine] - 1, -1):
        yield f"manylinux_2_{minor}_{target.machine}"
        if (2, minor) in _LEGACY:
            yield f"{_LEGACY[2, minor]}_{target.machine}"
    yield f"linux_{target.machine}"


def tags(target: Target) -> tuple[Tag, ...]:
    """Wheel tags that the target can load, best first, as an installer ranks them."""
    from packaging.tags import compatible_tags, cpython_tags

    found = list(platforms(target))
    interpreter = f"cp{target.python[0]}{target.python[1]}"
    return (*cpython_tags(target.python, platforms=found), *compatible_tags(target.python, interpreter, found))


def environment(target: Target) -> dict[str, str]:
    """The target's values of the markers in requirements: https://peps.python.org/pep-0508/#environment-markers"""
    return {
        "implementation_name": "cpython",
        "implementation_version": target.full_version,
        "os_name": "posix",
        "platform_machine": target.machine,
        "platform_python_implementation": "CPython",
        "platform_release": "",
        "platform_system": "Linux",
        "platform_version": "",
        "python_full_version": target.full_version,
        "python_version": target.version,
        "sys_platform": "linux",
    }
