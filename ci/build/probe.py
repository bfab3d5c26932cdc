"""Import a handler as Lambda would. Run as a script with ``-I -S``: its arguments are handler, runtime's own
libraries, answer, then the folders that the package lies in. It imports nothing of this project, and runs on every
Python that a runtime has.

The answer, a JSON file, is empty when the handler is there. Else ``kind`` is ``missing`` (``missing`` names the module
that cannot be found), ``library`` (it names the shared library), ``variable`` (it names the variable of the
environment), ``written`` (it names the file that Lambda lets nobody write), ``semaphore`` (Lambda has none), ``wrong``
(it would fail on Lambda too) or ``unclear`` (it may fail only here); ``file`` and ``line`` are where.

With an empty handler, and what to ``prepare`` in the place of the answer, it serves many: see ``serve``.

In this order: what makes the process as Lambda's (``Provided`` to ``ReadOnly``), the import and what it means
(``probe`` to ``_places``), the server of forks (``Noted`` to ``become``). All in one file: beside it lie modules that
are named as the standard library's, so that it may have no folder to import from.
"""

from __future__ import annotations

import errno
import importlib
import importlib.machinery
import json
import os
import re
import signal
import sys
from collections.abc import Iterable, Sequence
from types import ModuleType
from typing import Any, Dict, Iterator, List, Optional, Set, Tuple, Union

PROVIDED = (
    "boto3", "botocore", "s3transfer", "jmespath", "dateutil", "six", "urllib3", "awslambdaric", "snapshot_restore_py",
)
"""Modules of the Python runtimes themselves: https://docs.aws.amazon.com/lambda/latest/dg/lambda-python.html"""
_LOADED = ("decimal", "enum", "json", "logging", "math", "socket", "time", "traceback")
"""What the runtime has imported itself before the handler: of these names a package's own are not found."""
_PROJECTS = (*PROVIDED, "python-dateutil", "python_dateutil")
_WRITABLE = ("/tmp", "/mnt", "/dev", "/proc")
"""Where Lambda lets a function write: its own folder for temporary files, and file systems of EFS.

https://docs.aws.amazon.com/lambda/latest/dg/configuration-ephemeral-storage.html
"""
_BYTECODE = re.compile(r"/__pycache__$|\.pyc(\.\d+)?$")
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND

_SECONDS = 60
"""After which it ends, whatever it does."""
_OF_CODE = ("cannot import name", "attempted relative import")
_LIBRARY = re.compile(r"(\S+): (?:cannot open shared object file|file too short)")
"""The second of an empty file, which stands for a library that Lambda has not, where this host has it."""
_NAME = re.compile(r"[^ ]+?\.so(\.\d+)?")
"""By which the loader looks for ``libmagic.so.1.0.0``: without what follows the first number."""
_USUAL = re.compile(
    r"ld-|lib(c|m|dl|rt|pthread|util|resolv|nsl|anl|crypt|nss_\w+|thread_db|gcc_s|stdc\+\+|z|python3[\d.m]*)[-.]"
    r"|lib(ssl|crypto|ffi|bz2|lzma|sqlite3|readline|tinfo|(n?curses|panel)w?|expat|uuid|mpdec|gdbm\w*|db|tirpc)[-.]"
)
"""Libraries of the host that the runtime has too, or that Python's own modules are linked to."""


class Provided:
    """Finds in ``folder`` what Lambda's runtime provides, and nothing else that lies there."""

    def __init__(self, folder: str) -> None:
        self._folder = folder

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if path is None and name in PROVIDED:
            return importlib.machinery.PathFinder.find_spec(name, [self._folder], target)
        return None

    def find_distributions(self, context: Any) -> Iterable[Any]:
        """What importlib.metadata tells of them."""
        from importlib.metadata import DistributionFinder, MetadataPathFinder

        for name in _PROJECTS if context.name is None else {context.name} & set(_PROJECTS):
            # An instance: it is a method of one in some versions of Python, and of the class in others.
            there = DistributionFinder.Context(name=name, path=[self._folder])
            yield from MetadataPathFinder().find_distributions(there)


def load_as_runtime(folders: Sequence[str]) -> None:
    """Import what Lambda's runtime has by then, where it makes a difference: a module lies there of such a name.

    https://github.com/aws/aws-lambda-python-runtime-interface-client
    """
    names = {name.partition(".")[0] for folder in folders for name in os.listdir(folder)}
    if names & set(getattr(sys, "stdlib_module_names", names)):
        for module in _LOADED:
            importlib.import_module(module)


def without_semaphores() -> None:
    """Locks, queues and pools of multiprocessing need shared memory, which Lambda has not.

    https://aws.amazon.com/blogs/compute/parallel-processing-in-python-with-aws-lambda/
    """
    try:
        implementation: Any = importlib.import_module("_multiprocessing")
    except ImportError:
        return

    class SemLock(implementation.SemLock):  # type: ignore[misc]
        def __new__(cls, *arguments: Any, **named: Any) -> None:  # type: ignore[misc]
            raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))

    implementation.SemLock = SemLock


class ReadOnly:
    """Lets nobody write but where Lambda does; ``end`` lets everybody. Bytecode may be written: nobody would see it."""

    def __init__(self, folders: Sequence[str], writable: str) -> None:
        self.refused: Set[str] = set()
        self._folders = tuple(os.path.join(folder, "") for folder in folders)
        self._writable = tuple(os.path.join(folder, "") for folder in (writable, *_WRITABLE))
        self._active = True
        sys.addaudithook(self._audit)

    def _audit(self, event: str, arguments: Tuple[Any, ...]) -> None:
        if event == "open" and arguments[2] & _WRITES or event == "os.mkdir":
            new = event == "os.mkdir"
            if self._active and isinstance(arguments[0], (str, bytes)) and not (new and arguments[2] >= 0):
                self._refuse(os.path.abspath(os.fsdecode(arguments[0])), arguments[0], new)

    def _refuse(self, path: str, named: Union[str, bytes], new: bool) -> None:
        within = os.path.join(path, "")  # a temporary file without a name is opened by its folder's
        if within.startswith(self._writable) and not within.startswith(self._folders):
            return
        if _BYTECODE.search(path):
            return
        if os.path.isdir(os.path.dirname(path)) and not (new and os.path.exists(path)):
            self.refused.add(os.fsdecode(named))
            raise OSError(errno.EROFS, os.strerror(errno.EROFS), named)

    def end(self) -> None:
        self._active = False


def probe(handler: str, libraries: str, folders: Sequence[str], writable: str) -> dict[str, str]:
    """Lambda's runtime does the same: https://github.com/aws/aws-lambda-python-runtime-interface-client"""
    read_only = ReadOnly(folders, writable)
    try:
        return _probe(handler, libraries, folders, read_only.refused)
    finally:
        read_only.end()


def _probe(handler: str, libraries: str, folders: Sequence[str], refused: Set[str]) -> dict[str, str]:
    module, _, name = handler.rpartition(".")
    module = module.replace("/", ".")
    answer = {"kind": "wrong", "missing": "", "file": "", "line": ""}
    try:
        found = getattr(importlib.import_module(module), name)
    except (Exception, SystemExit) as error:
        kind, missing = _kind(error, module, name, refused)
        if kind == "library" and not (getattr(error, "path", None) or folders[0]).startswith(tuple(folders)):
            kind = "unclear"  # of the Python of this host, whose libraries are others
        if kind == "wrong" and missing:
            return {**answer, "what": f"{module} does not define {name}"}
        places = _places(error)
        # The libraries here are of another version than the runtime's, and may want another Python.
        if places and libraries and places[-1][0].startswith(libraries):
            kind = "unclear"
        file, line = next((place for place in reversed(places) if place[0].startswith(tuple(folders))), ("", ""))
        what = f"{type(error).__name__}: {error}"
        if kind == "library":
            what = f"{type(error).__name__}: {missing}: cannot open shared object file: No such file or directory"
        return {"kind": kind, "what": what, "missing": missing, "file": file, "line": line}
    if not callable(found):
        return {**answer, "what": f"{handler} is not callable"}
    names = borrowed((*folders, libraries, os.path.dirname(os.__file__)))
    return {**answer, "kind": "borrowed", "what": "", "missing": " ".join(names)} if names else {}


def borrowed(folders: Sequence[str]) -> List[str]:
    """Names of the shared libraries that were loaded from elsewhere than ``folders``, and that Lambda may not have."""
    try:
        with open("/proc/self/maps", encoding="utf-8", errors="replace") as maps:
            paths = {line.split(None, 5)[5] for line in maps if ".so" in line}
    except OSError:
        return []
    known = tuple(os.path.join(folder, "") for folder in folders if folder)
    found = (_NAME.match(os.path.basename(path)) for path in paths if not path.startswith(known))
    return sorted({name[0] for name in found if name and not _USUAL.match(name[0])})


def _kind(error: BaseException, module: str, name: str, refused: Set[str]) -> tuple[str, str]:
    """What it means for Lambda, and the name of what is missing."""
    if isinstance(error, KeyError) and _of_environment(error):
        return "variable", str(error.args[0])
    if isinstance(error, OSError) and error.errno == errno.EROFS and str(error.filename) in refused:
        return "written", str(error.filename)
    if isinstance(error, OSError) and error.errno == errno.ENOSYS and "multiprocessing" in sys.modules:
        return "semaphore", ""
    if isinstance(error, ModuleNotFoundError):
        # Distributions build Python without some of its library; Lambda's has all that Linux can have.
        missing = error.name or ""
        return ("unclear" if missing in getattr(sys, "stdlib_module_names", ()) else "missing"), missing
    if isinstance(error, (ImportError, OSError)) and (library := _LIBRARY.search(str(error))):
        return "library", os.path.basename(library[1])
    if isinstance(error, ImportError):
        return ("wrong" if str(error).startswith(_OF_CODE) else "unclear"), ""
    if isinstance(error, AttributeError):
        module_itself = sys.modules.get(module)
        own = module_itself is not None and error.__traceback__ is not None and error.__traceback__.tb_next is None
        return ("wrong", name) if own else ("unclear", "")
    return ("wrong" if isinstance(error, (SyntaxError, SystemExit)) else "unclear"), ""


def _of_environment(error: BaseException) -> bool:
    """Whether it was raised by ``os.environ[...]``."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return trace is not None and trace.tb_frame.f_code is type(os.environ).__getitem__.__code__


def _places(error: BaseException) -> list[tuple[str, str]]:
    """File and line of each statement that was under way, the innermost last."""
    if isinstance(error, SyntaxError):
        return [(error.filename or "", str(error.lineno or ""))]
    places = []
    trace = error.__traceback__
    while trace is not None:
        places.append((trace.tb_frame.f_code.co_filename, str(trace.tb_lineno)))
        trace = trace.tb_next
    return [place for place in places if not place[0].startswith("<")]


class Noted(type(os.environ)):  # type: ignore[misc]
    """Variables of the environment, that notes which were read: ``""`` for all of them."""

    read: Set[str] = set()

    def __getitem__(self, key: str) -> str:
        self.read.add(key)
        return str(super().__getitem__(key))

    def __iter__(self) -> Iterator[str]:
        self.read.add("")
        return iter(super().__iter__())


class Missed:
    """The last finder: what nobody has."""

    def __init__(self) -> None:
        self.names: Set[str] = set()

    def find_spec(self, name: str, path: Optional[Sequence[str]] = None, target: Optional[ModuleType] = None) -> None:
        self.names.add(name)


def prepare(imports: str, differing: Set[str]) -> Optional[List[str]]:
    """Run the import statements that several handlers begin with; a fork of this process then is as if it had.

    None where it would not be: a thread, a file left open, something printed, a variable read that is ``differing``, a
    relative path opened. Else the names at the top of all modules that were looked for: a handler that brings one of
    them might have changed what these imports found.
    """
    missed, usual, elsewhere = Missed(), type(os.environ), []
    active = [True]

    def audit(event: str, arguments: Tuple[object, ...]) -> None:
        if active and event in ("open", "os.listdir", "os.scandir", "subprocess.Popen", "os.fork", "socket.connect"):
            place = arguments[0]
            if event not in ("open", "os.listdir", "os.scandir"):
                elsewhere.append(event)
            elif place is None or isinstance(place, (str, bytes)) and _near(place):
                elsewhere.append(event)

    sys.addaudithook(audit)
    sys.meta_path.append(missed)
    files = os.listdir("/proc/self/fd")
    os.environ.__class__ = Noted
    try:
        exec(imports, {"__name__": "handler"})
    except BaseException:
        return None
    finally:
        os.environ.__class__ = usual
        active.clear()
        sys.meta_path.remove(missed)
    alone = 1 == len(os.listdir("/proc/self/task")) and len(files) == len(os.listdir("/proc/self/fd"))
    sys.stdout.flush()
    if not alone or elsewhere or os.fstat(1).st_size or Noted.read & (differing | {""}):
        return None
    return sorted({name.partition(".")[0] for name in (*sys.modules, *missed.names)})


def _near(place: Union[str, bytes]) -> bool:
    """Relative, or in the working directory, which is the root."""
    path = os.fsdecode(place)
    return not os.path.isabs(path) or os.path.dirname(path) == os.sep


def serve(imports: str, differing: Sequence[str]) -> Dict[str, Any]:
    """Prepare, then fork for each line on standard input, a socket. What is asked for is returned in the child only."""
    signal.alarm(_SECONDS)
    tell({"names": prepare(imports, set(differing))})
    signal.alarm(0)
    while True:
        line = b""
        while not line.endswith(b"\n"):
            part = os.read(0, 1 << 16)
            if not part:
                os._exit(0)
            line += part
        child = os.fork()
        if child == 0:
            return become(json.loads(line))
        tell({"status": os.waitpid(child, 0)[1]})


def tell(what: Dict[str, Any]) -> None:
    os.write(0, json.dumps(what).encode() + b"\n")


def become(asked: Dict[str, Any]) -> Dict[str, Any]:
    """A process as if it had been started for what is asked."""
    output = os.open(asked["output"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for number, file in ((0, nothing), (1, output), (2, output)):
        os.dup2(file, number)
    os.close(nothing)
    os.close(output)
    os.environ.clear()
    os.environ.update(asked["environ"])
    os.chdir(asked["folders"][0])
    return asked


if __name__ == "__main__":
    _, handle, libraries, answer, *folders = sys.argv
    sys.meta_path.append(Provided(libraries))
    without_semaphores()
    forked = not handle
    if forked:
        sys.path[:0] = folders
        given = json.loads(answer)
        asked = serve(given["imports"], given["differing"])
        load_as_runtime(asked["folders"])
        sys.path[:len(folders)] = folders = asked["folders"]
        handle, answer = asked["handler"], asked["answer"]
    else:
        load_as_runtime(folders)
        sys.path[:0] = folders
    del sys.argv[1:]  # Lambda gives none: a handler may read them
    signal.alarm(_SECONDS)  # whoever started it may be killed before it ends it
    said = probe(handle, libraries, folders, os.environ["TMPDIR"])
    with open(answer, "w", encoding="utf-8") as stream:
        json.dump(said, stream)
    # Threads of the handler may never end, and to take numpy apart takes a fifth of the time.
    os._exit(0)
