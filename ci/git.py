"""What git knows of the checkout."""

from __future__ import annotations

from pathlib import Path

_INDEX = tuple(b"DIRC\0\0\0" + version for version in (b"\2", b"\3"))
"""How an index begins in which paths stand as they are, none shortened:
https://git-scm.com/docs/index-format"""
_SPLIT = b"link\0\0"
"""In an index that has a part of its paths in another file."""


def has(root: Path, folder: Path) -> bool:
    """Whether git has anything of ``folder``, in any spelling that some filesystem takes for it.

    False also where git cannot tell: in a workflow, the action that sets up this tool looks at what was checked out.
    """
    return _may_have(root, folder.name) and bool(said(root, "ls-files", "--", f":(icase){folder}"))


def _may_have(root: Path, name: str) -> bool:
    """Whether git must be asked. To look through its index is quicker, and nearly always enough."""
    here = root.absolute()
    found = next((place / ".git" for place in (here, *here.parents) if (place / ".git").exists()), None)
    if found is None:
        return False
    try:
        index = (found / "index").read_bytes()
    except OSError:
        return True
    return not index.startswith(_INDEX) or _SPLIT in index or name.lower().encode() in index.lower()


def leads(root: Path, commit: str, other: str) -> bool:
    """Whether ``other`` has ``commit`` in its history. False also where git does not know both."""
    head = said(root, "rev-parse", "--verify", "--quiet", f"{commit}^{{commit}}")
    later = said(root, "rev-parse", "--verify", "--quiet", f"{other}^{{commit}}")
    return bool(head and later and head != later) and said(root, "merge-base", head, later) == head


def said(root: Path, *arguments: str) -> str:
    """What ``git`` prints in ``root``; empty where it fails, or there is none."""
    import subprocess

    command = ["git", "-C", str(root), *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=True)
    except (OSError, subprocess.CalledProcessError):
        return ""
    return done.stdout.strip()
