"""Code is read in several threads at once."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from pathlib import Path

import pytest

import ci
from ci import parallel, syntax

CODE = Path(parallel.__file__).read_bytes()


@pytest.fixture
def switching() -> Iterator[None]:
    """Garbage is collected at every step, and as it is, another thread may run: as a finalizer in Python lets it."""

    def collected(*_: object) -> None:
        sum(number for number in range(100))

    before = gc.get_threshold()
    gc.callbacks.append(collected)
    gc.set_threshold(50, 2, 2)
    yield
    gc.set_threshold(*before)
    gc.callbacks.remove(collected)


@pytest.mark.usefixtures("switching")
def test_in_threads_of_different_depths() -> None:
    """Python 3.11.7 raised SystemError: AST constructor recursion depth mismatch."""

    def read(depth: int) -> int:
        return read(depth - 1) if depth else len(syntax.parse(CODE).body)

    assert 1 == len(set(parallel.each(read, [0, 20, 40, 60] * 3, workers=4)))


@pytest.mark.parametrize("code", ["a = 1\0", "(" * 10_000 + ")" * 10_000, "-" * 100_000 + "1"])
def test_what_python_refuses_otherwise(code: str) -> None:
    """Each is a SyntaxError: who reads code asks for no other."""
    with pytest.raises(SyntaxError):
        syntax.parse(code)


def test_nothing_else_reads_code() -> None:
    """What does not take part in the lock breaks it for all."""
    sources = [path for path in Path(ci.__file__).parent.rglob("*.py") if path.name != "syntax.py"]
    assert sources
    assert [] == [path for path in sources if "ast.parse" in path.read_text()]
