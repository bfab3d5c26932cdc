"""Where packages come from on this machine: pip's configuration, said to uv. Standard library only.

uv reads nothing of pip's (https://docs.astral.sh/uv/pip/compatibility/), yet pip's is what people have
set up: a mirror, a private index, a folder of wheels, a proxy, a certificate. What is set for uv
itself wins. pip is not asked: to start it takes as long as to resolve.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

_VARIABLES = {
    "index-url": "UV_DEFAULT_INDEX",
    "extra-index-url": "UV_INDEX",
    "find-links": "UV_FIND_LINKS",
    "trusted-host": "UV_INSECURE_HOST",
    "cert": "SSL_CERT_FILE",
    "client-cert": "SSL_CLIENT_CERT",
    "proxy": "ALL_PROXY",
}


def uv_environment(environ: Mapping[str, str] = os.environ, prefix: str = sys.prefix) -> dict[str, str]:
    """``environ`` for running uv, with what pip of the environment ``prefix`` is configured to.

    It may hold credentials.
    """
    return {**translate(settings(environ, prefix)), **environ}


def translate(said: Mapping[str, str]) -> dict[str, str]:
    """pip's settings as variables of uv."""
    variables = {_VARIABLES[key]: " ".join(value.split()) for key, value in said.items() if key in _VARIABLES and value}
    if "UV_FIND_LINKS" in variables:
        variables["UV_FIND_LINKS"] = variables["UV_FIND_LINKS"].replace(" ", ",")  # where uv wants commas
    if said.get("no-index", "0").lower() in ("1", "true", "yes", "on"):
        variables["UV_OFFLINE"] = "1"  # uv has no variable for --no-index; folders of wheels are read offline too
    if "UV_INDEX" in variables:
        variables["UV_INDEX_STRATEGY"] = "unsafe-best-match"  # as pip: the best of all indexes, not of the first
    return variables


def settings(environ: Mapping[str, str], prefix: str = sys.prefix) -> dict[str, str]:
    """What ``pip install`` goes by: ``[global]`` of each file, then ``[install]``, then the variables PIP_*.

    https://pip.pypa.io/en/stable/topics/configuration/. A file that cannot be read says nothing.
    """
    from configparser import Error, RawConfigParser

    sections: dict[str, dict[str, str]] = {"global": {}, "install": {}}
    for file in files(environ, prefix):
        parser = RawConfigParser()
        try:
            parser.read(file, "utf-8")
        except (Error, OSError, UnicodeDecodeError):
            continue
        for name, section in sections.items():
            if parser.has_section(name):
                section.update((_name(key), value) for key, value in parser.items(name))
    variables = {_name(key.removeprefix("PIP_")): value for key, value in environ.items() if key.startswith("PIP_")}
    return {**sections["global"], **sections["install"], **variables}


def files(environ: Mapping[str, str], prefix: str = sys.prefix) -> Iterator[Path]:
    """Where pip looks for its configuration, what comes later wins. They need not be there."""
    own = environ.get("PIP_CONFIG_FILE", "")
    if own == os.devnull:
        return
    home, mac = Path(environ.get("HOME") or Path.home()), Path("Library/Application Support")
    if sys.platform == "darwin":
        yield Path("/", mac, "pip/pip.conf")
    else:
        folders = environ.get("XDG_CONFIG_DIRS") or "/etc/xdg"
        yield from (Path(folder, "pip/pip.conf") for folder in folders.split(os.pathsep))
        yield Path("/etc/pip.conf")
    if not (own and os.path.exists(own)):
        yield home / ".pip/pip.conf"
        if sys.platform == "darwin" and (home / mac / "pip").is_dir():
            yield home / mac / "pip/pip.conf"
        else:
            yield Path(environ.get("XDG_CONFIG_HOME") or home / ".config", "pip/pip.conf")
    yield Path(prefix, "pip.conf")
    if own:
        yield Path(own)


def _name(key: str) -> str:
    return key.lower().replace("_", "-").removeprefix("--")
