"""``slim``: what of a dependency no function needs while it runs. What its code, or ours, asks for stays.

Leaving out an entry of a wheel costs nothing: it is not copied.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import PurePosixPath

from .. import syntax
from . import archive
from .store import Wheel

_HEADERS = frozenset({".h", ".hh", ".hpp", ".hxx", ".cuh", ".pxd", ".pxi", ".a"})
"""What only a compiler reads, and Lambda has none."""
_STUBS = re.compile(rb"\.pyi\b|\battach_stub\b")
"""Code that reads its stubs: https://scientific-python.org/specs/spec-0001/"""
_METADATA = frozenset({"METADATA", "RECORD", "entry_points.txt", "top_level.txt"})
"""All that importlib.metadata reads: https://docs.python.org/3/library/importlib.metadata.html"""
_LEGAL = re.compile(r"(licen[cs]e|copying|notice|authors)", re.IGNORECASE)
_FOLDERS = ("test", "tests")
_WORD = re.compile(rb"tests?\b")
_MENTION = rb"""
    ^[ \t]*(?:from|import)\b (?:[^\n\\]|\\\n)* \b(?:%(names)s)\b
    | ["'][\w.]*\b(?:%(names)s)\b[\w.]*["']
"""
"""Where such a folder may be imported: a first look, to parse few files."""
_SEVERAL = re.compile(rb"import\s*\((?:[^)#]|#[^\n]*)*")
"""Names that are imported, in parentheses."""


def _mentions(names: Iterable[str]) -> Callable[[bytes], bool]:
    """Whether a text has one of ``names`` where a module may be meant; looked at is only what is around such a word."""
    words = {b"names": b"|".join(sorted(name.encode() for name in names))}
    named, mention = re.compile(rb"\b(?:%(names)s)\b" % words), re.compile(_MENTION % words, re.MULTILINE | re.VERBOSE)

    def mentioned(text: bytes) -> bool:
        found = [each.start() for each in _WORD.finditer(text)]
        return any(mention.search(text, *_statement(text, at)) for at in found) or bool(found) and any(
            named.search(each[0]) for each in _SEVERAL.finditer(text)
        )

    return mentioned


def _statement(text: bytes, at: int) -> tuple[int, int]:
    """Where the line there starts, with those that it continues, and ends."""
    start = text.rfind(b"\n", 0, at) + 1
    while text[start - 2:start] == b"\\\n":
        start = text.rfind(b"\n", 0, start - 1) + 1
    end = text.find(b"\n", at)
    return start, end if end >= 0 else len(text)


class Slim:
    """The rules, over all dependencies of one package. ``own`` is the code of ours that may import from them."""

    def __init__(self, rules: Sequence[str], wheels: Iterable[Wheel], own: Iterable[tuple[str, bytes]]) -> None:
        self._rules = rules
        self._wheels = tuple(wheels)
        self._own = tuple(own)

    def left_out(self, wheel: Wheel) -> dict[str, str]:
        """Path -> the rule by which it is left out."""
        paths = [entry.file.path for entry in wheel.entries]
        found: dict[str, str] = {}
        for rule in self._rules:
            left: Iterable[str] = ()
            if rule == "tests":
                left = self._tests(paths)
            elif rule == "headers":
                left = self._headers(wheel, paths)
            elif rule == "stubs":
                left = self._stubs(wheel, paths)
            elif rule == "metadata":
                left = (path for path in paths if _is_metadata(path))
            found |= {path: rule for path in left if path not in found}
        return found

    def _tests(self, paths: Sequence[str]) -> Iterator[str]:
        needed = self._imported
        for path in paths:
            folder = _test_folder(path)
            if folder in self._folders and folder not in needed:
                yield path

    def _headers(self, wheel: Wheel, paths: Sequence[str]) -> Iterator[str]:
        headers = [path for path in paths if PurePosixPath(path).suffix in _HEADERS]
        if headers:
            code = b"\n".join(text for _, text in self._python[wheel.name])
            yield from (path for path in headers if PurePosixPath(path).name.encode() not in code)

    def _stubs(self, wheel: Wheel, paths: Sequence[str]) -> Iterator[str]:
        stubs = [path for path in paths if path.endswith((".pyi", "/py.typed"))]
        if stubs and not any(_STUBS.search(text) for _, text in self._python[wheel.name]):
            yield from stubs

    @cached_property
    def _python(self) -> Mapping[str, Sequence[tuple[str, bytes]]]:
        """Path and code of each module of each dependency."""
        return {
            wheel.name: [(e.file.path, archive.content(e)) for e in wheel.entries if e.file.path.endswith(".py")]
            for wheel in self._wheels
        }

    @cached_property
    def _folders(self) -> frozenset[str]:
        """Folders named ``tests``, and those named ``test`` that hold tests: some packages have an API of that name."""
        paths = [(_test_folder(e.file.path), e.file.path) for wheel in self._wheels for e in wheel.entries]
        return frozenset(
            folder for folder, path in paths
            if folder and (folder.endswith("tests") or PurePosixPath(path).name.startswith("test_"))
        )

    @cached_property
    def _imported(self) -> frozenset[str]:
        """The folders of tests that code outside of them imports, or names in a text as if to import it."""
        names = {folder.rpartition("/")[2] for folder in self._folders}
        if not names:
            return frozenset()
        mentioned = _mentions(names)
        dotted = {folder.replace("/", "."): folder for folder in self._folders}
        needed: set[str] = set()
        for path, text in (*(each for code in self._python.values() for each in code), *self._own):
            if _test_folder(path) in self._folders or not mentioned(text):
                continue
            try:
                modules = set(_modules(syntax.parse(text), path))
            except SyntaxError:  # of a newer Python, perhaps: all that it may mean
                tops = {path.split("/")[0], *re.findall(r"\w+", text.decode("utf-8", "replace"))}
                modules = {name for name in dotted if name.split(".")[0] in tops}
            needed |= {folder for name, folder in dotted.items() for m in modules if f"{m}.".startswith(f"{name}.")}
        return frozenset(needed)


def _test_folder(path: str) -> str:
    """The outermost folder of tests that the file is in; empty if it is in none."""
    parts = path.split("/")[:-1]
    depth = next((number for number, part in enumerate(parts, 1) if part in _FOLDERS), 0)
    return "/".join(parts[:depth])


def _modules(tree: ast.AST, path: str) -> Iterator[str]:
    """Full name of whatever the file at ``path`` imports, or says in a text that reads like a module."""
    package = path.split("/")[:-1]
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                yield from (alias.name for alias in names)
            case ast.ImportFrom(module=module, names=names, level=level):
                start = package[:len(package) + 1 - level] if level else []
                base = [*start, *([module] if module else [])]
                yield ".".join(base)
                yield from (".".join([*base, alias.name]) for alias in names)
            case ast.Constant(value=str(text)) if re.fullmatch(r"\.+\w+(\.\w+)*|\w+(\.\w+)+", text):
                yield ".".join([*package, text.lstrip(".")]) if text.startswith(".") else text


def _is_metadata(path: str) -> bool:
    folder, _, name = path.partition("/")
    return folder.endswith(".dist-info") and name not in _METADATA and not _LEGAL.match(name)
