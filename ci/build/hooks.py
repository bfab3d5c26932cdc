"""The user's own commands before a build and before a deploy, each in a copy of its function's files."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from threading import Thread
from typing import IO

from ..errors import BuildError
from ..model import Function
from . import sources
from .inputs import Inputs, sha256_of
from .sources import Source

_PASSED_ON = re.compile(
    r"PATH|HOME|USER|LOGNAME|SHELL|TMPDIR|TZ|LANG|LC_.*|CI|SSL_CERT_FILE|SSL_CERT_DIR|REQUESTS_CA_BUNDLE"
    r"|(https?|no|all)_proxy|(HTTPS?|NO|ALL)_PROXY|PIP_.*|UV_.*"
)
"""The variables that a hook gets: what it takes to run and to install, and no credentials of AWS or GitHub.

That keeps them out of what it prints and leaves behind, not from code that looks for them where this tool runs.
"""
_LINE_LIMIT = 10_000
"""Bytes of a line of its output that are shown together."""


def lay_out(files: Iterable[Source], folder: Path) -> None:
    """Copy ``files`` into ``folder``, each to its path in the package."""
    for source in files:
        file = folder / source.path
        file.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source.file, file)
        file.chmod(source.mode)


def run(function: Function, when: str, command: str, folder: Path, say: Callable[[str], None]) -> None:
    """Run the hook ``when`` (build, deploy) in ``folder``; ``say`` is told each line of its output.

    Raises BuildError when it fails or takes longer than the function's hooks may. What it started ends with it.
    """
    say(f"{function.name}: {when} hook: {command}")
    process = subprocess.Popen(
        ["/bin/sh", "-c", command], cwd=folder, start_new_session=True,
        env={name: value for name, value in os.environ.items() if _PASSED_ON.fullmatch(name)},
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )
    assert process.stdout is not None
    reader = Thread(target=_tell, args=(process.stdout, f"{function.name}: ", say), daemon=True)
    reader.start()
    what = f"function {function.name}: the {when} hook"
    try:
        status = process.wait(function.hooks.timeout)
    except subprocess.TimeoutExpired:
        raise BuildError(
            f"{what} was still running after {function.hooks.timeout} s: {command}", "or raise hooks.timeout"
        ) from None
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        reader.join()
        process.stdout.close()
    if status:
        raise BuildError(f"{what} failed with exit code {status}: {command}", "its output is above; mend it, run again")


def applied(inputs: Inputs, folder: Path, say: Callable[[str], None]) -> Inputs:
    """The same inputs with what the function's build hook made of a copy of its files in ``folder``.

    They keep their ``key``: it has the files and the command. Raises BuildError, see ``run``.
    """
    function = inputs.function
    if not function.hooks.build:
        return inputs
    lay_out(inputs.sources, folder)
    run(function, "build", function.hooks.build, folder, say)
    found = sources.collect(replace(function, source=Path(folder.name), include=()), folder.parent)
    return replace(inputs, sources=found, hashes=tuple(sha256_of(source.file) for source in found))


def _tell(stream: IO[bytes], before: str, say: Callable[[str], None]) -> None:
    for line in iter(lambda: stream.readline(_LINE_LIMIT), b""):
        say(before + line.decode(errors="replace").rstrip())
