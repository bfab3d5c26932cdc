"""Where things are on GitHub, as Markdown. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from ci.render.blocks import code
from ci.render.commit import HASH


@dataclass(frozen=True)
class Commit:
    """A commit, to be listed: full hash and first line of its message."""

    sha: str
    title: str


@dataclass(frozen=True)
class Links:
    """Where things are on GitHub: ``repository`` is its address, ``run`` the number of the run."""

    repository: str
    run: str

    def to_run(self) -> str:
        return f"[run]({self.repository}/actions/runs/{self.run})"

    def to_commit(self, sha: str) -> str:
        return f"[`{sha[:7]}`]({self.repository}/commit/{sha})" if HASH.fullmatch(sha) else code(sha)

    def to_environment(self, stage: str) -> str:
        return f"[environment {code(stage)}]({self.repository}/deployments/{stage})"
