"""Run uv, and say what it says without the addresses it names."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from ..errors import BuildError

_ADDRESS = re.compile(r"(?!file:)\b[a-z][a-z0-9+.-]*://[^\s`'\",)]+", re.IGNORECASE)
_ORNAMENT = re.compile(r"^[\s×╰─▶│├▲]+", re.MULTILINE)
_COMMON = ("--color=never", "--no-python-downloads", "--python", sys.executable)
_KEPT_BACK = re.compile(
    r"AWS_(ACCESS_KEY_ID|SECRET_ACCESS_KEY|SESSION_TOKEN|SECURITY_TOKEN|CONTAINER_.*|WEB_IDENTITY_TOKEN_FILE)"
    r"|ACTIONS_.*|GITHUB_(ENV|PATH|OUTPUT|STATE|STEP_SUMMARY)"
)
"""Variables that the build of a dependency has no use for: whoever releases lends it no credentials, and no word in
the summary that others approve. A keyring, where uv is to ask one, may need those of AWS."""
_OPTION = re.compile(r"\s*hint: The `--python-version` value .*$|\s\^+(?=\s|$)", re.DOTALL)
"""What uv says to whoever runs it, or below a line that is no longer one."""
_TELLING = (re.compile(r"fatal error:"), re.compile(r"error\b", re.IGNORECASE))
"""Lines of a failed build that say why, best first: after them come those of whatever gives up for it."""
_PROGRESS = ("Building", "Resolved", "Using", "warning:")
_UNREAD = (
    (re.compile(r"40[13] (unauthorized|forbidden)|unauthorized|authentication credentials", re.IGNORECASE),
     "check the user name and password of the index, where uv is told them"),
    (re.compile(r"error sending request|failed to fetch|dns error|timed out|error \(connect\)", re.IGNORECASE),
     "check the network, HTTPS_PROXY, SSL_CERT_FILE and the index that uv is told (UV_DEFAULT_INDEX, uv.toml)"),
)
_HINTS = (
    (re.compile(r"Distribution not found at"), "check the path: it begins at the folder of pipeline.yaml"),
    (re.compile(r"(does not satisfy|requires) Python"),
     "require a version that runs on the function's runtime, or give the function another runtime"),
    (re.compile(r"not found in the package registry|there (is|are) no version|\bonly\b.*\bavailable", re.IGNORECASE),
     "check the names and versions that are required, and the index that uv is told: "
     "one that refuses the password looks like an empty one"),
    (re.compile(r"no solution", re.IGNORECASE), "the requirements contradict each other: change one of them"),
    (re.compile(r"parse requirement|expected '-c'|or whitespace, found", re.IGNORECASE),
     "correct that line: https://pip.pypa.io/en/stable/reference/requirements-file-format/"),
)


class Unread(BuildError):
    """The index cannot be asked: what it has is not known."""


class Uv:
    """The uv that is installed beside us, run with ``environ``, which may hold credentials.

    It never downloads a Python, and builds with the one that runs us.
    """

    def __init__(self, environ: Mapping[str, str]) -> None:
        from uv import find_uv_bin

        asks = environ.get("UV_KEYRING_PROVIDER", "disabled") != "disabled"
        self._environ = {
            name: value for name, value in environ.items()
            if not _KEPT_BACK.fullmatch(name) or asks and name.startswith("AWS_")
        }
        self._program = find_uv_bin()

    def run(
        self, arguments: Sequence[object], folder: Path, what: str, stdin: str = "", **environ: str
    ) -> str:
        """uv's standard output.

        Raises BuildError, headed by ``what``, with what uv said and without addresses.
        """
        return self._said([*map(str, arguments), *_COMMON], folder, what, stdin, environ)

    def tool(
        self, packages: Sequence[str], command: Sequence[str], folder: Path, what: str, **environ: str
    ) -> str:
        """The standard output of a tool that uv fetches and runs; ``packages`` are the tool's own and its plugins.

        Raises BuildError, as ``run``.
        """
        plugins = [word for package in packages[1:] for word in ("--with", package)]
        arguments = ["tool", "run", *_COMMON, "--quiet", "--from", packages[0], *plugins, *command]
        return self._said(arguments, folder, what, "", environ)

    def _said(
        self, arguments: Sequence[str], folder: Path, what: str, stdin: str, environ: Mapping[str, str]
    ) -> str:
        done = subprocess.run(
            [self._program, *arguments], cwd=folder, env={**self._environ, **environ}, input=stdin,
            capture_output=True, encoding="utf-8", errors="replace", check=False,
        )
        if done.returncode == 0:
            return done.stdout
        said = _ADDRESS.sub("the package index", done.stderr)
        raise _error(what, said.replace(f"{folder.as_uri()}/", "").replace(f"{folder}{os.sep}", ""))


def _error(what: str, stderr: str) -> BuildError:
    """What uv said went wrong, and the most telling line of what it ran."""
    before, _, after = _ORNAMENT.sub("", stderr).rpartition("\nerror: ")
    said = _OPTION.sub("", " ".join((after or stderr).removeprefix("error: ").split()))
    hint = next((hint for pattern, hint in (*_UNREAD, *_HINTS) if pattern.search(said)), "see what uv says")
    kind = Unread if any(pattern.search(said) for pattern, _ in _UNREAD) else BuildError
    printed = [line.strip() for line in before.splitlines() if line.strip() and not line.startswith(_PROGRESS)]
    if printed:
        telling = ([line for line in printed if pattern.search(line)] for pattern in _TELLING)
        said = f"{next(filter(None, telling), printed)[-1]} ({said})"
    return kind(f"{what}: {said}", hint)
