"""What a function's requirements are made of: the files that say them, local projects, hashes.

What they mean is left to uv and to the exporters of the tools that wrote them.
https://pip.pypa.io/en/stable/reference/requirements-file-format/
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import BuildError
from ..model import normalise

LOCKS = {"uv.lock": "uv", "poetry.lock": "poetry", "pdm.lock": "pdm"}
"""Lock files that lie beside their pyproject.toml, and the tool that writes them."""

_COMMENT = re.compile(r"(^|\s)#.*$")
_INCLUDED = re.compile(r"(?:-r|-c|--requirements?|--constraints?)[ =]?\s*(?P<file>\S.*)")
_HASH = re.compile(r"--hash[= ](?P<algorithm>\w+):(?P<digest>[0-9a-fA-F]+)")
_NAME = re.compile(r"(?P<name>[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)\s*(?:\[[^]]*\])?\s*(?:[=<>!~;@ ]|$)")
_INDEX = re.compile(r"(?P<option>-i|--index-url|--extra-index-url|-f|--find-links)[ =]?\s*(?P<address>\S+)")
_VCS = re.compile(r"(?:.*?[\s@=])?(?:git|hg|svn|bzr)\+\w+:")
VCS_HINT = "require a release, or a local folder: what a branch or a tag means may change"
VARIABLE = re.compile(r"\$\{([A-Z0-9_]+)\}")
_LOCAL = re.compile(r"(?P<editable>-e\s+|--editable[= ]\s*)?(?:[\w.\-\[\], ]+@\s*)?(?P<path>[^\s;]+)")
_PATH = re.compile(
    r"(?!(?!file:)[\w+.-]+://)(?:\.\.?(?:\[.*)?|file:.*|[^\[]*/.*|[^\[]+\.(?:whl|zip|tar\.\w+|tgz))"
)
"""What is no name: https://pip.pypa.io/en/stable/cli/pip_install/#argument-handling"""
_LOCKED_PATH = re.compile(r"\b(?:path|editable|directory|url|file)\"?\s*[=:]\s*\"(?P<path>[^\":]+)\"")


@dataclass(frozen=True)
class Requirements:
    """``kind`` is ``requirements``, ``project``, ``pylock`` or the tool of a lock file.

    ``files`` are the file itself and all it goes with. ``hashes`` maps a normalised name to ``algorithm:hex``.
    """

    kind: str
    files: tuple[Path, ...]
    projects: tuple[Path, ...] = ()
    variables: tuple[str, ...] = ()
    hashes: Mapping[str, frozenset[str]] = field(default_factory=dict)
    indexes: tuple[str, ...] = field(default=(), repr=False)
    """Options that name indexes, as they stand in the files: with ``${VARIABLE}``, perhaps with a password."""

    @property
    def file(self) -> Path:
        return self.files[0]


def read(path: Path, root: Path) -> Requirements:
    """Find out what kind of file it is, by its name, and all that it refers to below ``root``.

    Raises BuildError for a file that is not there.
    """
    if path.name in LOCKS or path.name == "pyproject.toml":
        return _project(path.parent, root, LOCKS.get(path.name))
    if path.name in ("Pipfile", "Pipfile.lock"):
        return _locked("pipenv", (path.parent / "Pipfile.lock", path.parent / "Pipfile"), root)
    if re.fullmatch(r"pylock\.(?:[^.]+\.)?toml", path.name):
        return _locked("pylock", (path,), root)
    return _requirements(path, root)


def _project(folder: Path, root: Path, tool: str | None) -> Requirements:
    """pyproject.toml with its lock file, or with that of the uv workspace it belongs to, or alone."""
    manifest = folder / "pyproject.toml"
    for name, each in LOCKS.items():
        if (folder / name).is_file() and tool in (None, each):
            return _locked(each, (folder / name, manifest), root)
    if tool is None:
        for above in manifest.parents[1:]:
            if above.is_relative_to(root) and (above / "uv.lock").is_file():
                return _locked("uv", (manifest, above / "uv.lock", above / "pyproject.toml"), root)
    return _locked("project", (manifest,), root)


def _locked(kind: str, files: tuple[Path, ...], root: Path) -> Requirements:
    projects: dict[Path, None] = {}
    for file in files:
        text = _text(file, root)
        for said in _LOCKED_PATH.findall(text):
            project = (file.parent / said).resolve()
            needed = not file.is_relative_to(project) or file.parent != files[0].parent and _requires(text, said)
            if needed and project.exists():
                projects[project] = None
    return Requirements(kind, files, _with_theirs(projects, root))


def _requires(lock: str, path: str) -> bool:
    """Whether anything in a uv.lock requires the member of its workspace at ``path``."""
    name = re.search(rf'name = "([^"]+)"\n(?:version = .*\n)?source = \{{ \w+ = "{re.escape(path)}" \}}', lock)
    return name is not None and f'{{ name = "{name[1]}"' in lock


def _with_theirs(projects: Iterable[Path], root: Path) -> tuple[Path, ...]:
    """``projects``, and the local projects that they require themselves."""
    found: dict[Path, None] = {}
    waiting = list(projects)
    while waiting:
        project = waiting.pop(0)
        if project not in found:
            found[project] = None
            manifest = project / "pyproject.toml"
            said = _LOCKED_PATH.findall(_text(manifest, root)) if manifest.is_file() else []
            others = ((project / path).resolve() for path in said)
            waiting += [other for other in others if other.exists() and not other.is_relative_to(project)]
    return tuple(found)


def _requirements(path: Path, root: Path) -> Requirements:
    """Follow ``-r`` and ``-c``. Paths of projects start at ``root``, where uv is run, as they do for pip."""
    files: dict[Path, None] = {}
    projects: dict[Path, None] = {}
    variables: set[str] = set()
    hashes: dict[str, frozenset[str]] = {}
    indexes: list[str] = []
    waiting = [(path, "")]
    while waiting:
        file, origin = waiting.pop(0)
        if file in files:
            continue
        files[file] = None
        shown = os.path.relpath(file, root)
        for number, line in _lines(_text(file, root, origin)):
            variables.update(VARIABLE.findall(line))
            if included := _INCLUDED.fullmatch(line):
                if "://" not in included["file"]:
                    beside = os.path.normpath(file.parent / included["file"].strip())
                    waiting.append((Path(beside), f"{shown}:{number}: "))
            elif index := _INDEX.match(line):
                wheels = (file.parent / index["address"]).resolve()
                if wheels.exists():  # a folder of them
                    projects[wheels] = None
                indexes.append(f"{index['option']} {wheels if wheels.exists() else index['address']}")
            elif _VCS.match(line):
                raise BuildError(f"{shown}:{number}: required from version control", VCS_HINT)
            elif (local := _LOCAL.match(line)) and (local["editable"] or _PATH.fullmatch(local["path"])):
                said = local["path"].removeprefix("file:").removeprefix("//").partition("[")[0]
                values = {"PROJECT_ROOT": str(root), **os.environ}
                projects[(root / VARIABLE.sub(lambda each: values.get(each[1], each[0]), said)).resolve()] = None
            elif found := _HASH.findall(line):
                name = _NAME.match(line)
                if name is not None:
                    known = hashes.get(normalise(name["name"]), frozenset())
                    hashes[normalise(name["name"])] = known | {f"{kind}:{digest.lower()}" for kind, digest in found}
    return Requirements(
        "requirements", tuple(files), _with_theirs(projects, root), tuple(sorted(variables)), hashes, tuple(indexes)
    )


def _text(file: Path, root: Path, origin: str = "") -> str:
    shown = os.path.relpath(file, root)
    try:
        return file.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise BuildError(f"{origin}{shown} does not exist", "check the function's requirements") from None
    except UnicodeDecodeError:
        raise BuildError(f"{shown}: not UTF-8", "save it as UTF-8") from None


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """Logical lines: comments removed, continued lines joined, each with the number of its first."""
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
