"""Compiled files: which processor they are for, which glibc and which libraries they need."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from .target import Target

MAGIC = b"\x7fELF"
_MACHINES = {"EM_X86_64": "x86_64", "EM_AARCH64": "aarch64", "EM_386": "i686", "EM_ARM": "armv7"}
_PROCESSOR = re.compile(r"x86[_-]64|amd64|x64|aarch64|arm64|i[3-6]86|x86|armv7l?|armhf", re.IGNORECASE)
_GLIBC = re.compile(r"GLIBC_(\d+)\.(\d+)(?:\.\d+)?")
_PROVIDED = re.compile(
    r"(ld-linux-.*|lib(c|m|dl|rt|pthread|util|resolv|anl|BrokenLocale|thread_db|nss_.*))\.so\.\d+"
    r"|lib(gcc_s|stdc\+\+|z|python3[\d.m]*)\.so(\.[\d.]+)?|linux-vdso\.so\.1"
)
"""Libraries of the runtimes' Amazon Linux: glibc's own, the compiler's, zlib, Python."""
_BEFORE, _SINCE = frozenset({"libcrypt.so.1", "libnsl.so.1"}), frozenset({"libcrypt.so.2"})
"""Those of Amazon Linux before 2023, and since: https://github.com/amazonlinux/amazon-linux-2023/issues/735 and
https://fedoraproject.org/wiki/Changes/Replace_glibc_libcrypt_with_libxcrypt"""


@dataclass(frozen=True)
class Binary:
    """``machine`` is Linux's name of the processor, ``glibc`` the newest symbol version that is needed, (0, 0) if none.

    ``needed`` are the libraries it is linked to, ``soname`` is the name that others may link to.
    """

    machine: str
    glibc: tuple[int, int] = (0, 0)
    needed: tuple[str, ...] = ()
    soname: str = ""


def read(content: bytes) -> Binary | None:
    """What the dynamic linker would look at. None: not a file that Linux can load or run."""
    from elftools.common.exceptions import ELFError
    from elftools.elf.dynamic import DynamicSegment
    from elftools.elf.elffile import ELFFile
    from elftools.elf.gnuversions import GNUVerNeedSection

    try:
        file = ELFFile(io.BytesIO(content))
        if file.header["e_type"] not in ("ET_DYN", "ET_EXEC"):
            return None
        machine = _MACHINES.get(file.header["e_machine"], str(file.header["e_machine"]))
        dynamic = [segment for segment in file.iter_segments() if isinstance(segment, DynamicSegment)]
        tags = [tag for segment in dynamic for tag in segment.iter_tags()]
        # Tags have these attributes only when they are of that kind, which the library's hints cannot say.
        needed = tuple(str(getattr(tag, "needed")) for tag in tags if tag.entry.d_tag == "DT_NEEDED")
        soname = next((str(getattr(tag, "soname")) for tag in tags if tag.entry.d_tag == "DT_SONAME"), "")
        versions = [
            (int(found[1]), int(found[2]))
            for section in file.iter_sections() if isinstance(section, GNUVerNeedSection)
            for _, wanted in section.iter_versions() for each in wanted
            if (found := _GLIBC.fullmatch(each.name))
        ]
    except (ELFError, ValueError, KeyError, AttributeError, UnicodeDecodeError):
        return None
    return Binary(machine, max(versions, default=(0, 0)), needed, soname)


def chosen(binaries: Mapping[str, Binary], target: Target) -> dict[str, Binary]:
    """Without files for other processors that lie beside the target's own, as what loads them chooses between these.

    Their paths are the same but for the processor's name.
    """
    own = {_PROCESSOR.sub("", path) for path, binary in binaries.items() if binary.machine == target.machine}
    return {
        path: binary for path, binary in binaries.items()
        if binary.machine == target.machine or _PROCESSOR.sub("", path) not in own
    }


def problems(binaries: Mapping[str, Binary], target: Target) -> Iterator[tuple[str, str]]:
    """Path and reason of each file that the target cannot load: another processor, a newer glibc."""
    for path, binary in sorted(binaries.items()):
        if binary.machine != target.machine:
            yield path, f"is for {binary.machine}, the function runs on {target.machine}"
        elif binary.glibc > target.glibc:
            yield path, (
                f"needs glibc {binary.glibc[0]}.{binary.glibc[1]}, "
                f"python{target.version} on Lambda has {target.glibc[0]}.{target.glibc[1]}"
            )


def provided(library: str, target: Target) -> bool:
    """Whether the Amazon Linux that the target runs on has the shared library."""
    return library in (_SINCE if target.glibc >= (2, 34) else _BEFORE) or _PROVIDED.fullmatch(library) is not None


def absent(binaries: Mapping[str, Binary], target: Target) -> Iterator[tuple[str, str]]:
    """Path and library of each file that is linked to what neither the package nor Lambda's Amazon Linux has."""
    names = {PurePosixPath(path).name for path in binaries} | {binary.soname for binary in binaries.values()}
    for path, binary in sorted(binaries.items()):
        for library in binary.needed:
            if library not in names and not provided(library, target):
                yield path, library
