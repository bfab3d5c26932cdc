"""The command as its users run it: in this process where that is enough, else as a process of its own."""

from __future__ import annotations

import contextlib
import io
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

from ci import cli

ROOT = Path(cli.__file__).parent.parent


@dataclass(frozen=True)
class Result:
    """Exit code and what was printed."""

    code: int
    out: str
    err: str


def run(*arguments: str, environment: Mapping[str, str]) -> Result:
    """``dollop`` in this process, errors and exit code included. Signals need ``spawn``."""
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True) for _ in range(2))
    with (
        mock.patch.dict(os.environ, environment),
        mock.patch.object(sys, "argv", ["dollop", *arguments]),
        mock.patch.object(cli.signal, "signal"),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        try:
            cli.main()
        except SystemExit as ended:
            code = int(ended.code or 0)
    texts = (stream.buffer.getvalue().decode() for stream in (out, err))  # type: ignore[attr-defined]
    return Result(code, *texts)


def spawn(
    *arguments: str, environment: Mapping[str, str], folder: Path, stderr: str = "read"
) -> subprocess.Popen[str]:
    """``python -m ci`` as a process, not waited for. stderr is ``read``, or goes to what is ``gone`` or ``full``."""
    ends = {"read": lambda: subprocess.PIPE, "gone": _gone, "full": lambda: os.open("/dev/full", os.O_WRONLY)}
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    return subprocess.Popen(
        (sys.executable, "-m", "ci", *arguments),
        cwd=folder,
        env={**os.environ, **environment, "PYTHONPATH": path},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=ends[stderr](),
        text=True,
    )


def _gone() -> int:
    """A pipe that nobody reads any more."""
    reading, writing = os.pipe()
    os.close(reading)
    return writing
