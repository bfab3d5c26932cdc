"""The syntax tree of Python code, read by one thread at a time."""

from __future__ import annotations

import ast
import threading

_PARSING = threading.Lock()


def parse(code: str | bytes) -> ast.Module:
    """The tree of ``code``. Raises SyntaxError, without a line for null bytes and for what is nested too deeply.

    One at a time: before 3.11.8 and 3.12.2 ast.parse raises SystemError where a collection of garbage let another
    thread parse in between: https://github.com/python/cpython/pull/113035
    """
    try:
        with _PARSING:
            return ast.parse(code)
    except (ValueError, RecursionError, MemoryError):
        raise SyntaxError("cannot be read as Python") from None
