"""Real packages from the index. One cache for the session: a wheel is fetched once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ci import build
from ci.model import Function, Package, Pipeline

from .index import Index

Build = Callable[..., Package]


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where all tests of the session keep wheels and packages."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def said() -> list[str]:
    """What the build said while it worked."""
    return []


@pytest.fixture
def package(tmp_path: Path, cache: Path, said: list[str]) -> Build:
    """Build one function with these requirements, for this runtime and architecture."""

    def make(
        requirements: str | None = None, runtime: str = "python3.13", architecture: str = "x86_64",
        code: str = "def handle(event, context): ...\n", cache: Path = cache,
        requirements_file: str = "requirements.txt", **more: Any,
    ) -> Package:
        source = tmp_path / "functions/app"
        source.mkdir(parents=True, exist_ok=True)
        (source / "app.py").write_text(code)
        if requirements is not None:
            (tmp_path / requirements_file).write_text(requirements)
        if requirements is not None or requirements_file != "requirements.txt":
            more["requirements"] = Path(requirements_file)
        settings = {"Handler": "app.handle", "Runtime": runtime, "Architectures": [architecture]}
        function = Function("app", "app", settings, {}, Path("functions/app"), **more)
        pipeline = Pipeline(tmp_path, "test", None, {}, {"app": function})
        return build.build(pipeline, [function], cache, said.append)["app"]

    return make


@pytest.fixture
def index(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Index]:
    """An empty index on loopback, the only one that uv knows, and a cache of uv's that no other build fills."""
    served = Index(tmp_path / "index")
    monkeypatch.setenv("UV_DEFAULT_INDEX", served.url)
    for name in ("UV_INDEX", "UV_FIND_LINKS"):
        monkeypatch.setenv(name, "")
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path_factory.getbasetemp() / "uv"))
    yield served
    served.close()


@pytest.fixture
def fresh(tmp_path: Path) -> Path:
    """A cache of this test alone."""
    return tmp_path / "cache"
