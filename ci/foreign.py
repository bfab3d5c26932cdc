"""Files that may come from anywhere: from another job of a workflow, from the pull request of a stranger."""

from __future__ import annotations

from pathlib import Path

from ci.errors import UsageError

LIMIT = 64_000_000
"""Bytes of a plan, a release record or a comment. Those of 1,000 functions have about 1 MB."""


def text(file: Path) -> str:
    """What is in ``file``. Raises UsageError when it cannot be read, is no text or is too large."""
    try:
        with file.open("rb") as stream:
            content = stream.read(LIMIT + 1)
        if len(content) > LIMIT:
            raise UsageError(f"{file}: larger than {LIMIT} bytes")
        return content.decode()
    except UnicodeDecodeError:
        raise UsageError(f"{file}: is not UTF-8") from None
    except OSError as error:
        raise UsageError(f"{file}: cannot be read: {error.strerror}") from None
