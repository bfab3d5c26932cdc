"""Handlers that begin with the same imports are tried in forks of one process, which has done these imports.

That is as good as a process of its own only where those imports are the first that the handler does, and did nothing
but to load code: see ``probe.prepare``. On Linux.
"""

from __future__ import annotations

import ast
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryFile
from threading import Lock
from typing import Any

from .. import syntax
from ..model import Function
from . import archive
from .archive import Entries

DIFFERING = frozenset(
    {
        "AWS_LAMBDA_FUNCTION_NAME", "AWS_LAMBDA_LOG_GROUP_NAME", "LAMBDA_TASK_ROOT", "LD_LIBRARY_PATH", "TMPDIR",
        "_HANDLER",
    }
)
"""Variables that may be others in each fork. The rest is the same."""
_SECONDS = 30
"""For the imports that it does before it is forked."""
_IDLE = 4
"""So many are kept for the next handler of their kind."""
_Kind = tuple[tuple[str, ...], tuple[Path, ...], frozenset[tuple[str, str]], str]


class Fork:
    """The process that is forked, one fork at a time."""

    def __init__(self, script: list[str], folders: list[Path], environ: Mapping[str, str], imports: str) -> None:
        given = json.dumps({"imports": imports, "differing": sorted(DIFFERING)})
        self._socket, theirs = socket.socketpair()
        self._busy = False
        with theirs, TemporaryFile() as output:
            self._process = subprocess.Popen(
                [*script, given, *map(str, folders)], env=environ, cwd=os.sep, stdin=theirs.fileno(),
                stdout=output, stderr=output, start_new_session=True,
            )
        try:
            names = self._told(_SECONDS).get("names")
        except TimeoutError:
            names = None
        self.fit = self.usable = names is not None
        """Whether it can be forked at all, and now."""
        self._names = frozenset(names or ())

    def fits(self, tops: set[str]) -> bool:
        """Whether a handler that brings modules of these names would have been given the same by the imports."""
        return self.usable and not tops & self._names

    def begin(self, asked: Mapping[str, Any]) -> bool:
        """Let a fork try ``asked``. False: it is gone."""
        try:
            self._socket.sendall(json.dumps(asked).encode() + b"\n")
        except OSError:
            self.usable = False
        else:
            self._busy = True
        return self.usable

    def ended(self, seconds: float) -> bool:
        """Wait for the end of what was begun. False: it is gone. Raises TimeoutError."""
        self.usable = False
        self.usable = "status" in self._told(seconds)
        self._busy = False
        return self.usable

    def end(self) -> None:
        """Whatever it and its fork are doing."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._socket.close()

    @property
    def idle(self) -> bool:
        """Whether it may be used for another handler."""
        return self.usable and not self._busy

    def _told(self, seconds: float) -> dict[str, Any]:
        """Nothing where it died. Raises TimeoutError."""
        said = b""
        self._socket.settimeout(seconds)
        try:
            while not said.endswith(b"\n"):
                part = self._socket.recv(1 << 16)
                if not part:
                    return {}
                said += part
        except ConnectionError:
            return {}
        return dict(json.loads(said))


class Forks:
    """Those of one build, by what they are for."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._seen: set[_Kind] = set()
        self._unfit: set[_Kind] = set()
        self._idle: list[tuple[_Kind, Fork]] = []

    @contextmanager
    def one(
        self, script: list[str], folders: list[Path], environ: Mapping[str, str], imports: str
    ) -> Iterator[Fork | None]:
        """For one handler; None for the first of a kind, and where forks would not be as good."""
        kind = (tuple(script), tuple(folders), frozenset(environ.items()), imports)
        found = None
        with self._lock:
            if wanted := bool(imports) and kind in self._seen and kind not in self._unfit:
                place = next((number for number, (its, _) in enumerate(self._idle) if its == kind), None)
                found = None if place is None else self._idle.pop(place)[1]
            self._seen.add(kind)
        if wanted and found is None:
            found = Fork(script, folders, environ, imports)
        try:
            yield found
        finally:
            if found:
                self._back(kind, found)

    def _back(self, kind: _Kind, fork: Fork) -> None:
        gone = [] if fork.idle else [fork]
        with self._lock:
            if fork.idle:
                self._idle.append((kind, fork))
                gone += [other for _, other in self._idle[:-_IDLE]]
                del self._idle[:-_IDLE]
            elif not fork.fit:
                self._unfit.add(kind)
        for each in gone:
            each.end()

    def end(self) -> None:
        """Of all that wait."""
        for _, fork in self._idle:
            fork.end()


def imports(function: Function, own: Entries) -> str:
    """The statements that the handler begins with, if they import nothing of our ``own`` files; "" if there are none.

    None of ours may be compiled code, which is looked for where the variables of a process said when it began.
    """
    module, _, _ = function.handler.rpartition(".")
    tops = {path.split("/")[0].split(".")[0] for path in own}
    if sys.platform != "linux" or f"{module}.py" not in own or "/" in module or "." in module:
        return ""
    if any(path.startswith((f"{module}/", "lib/")) or ".so" in path for path in own):
        return ""
    try:
        tree = syntax.parse(archive.content(own[f"{module}.py"]))
    except SyntaxError:
        return ""
    return "\n".join(map(ast.unparse, _leading(tree.body, tops)))


def _leading(body: list[ast.stmt], tops: set[str]) -> Iterator[ast.stmt]:
    for statement in body:
        match statement:
            case ast.Expr(value=ast.Constant()) | ast.ImportFrom(module="__future__"):
                continue
            case ast.Import(names=names):
                wanted = [alias.name for alias in names]
            case ast.ImportFrom(module=str(module), names=names, level=0) if names[0].name != "*":
                wanted = [module]
            case _:
                return
        if tops & {name.split(".")[0] for name in wanted}:
            return
        yield statement
