"""What a requirements file refers to: further files, local projects, hashes. uv reads the requirements themselves.

https://pip.pypa.io/en/stable/reference/requirements-file-format/
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from ..errors import BuildError

_COMMENT = re.compile(r"(^|\s)#.*$")
_INCLUDED = re.compile(r"(?:-r|-c|--requirements?|--constraints?)[ =]?\s*(?P<file>\S.*)")
_HASH = re.compile(r"--hash[= ](?P<algorithm>\w+):(?P<digest>[0-9a-fA-F]+)")
_NAME = re.compile(r"(?P<name>[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)\s*(?:\[[^]]*\])?\s*(?:[=<>!~;@ ]|$)")
_VARIABLE = re.compile(r"\$\{([A-Z0-9_]+)\}")
_LOCAL = re.compile(r"(?:-e\s+|--editable[= ]|[\w.\-\[\], ]+@\s*)?(?P<path>(?:file:|\.{0,2}/)\S*)")


@dataclass(frozen=True)
class Requirements:
    """``files`` are the file itself and all it includes. ``hashes`` maps a normalised name to ``algorithm:hex``."""

    files: tuple[Path, ...]
    projects: tuple[Path, ...]
    variables: tuple[str, ...]
    hashes: Mapping[str, frozenset[str]]


def normalise(name: str) -> str:
    """A project's name as indexes compare it: https://peps.python.org/pep-0503/#normalized-names"""
    return re.sub(r"[-_.]+", "-", name).lower()


def read(path: Path) -> Requirements:
    """Follow ``-r`` and ``-c``.

    Raises BuildError for a file that is not there.
    """
    files: dict[Path, None] = {}
    projects: dict[Path, None] = {}
    variables: set[str] = set()
    hashes: dict[str, frozenset[str]] = {}
    waiting = [(path, "")]
    while waiting:
        file, origin = waiting.pop(0)
        if file in files:
            continue
        files[file] = None
        for number, line in _lines(file, origin):
            variables.update(_VARIABLE.findall(line))
            if included := _INCLUDED.fullmatch(line):
                if "://" not in included["file"]:
                    beside = os.path.normpath(file.parent / included["file"].strip())
                    waiting.append((Path(beside), f"{file}:{number}: "))
            elif local := _LOCAL.match(line):
                said = local["path"].removeprefix("file:").removeprefix("//").partition("[")[0]
                projects[(file.parent / said).resolve()] = None
            elif found := _HASH.findall(line):
                name = _NAME.match(line)
                if name is not None:
                    known = hashes.get(normalise(name["name"]), frozenset())
                    hashes[normalise(name["name"])] = known | {f"{kind}:{digest.lower()}" for kind, digest in found}
    return Requirements(tuple(files), tuple(projects), tuple(sorted(variables)), hashes)


def _lines(file: Path, origin: str) -> Iterator[tuple[int, str]]:
    """Logical lines: comments removed, continued lines joined, each with the number of its first."""
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise BuildError(f"{origin}{file} does not exist", "check the function's requirements") from None
    except UnicodeDecodeError:
        raise BuildError(f"{file}: not UTF-8", "save it as UTF-8") from None
    joined, first = "", 1
    for number, raw in enumerate(text.splitlines(), 1):
        line = _COMMENT.sub("", raw).rstrip()
        joined += line.removesuffix("\\")
        if not line.endswith("\\"):
            if joined.strip():
                yield first, joined.strip()
            joined, first = "", number + 1
    if joined.strip():
        yield first, joined.strip()
