"""Which commit is released, by whom and when: what the plan may not look up for itself."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from ci import git
from ci.plan.plan import Origin


def origin(root: Path, environ: Mapping[str, str]) -> Origin:
    """From GitHub's variables in a workflow, from git on a laptop; ``unknown`` where there is neither.

    https://docs.github.com/en/actions/reference/workflows-and-actions/variables#default-environment-variables
    """
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return Origin(environ.get("GITHUB_SHA") or _head(root), environ.get("GITHUB_RUN_ID") or "local", now)


def _head(root: Path) -> str:
    """The commit that is checked out, with ``+`` behind it when the work tree differs from it."""
    head = git.said(root, "rev-parse", "HEAD")
    if not head:
        return "unknown"
    return f"{head}+" if git.said(root, "status", "--porcelain", "--", ".") else head
