"""Fetch files from a package index, with the proxies, certificates and credentials that uv is configured with.

https://docs.astral.sh/uv/concepts/authentication/http/. No address is ever shown: it may hold a password.
"""

from __future__ import annotations

import base64
import hashlib
import netrc
import shutil
import ssl
import time
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import SplitResult, quote, unquote, urlsplit, urlunsplit
from urllib.request import HTTPSHandler, ProxyHandler, Request, build_opener, url2pathname

from ..errors import BuildError
from .requirements import VARIABLE, Requirements

_BLOCK = 1 << 20
_VARIABLES = ("UV_DEFAULT_INDEX", "UV_INDEX", "UV_INDEX_URL", "UV_EXTRA_INDEX_URL", "UV_FIND_LINKS")
_PAUSES = (0.5, 2.0, 8.0, None)
"""Seconds to wait after each attempt that failed; None: give up."""
_PATIENCE = 60.0
"""Seconds without a byte."""
_PASSING = (408, 429, 500, 502, 503, 504)
_REFUSED = (401, 403, 407)
_FAULTS = (HTTPException, URLError, ConnectionError, TimeoutError, ssl.SSLError)
"""Of the network; any other OSError is the disk's."""


class Index:
    """Reads package indexes as ``environ`` says: uv's own variables, *_PROXY, SSL_CERT_FILE, NETRC."""

    def __init__(self, environ: Mapping[str, str], said: Iterable[str] = ()) -> None:
        self._environ = environ
        self._known = tuple(_indexes(environ, said))
        proxies = {name[:-6].lower(): value for name, value in environ.items() if name.lower().endswith("_proxy")}
        for scheme in ("http", "https"):
            if proxies.get("all"):
                proxies.setdefault(scheme, proxies["all"])
        context = ssl.create_default_context(cafile=environ.get("SSL_CERT_FILE") or None)
        self._opener = build_opener(ProxyHandler(proxies), HTTPSHandler(context=context))

    def fetch(self, url: str, destination: Path, what: str) -> str:
        """Write what is at ``url`` to ``destination`` and return its hex sha256. ``what`` names it in messages.

        Raises BuildError when it cannot be had.
        """
        if url.startswith("file:"):
            return _copy(url, destination, what)
        for pause in _PAUSES:
            try:
                return self._download(url, destination)
            except HTTPError as error:
                error.close()
                if error.code not in _PASSING or pause is None:
                    hint = "try again, or ask the index's owner"
                    if error.code in _REFUSED:
                        hint = "check the user name and password of the index, where uv is told them"
                    raise BuildError(f"{what}: the package index answered {error.code} {error.reason}", hint) from None
            except _FAULTS as error:
                if pause is None:
                    reason = error.reason if isinstance(error, URLError) else type(error).__name__
                    raise BuildError(
                        f"{what}: the package index cannot be read ({reason})",
                        "check the network, HTTPS_PROXY and SSL_CERT_FILE",
                    ) from None
            time.sleep(pause)
        raise AssertionError("the last attempt returns or raises")

    def _download(self, url: str, destination: Path) -> str:
        parts = urlsplit(url)
        request = Request(urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2])))
        if credentials := self._credentials(parts):
            # Not followed to another host: indexes redirect to storage that has signed addresses.
            encoded = base64.b64encode(credentials.encode()).decode()
            request.add_unredirected_header("Authorization", f"Basic {encoded}")
        hashed = hashlib.sha256()
        with self._opener.open(request, timeout=_PATIENCE) as response, destination.open("wb") as stream:
            while block := response.read(_BLOCK):
                hashed.update(block)
                stream.write(block)
            expected = response.headers.get("Content-Length")
            if expected is not None and stream.tell() != int(expected):
                raise HTTPException("the connection ended early")
        return hashed.hexdigest()

    def _credentials(self, wanted: SplitResult) -> str | None:
        """``user:password`` of the address itself, else of an index on the same host, else .netrc's."""
        for known in (wanted, *self._known):
            if known.username is not None and _host(known) == _host(wanted):
                return f"{unquote(known.username)}:{unquote(known.password or '')}"
        try:
            found = netrc.netrc(self._environ.get("NETRC")).authenticators(wanted.hostname or "")
        except (OSError, netrc.NetrcParseError):
            return None
        return f"{found[0]}:{found[2]}" if found else None


def _copy(url: str, destination: Path, what: str) -> str:
    try:
        shutil.copyfile(url2pathname(urlsplit(url).path), destination)
    except OSError as error:
        raise BuildError(f"{what}: {error.strerror}", "check the index that uv is configured with") from error
    with destination.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _host(url: SplitResult) -> tuple[str, str | None, int | None]:
    return url.scheme, url.hostname, url.port


def of(requirements: Requirements, root: Path, environ: Mapping[str, str]) -> Iterator[str]:
    """The indexes that the requirements themselves name, or the configuration of uv beside them.

    ``address``, or ``name=address``: https://docs.astral.sh/uv/concepts/indexes/
    """
    for option in requirements.indexes:
        yield VARIABLE.sub(lambda found: environ.get(found[1], found[0]), option.partition(" ")[2])
    for folder in dict.fromkeys((requirements.file.parent, root)):
        for path in (folder / "pyproject.toml", folder / "uv.toml"):
            try:
                said: Any = tomllib.loads(path.read_text(encoding="utf-8"))
            except (OSError, ValueError):
                continue  # uv itself says what is wrong with it
            said = said if path.name == "uv.toml" else said.get("tool", {}).get("uv", {})
            yield from (f"{each.get('name', '')}={each['url']}" for each in said.get("index", ()) if "url" in each)


def _indexes(environ: Mapping[str, str], said: Iterable[str]) -> Iterator[SplitResult]:
    """``said`` and those in uv's variables; a named one (``name=address``) with its UV_INDEX_NAME_USERNAME and
    _PASSWORD."""
    values = (value for variable in _VARIABLES for value in environ.get(variable, "").replace(",", " ").split())
    for value in (*said, *values):
        name, address = value.split("=", 1) if "=" in value.partition("://")[0] else ("", value)
        parts = urlsplit(address)
        prefix = f"UV_INDEX_{''.join(c if c.isalnum() else '_' for c in name).upper()}"
        if name and parts.username is None and f"{prefix}_USERNAME" in environ:
            user, password = environ[f"{prefix}_USERNAME"], environ.get(f"{prefix}_PASSWORD", "")
            parts = parts._replace(netloc=f"{quote(user, safe='')}:{quote(password, safe='')}@{parts.netloc}")
        yield parts
