"""Import the handler as Lambda would, in a process of its own, where a Python of this host can load the package."""

from __future__ import annotations

import json
import os
import platform
import select
import signal
import subprocess
import sys
from collections.abc import Container, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Self

from ..model import Function
from . import elf, fork, probe, runtime, target
from .archive import Entries
from .cache import Cache
from .elf import Binary
from .fork import Fork, Forks
from .handler import Finding
from .shelf import Shelf
from .target import Target
from .tree import Tree, lay

_SECONDS = 30
"""Lambda gives an import 10 s; a busy build host may be slower."""
_OLDEST = (3, 8)
"""The Python that ``probe`` is written for."""
_LINES = 5
"""Of what the handler printed, so many are shown."""


class Trial:
    """The import of one handler, in ``folder``, which holds our own files, with its dependencies in ``tree``.

    It is done in ``fork``, where there is one, or a process of its own, which also does it over when the fork failed.
    """

    def __init__(
        self, function: Function, python: str, folder: Path, tree: Tree | None, fork: Fork | None = None
    ) -> None:
        self._function = function
        self._python = python
        self._folder = folder
        self._tree = tree
        self._values = runtime.values(function)
        self._fork = fork
        self._without: set[str] = set()
        self._process = None if fork and self._forked(fork) else self._begin()

    def finding(self) -> Finding | None:
        """Wait for the end of it. None: the handler is there."""
        if self._process is None and self._fork:
            try:
                if self._fork.ended(_SECONDS) and self._answer() == {}:
                    return None
            except TimeoutError:
                return self._late()
            self._process = self._begin()
        found = self._ended()
        tree = self._tree
        if found is None or tree is None or tree.whole and (tree.new or not found.certain):
            return found
        tree.lay_whole()  # what was laid out earlier may have been damaged since
        self._process = self._begin()
        return self._ended()

    def end(self) -> None:
        """Whatever it is doing, and what it has started; but for a fork."""
        if self._process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None

    def _forked(self, fork: Fork) -> bool:
        places = self._places()
        return fork.begin({
            "handler": self._function.handler, "answer": str(self._folder / "answer"),
            "output": str(self._folder / "output"), "folders": [str(place) for place in places],
            "environ": runtime.environ(self._function, self._folder, places),
        })

    def _begin(self) -> subprocess.Popen[bytes]:
        places = self._places()
        (self._folder / "answer").unlink(missing_ok=True)
        with (self._folder / "output").open("wb") as output:
            return subprocess.Popen(
                [*_script(self._python, self._function.handler), self._folder / "answer", *places],
                cwd=places[0], env=runtime.environ(self._function, self._folder, places),
                stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, start_new_session=True,
            )

    def _places(self) -> list[Path]:
        return [self._folder / "task", *([self._tree.path] if self._tree else [])]

    def _answer(self) -> dict[str, str] | None:
        """None where it gave none."""
        try:
            return dict(json.loads((self._folder / "answer").read_bytes()))
        except (FileNotFoundError, ValueError):
            return None

    def _ended(self) -> Finding | None:
        late = self._process is not None and not _ends(self._process)
        self.end()
        if late:
            return self._late()
        said = self._answer()
        if said is None:
            return Finding("Python ended while importing it", certain=False, output=self._output())
        if not said or said["kind"] == "borrowed" and self._without.issuperset(said["missing"].split()):
            return None
        if said["kind"] == "borrowed":
            self._without.update(said["missing"].split())
            _lack(self._folder, self._without)
            self._process = self._begin()
            return self._ended()
        kind, missing = said["kind"], self._shown(said["missing"])
        certain = kind != "unclear"
        if kind == "library":
            certain = not elf.provided(missing, target.of(self._function.runtime, self._function.architecture))
        elif kind == "variable":
            certain = not runtime.SET.fullmatch(missing) and not self._function.settings.get("Layers")
        what = self._shown(said["what"])
        if self._without:
            more = f" and {len(self._without) - 3} more" if len(self._without) > 3 else ""
            what, certain = f"without {', '.join(sorted(self._without)[:3])}{more} of this host: {what}", False
        return Finding(
            what, "" if kind in ("variable", "written") else missing, kind, certain,
            self._shown(said["file"]), said["line"], self._output(),
        )

    def _late(self) -> Finding:
        return Finding(f"it was still importing after {_SECONDS} s", certain=False, output=self._output())

    def _output(self) -> str:
        printed = (self._folder / "output").read_text("utf-8", "replace").splitlines()
        return self._shown("\n".join([line for line in printed if line.strip()][-_LINES:]))

    def _shown(self, text: str) -> str:
        """``text`` without the folders of this host and the values of the function's variables."""
        for value in sorted(self._values.values(), key=len, reverse=True):
            text = text.replace(value, "***") if len(value) > 3 else text
        for place in self._places():
            text = text.replace(f"{place}{os.sep}", "")
        return text


class Trials:
    """What the trials of one build share. ``shelf`` has files that need not be decompressed again."""

    def __init__(self, cache: Cache, shelf: Shelf | None = None) -> None:
        self._cache = cache
        self._shelf = shelf
        self._forks = Forks()
        self._under_way: set[Trial] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        for trial in tuple(self._under_way):
            trial.end()  # the build is broken off: nobody waits for it
        self._forks.end()

    @contextmanager
    def begun(
        self, function: Function, python: str, package: Entries, brought: Container[str], folder: Path,
        lacked: Iterable[str] = (),
    ) -> Iterator[Trial]:
        """The handler's import, under way: of ``package``, of which ``brought`` are the paths of dependencies.

        The shared libraries ``lacked`` are not found, as on Lambda.
        """
        dependencies = {path: entry for path, entry in package.items() if path in brought}
        own = {path: entry for path, entry in package.items() if path not in brought}
        # Else a folder of both would be found in one place only; and so it is where Lambda has a layer.
        apart = bool(function.packaging.layer) or not _tops(own) & _tops(dependencies)
        (folder / "tmp").mkdir()
        _lack(folder, lacked)
        lay(own if apart else package, folder / "task", self._shelf)
        tree = Tree(dependencies, self._cache, self._shelf) if apart and dependencies else None
        forkable = own if apart and not lacked else {}
        with self._forks.one(*self._kind(function, python, forkable, tree)) as found:
            usable = found if found and found.fits(_tops(own)) else None
            trial = Trial(function, python, folder.absolute(), tree, usable)
            self._under_way.add(trial)
            try:
                yield trial
            finally:
                self._under_way.discard(trial)
                trial.end()

    def _kind(
        self, function: Function, python: str, own: Entries, tree: Tree | None
    ) -> tuple[list[str], list[Path], dict[str, str], str]:
        """Of what the import's process is a fork, if of any."""
        places = [tree.path] if tree else []
        variables = runtime.environ(function, Path(), places or [Path()])
        same = {name: value for name, value in variables.items() if name not in fork.DIFFERING}
        same["LD_LIBRARY_PATH"] = runtime.libraries(function, Path(), places)
        return _script(python, ""), places, same, fork.imports(function, own)


def interpreter(target: Target, package: Entries, binaries: Mapping[str, Binary]) -> str | None:
    """A Python of this host that imports what the package holds: of the target's minor version.

    For compiled code, ``binaries``, the host also has the target's processor, and a glibc with every symbol it needs.
    """
    compiled = {path for path in package if ".so" in path or path in binaries}
    if compiled:
        library, version = platform.libc_ver()
        newest = max((binary.glibc for binary in binaries.values()), default=(0, 0))
        if compiled - binaries.keys() or sys.platform != "linux" or platform.machine() != target.machine:
            return None
        if library != "glibc" or tuple(map(int, version.split("."))) < newest:
            return None
    if sys.implementation.name == "cpython" and sys.version_info[:2] == target.python:
        return sys.executable
    return _installed(target.version) if target.python >= _OLDEST else None


def _lack(folder: Path, names: Iterable[str]) -> None:
    for name in names:
        (folder / runtime.LACKED).mkdir(exist_ok=True)
        (folder / runtime.LACKED / name).touch()


def _script(python: str, handler: str) -> list[str]:
    """What imports the handler, but for where."""
    boto = find_spec("botocore")
    libraries = str(Path(boto.origin).parent.parent) if boto and boto.origin else ""
    return [python, "-I", "-S", "-u", "-X", "utf8", probe.__file__, handler, libraries]


def _ends(process: subprocess.Popen[bytes]) -> bool:
    """Wait for that, without looking again and again, for as long as it may take."""
    if sys.platform != "linux":
        try:
            process.wait(_SECONDS)
        except subprocess.TimeoutExpired:
            return False
        return True
    ended = os.pidfd_open(process.pid)  # the number stays taken until ``end``
    try:
        return bool(select.select([ended], [], [], _SECONDS)[0])
    finally:
        os.close(ended)


@lru_cache
def _installed(version: str) -> str | None:
    """CPython of this minor version, on the PATH or of pyenv; what stands for it there (a shim) may start another."""
    name = f"python{version}"
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    folders = [Path(folder) for folder in os.environ.get("PATH", "").split(os.pathsep) if folder]
    found = [folder / name for folder in folders if folder.name != "shims"]
    found += sorted(pyenv.glob(f"versions/{version}.*/bin/{name}"), reverse=True)
    return next((str(path.absolute()) for path in found if os.access(path, os.X_OK)), None)


def _tops(package: Entries) -> set[str]:
    """The names that can be imported of it, at least."""
    return {path.split("/")[0].split(".")[0] for path in package}
