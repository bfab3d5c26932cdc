"""Wheels and source distributions made for a test, and a package index on loopback that serves them."""

from __future__ import annotations

import base64
import hashlib
import io
import tarfile
import threading
import time
import zipfile
from collections.abc import Iterable, Mapping
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

Files = Mapping[str, str | bytes]

BACKEND = """
import base64, hashlib, pathlib, zipfile

def build_wheel(directory, config_settings=None, metadata_directory=None):
    {code}
    name = "{name}-{version}-{tag}.whl"
    about = "Metadata-Version: 2.1\\nName: {name}\\nVersion: {version}\\n"
    with zipfile.ZipFile(pathlib.Path(directory) / name, "w") as wheel:
        for path in sorted(pathlib.Path("src").rglob("*")):
            if path.is_file():
                wheel.write(path, path.relative_to("src"))
        wheel.writestr("{name}-{version}.dist-info/METADATA", about)
        wheel.writestr("{name}-{version}.dist-info/WHEEL", "Wheel-Version: 1.0\\nTag: {tag}\\n")
        wheel.writestr("{name}-{version}.dist-info/RECORD", "")
    return name
"""


def wheel(
    folder: Path, name: str, files: Files | None = None, version: str = "1.0", tag: str = "py3-none-any",
    requires: Iterable[str] = (), compression: int = zipfile.ZIP_DEFLATED, modes: Mapping[str, int] | None = None,
    metadata: str = "",
) -> Path:
    """A wheel of ``files``, by default one module of its name; ``metadata`` are more lines of METADATA."""
    info = f"{name}-{version}.dist-info"
    about = "".join(f"Requires-Dist: {required}\n" for required in requires)
    said = {
        **(files if files is not None else {f"{name}.py": f"VERSION = '{version}'\n"}),
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{about}{metadata}",
        f"{info}/WHEEL": f"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: {tag}\n",
    }
    contents = {path: text.encode() if isinstance(text, str) else text for path, text in said.items()}
    rows = [f"{path},sha256={_urlsafe(data)},{len(data)}\n" for path, data in contents.items()]
    contents[f"{info}/RECORD"] = "".join([*rows, f"{info}/RECORD,,\n"]).encode()
    path = folder / f"{name}-{version}-{tag}.whl"
    folder.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", compression) as opened:
        for inner, data in contents.items():
            member = zipfile.ZipInfo(inner, (2020, 2, 2, 2, 2, 2))
            member.compress_type = compression
            member.external_attr = (0o100000 | (modes or {}).get(inner, 0o644)) << 16
            opened.writestr(member, data)
    return path


def _urlsafe(data: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()


def project(
    name: str, files: Files | None = None, version: str = "1.0", tag: str = "py3-none-any", code: str = ""
) -> dict[str, str]:
    """A project that builds without any other package: its backend lies in it."""
    return {
        "pyproject.toml": (
            '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
            f'[project]\nname = "{name}"\nversion = "{version}"\n'
        ),
        "backend.py": BACKEND.format(name=name, version=version, tag=tag, code=code),
        "PKG-INFO": f"Metadata-Version: 2.2\nName: {name}\nVersion: {version}\n",
        **{f"src/{path}": str(text) for path, text in (files or {f"{name}.py": "BUILT = True\n"}).items()},
    }


def sdist(
    folder: Path, name: str, version: str = "1.0", tag: str = "py3-none-any", code: str = "",
    files: Files | None = None,
) -> Path:
    """A source distribution that builds into a wheel with this tag, and runs ``code`` before."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}-{version}.tar.gz"
    with tarfile.open(path, "w:gz") as opened:
        for inner, text in project(name, files, version, tag, code).items():
            member = tarfile.TarInfo(f"{name}-{version}/{inner}")
            member.size = len(text.encode())
            opened.addfile(member, io.BytesIO(text.encode()))
    return path


class Index:
    """Serves the files of ``folder``.

    https://packaging.python.org/en/latest/specifications/simple-repository-api/
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.login: str | None = None
        """``user:password`` that every request must carry."""
        self.yanked: dict[str, str] = {}
        self.served: dict[str, bytes] = {}
        """File name -> bytes that are sent instead of the file's own."""
        self.broken: dict[str, list[int]] = {}
        """File name -> statuses to answer, one after the other, before the file is served."""
        self.lost: set[str] = set()
        """Files about which nothing is answered: the connection ends."""
        self.slow = 0.0
        """Seconds between the 16 kB pieces of a file."""
        self.fetched: list[str] = []
        folder.mkdir(parents=True, exist_ok=True)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, self))
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._server.server_port}"

    @property
    def url(self) -> str:
        return f"http://{self.address}/simple"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def page(self, project: str) -> str:
        """The links of one project, with hashes, relative to the page."""
        links = []
        for path in sorted(self.folder.iterdir()):
            if path.name.split("-")[0].lower().replace("_", "-") == project:
                yanked = f' data-yanked="{self.yanked[path.name]}"' if path.name in self.yanked else ""
                digest = hashlib.sha256(path.read_bytes()).hexdigest()
                known = " data-core-metadata=true" if path.suffix == ".whl" else ""
                links.append(f'<a href="../../files/{path.name}#sha256={digest}"{known}{yanked}>{path.name}</a>')
        return f"<!DOCTYPE html><html><body>{''.join(links)}</body></html>" if links else ""


class Handler(BaseHTTPRequestHandler):
    """GET of a page or a file."""

    def __init__(self, index: Index, *arguments: object) -> None:
        self.index = index
        super().__init__(*arguments)  # type: ignore[arg-type]

    def do_GET(self) -> None:
        expected = self.index.login and f"Basic {base64.b64encode(self.index.login.encode()).decode()}"
        if expected and self.headers["Authorization"] != expected:
            return self.answer(401, b"")
        _, kind, name, *_ = f"{self.path}//".split("/")
        if kind == "simple":
            page = self.index.page(name)
            return self.answer(200 if page else 404, page.encode(), "text/html")
        if name.removesuffix(".metadata") in self.index.lost:
            self.close_connection = True
            return None
        if name.endswith(".metadata"):
            with zipfile.ZipFile(self.index.folder / name.removesuffix(".metadata")) as opened:
                inside = next(each for each in opened.namelist() if each.endswith(".dist-info/METADATA"))
                return self.answer(200, opened.read(inside))
        if self.index.broken.get(name):
            return self.answer(self.index.broken[name].pop(0), b"")
        self.index.fetched.append(name)
        path = self.index.folder / name
        data = self.index.served.get(name) or path.read_bytes()
        self.answer(200, data)

    def answer(self, status: int, body: bytes, kind: str = "application/octet-stream") -> None:
        self.send_response(status)
        if status == 401:
            self.send_header("WWW-Authenticate", "Basic")
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        for start in range(0, len(body), 1 << 14):
            self.wfile.write(body[start:start + (1 << 14)])
            time.sleep(self.index.slow)

    def log_message(self, format: str, *arguments: object) -> None:
        """Quiet."""
