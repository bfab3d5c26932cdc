"""Real packages from the index. One cache for the session: a wheel is fetched once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ci import build
from ci.model import Function, Package, Pipeline

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
        code: str = "def handle(event, context): ...\n", cache: Path = cache, **more: Any,
    ) -> Package:
        source = tmp_path / "functions/app"
        source.mkdir(parents=True, exist_ok=True)
        (source / "app.py").write_text(code)
        if requirements is not None:
            (tmp_path / "requirements.txt").write_text(requirements)
            more["requirements"] = Path("requirements.txt")
        settings = {"Handler": "app.handle", "Runtime": runtime, "Architectures": [architecture]}
        function = Function("app", "app", settings, {}, Path("functions/app"), **more)
        pipeline = Pipeline(tmp_path, "test", None, {}, {"app": function})
        return build.build(pipeline, [function], cache, said.append)["app"]

    return make
