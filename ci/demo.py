"""The whole story on the embedded AWS, told by the real command in a copy of the project."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ci import local
from ci.errors import DollopError, UsageError

Say = Callable[[str], None]

_FUNCTION = "echo"
_EVENT = '{"queryStringParameters": {"name": "robert"}}'


def run(project: Path, say: Say) -> None:
    """Tell it, then stop the embedded AWS and leave nothing behind; ``project`` itself is not touched.

    Raises UsageError where there is no project, DollopError when a step fails.
    """
    if not (project / "functions" / _FUNCTION).is_dir():
        raise UsageError(
            f"the demo is told with this repository's own functions, and {project} has no functions/{_FUNCTION}",
            "run it in a fresh clone",
        )
    with tempfile.TemporaryDirectory(prefix="dollop-demo-") as folder:
        story = _Story(Path(folder, project.name), say)
        shutil.copytree(project / "functions", story.folder / "functions")
        shutil.copy(project / "pipeline.yaml", story.folder)
        (story.folder / ".gitignore").write_text(".dollop/\n__pycache__/\n")
        try:
            story.tell()
        finally:
            local.stop(story.folder / local.STATE)


@dataclass(frozen=True)
class _Story:
    folder: Path
    say: Say

    def tell(self) -> None:
        self._git("init", "--quiet")
        self._commit("First functions")

        self.say("\n# Nothing is deployed yet. A dry run shows what would be done.")
        self._dollop("plan", "test")
        self.say("\n# Deploy to the alias test: build, create, publish, move the aliases, smoke-test.")
        self._dollop("deploy", "test")
        self.say("\n# It runs.")
        self._dollop("invoke", _FUNCTION, "--stage", "test", "--event", _EVENT)
        self.say("\n# Promote: the alias prod moves to the versions that test runs. Nothing is rebuilt.")
        self._dollop("promote", "prod")

        self.say("\n# Now a change: other words, more memory, one more file.")
        self._change()
        self._dollop("plan", "test")
        self.say("\n# Only what changed is deployed.")
        self._dollop("deploy", "test")
        self._dollop("promote", "prod")
        self._dollop("invoke", _FUNCTION, "--stage", "prod", "--event", _EVENT)

        self.say("\n# Second thoughts: prod runs again what it ran before.")
        self._dollop("rollback", "prod")
        self._dollop("invoke", _FUNCTION, "--stage", "prod", "--event", _EVENT)
        self.say("\n# What each stage runs now.")
        self._dollop("status")

    def _change(self) -> None:
        """As a developer would: edit, commit."""
        pipeline = self.folder / "pipeline.yaml"
        handler = f"    handler: {_FUNCTION}.handle\n"
        text = pipeline.read_text().replace(handler, f"{handler}    memory: 256\n").replace("Guten tag", "Hello")
        pipeline.write_text(text)
        (self.folder / "functions" / _FUNCTION / "farewell.py").write_text('FAREWELL = "Auf Wiedersehen"\n')
        self._git("--no-pager", "diff", "--unified=0")
        self._commit("Say hello")

    def _commit(self, message: str) -> None:
        self._git("add", "--all")
        self._git("-c", "user.name=demo", "-c", "user.email=demo@example.com", "commit", "--quiet", "-m", message)

    def _git(self, *arguments: str) -> None:
        self._run(["git", *arguments])

    def _dollop(self, *arguments: str) -> None:
        self.say(f"\n$ {shlex.join(['dollop', *arguments, '--local'])}")
        self._run([sys.executable, "-m", "ci", *arguments, "--local"])

    def _run(self, command: list[str]) -> None:
        importable = {"PYTHONPATH": str(Path(__file__).parents[1])}
        done = subprocess.run(command, cwd=self.folder, env={**os.environ, **importable}, stdin=subprocess.DEVNULL)
        if done.returncode != 0:
            raise DollopError(f"the demo stopped: {shlex.join(command[-3:])} exited with {done.returncode}")
