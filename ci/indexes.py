"""Where packages come from on this machine: pip's configuration, said to uv. Standard library only.

uv reads nothing of pip's (https://docs.astral.sh/uv/pip/compatibility/), yet pip's is what people have
set up: a mirror, a private index, a folder of wheels, a proxy, a certificate. What is set for uv
itself wins.
"""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Mapping

_VARIABLES = {
    "index-url": "UV_DEFAULT_INDEX",
    "extra-index-url": "UV_INDEX",
    "find-links": "UV_FIND_LINKS",
    "trusted-host": "UV_INSECURE_HOST",
    "cert": "SSL_CERT_FILE",
    "client-cert": "SSL_CLIENT_CERT",
    "proxy": "ALL_PROXY",
}


def uv_environment(environ: Mapping[str, str] = os.environ, python: str = sys.executable) -> dict[str, str]:
    """``environ`` for running uv, with what pip is configured to on this machine. It may hold credentials.

    Where ``python`` has no pip there is nothing to say, and ``environ`` comes back as it is.
    """
    said = subprocess.run(
        [python, "-m", "pip", "--disable-pip-version-check", "config", "list"],
        env=dict(environ), capture_output=True, text=True, check=False,
    ).stdout
    return {**translate(said), **environ}


def translate(listing: str) -> dict[str, str]:
    """What ``pip config list`` printed, as variables of uv.

    pip's order of precedence: ``global``, then the command's own section, then the environment.
    https://pip.pypa.io/en/stable/topics/configuration/
    """
    said: dict[str, str] = {}
    for section in ("global.", "install.", ":env:."):
        for line in listing.splitlines():
            key, separator, value = line.partition("=")
            if separator and key.startswith(section):
                said[key.removeprefix(section)] = ast.literal_eval(value)
    variables = {_VARIABLES[key]: " ".join(value.split()) for key, value in said.items() if key in _VARIABLES and value}
    if "UV_FIND_LINKS" in variables:
        variables["UV_FIND_LINKS"] = variables["UV_FIND_LINKS"].replace(" ", ",")  # where uv wants commas
    if said.get("no-index", "0").lower() in ("1", "true", "yes", "on"):
        variables["UV_OFFLINE"] = "1"  # uv has no variable for --no-index; folders of wheels are read offline too
    if "UV_INDEX" in variables:
        variables["UV_INDEX_STRATEGY"] = "unsafe-best-match"  # as pip: the best of all indexes, not of the first
    return variables
