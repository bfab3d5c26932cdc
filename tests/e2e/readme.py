"""README.md, run: every command of its ``sh`` and ``console`` blocks, in order, in a copy of the repository.

``python -m tests.e2e.readme`` writes the output that the commands have today into README.md.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"^```(sh|console)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
ELSEWHERE = re.compile(r"make (demo|test)$")
"""Run by .ci/run itself: a test that ran them would run itself."""
VARIES = (
    (r"\b[0-9a-f]{7}\b\+?(?= +\d)", "c49797b"),
    (r"\b\d+ (s|min)\b(?=  )", "6 s"),
)


def rerun(text: str, folder: Path) -> str:
    """``text`` with the real output of its ``console`` commands. A command that fails unexpectedly raises."""
    environ = {**_without_aws(os.environ), "PATH": f"{folder / '.venv/bin'}:{os.environ['PATH']}"}

    def block(found: re.Match[str]) -> str:
        kind, body = found[1], found[2]
        lines = []
        for command, shown in _commands(kind, body):
            output = "" if ELSEWHERE.match(command) else _run(command, folder, environ, "⨯" in shown)
            lines.append(f"$ {command}\n{output}" if kind == "console" else f"{command}\n")
        return f"```{kind}\n{''.join(lines)}```"

    return BLOCK.sub(block, text)


def _commands(kind: str, body: str) -> Iterator[tuple[str, str]]:
    """Each command with the output that the README shows."""
    if kind == "sh":
        yield from ((line, "") for line in body.splitlines() if line.strip())
        return
    for part in re.split(r"^\$ ", body, flags=re.MULTILINE)[1:]:
        command, _, shown = part.partition("\n")
        yield command, shown


def _run(command: str, folder: Path, environ: Mapping[str, str], fails: bool) -> str:
    done = subprocess.run(
        ["bash", "-c", command], cwd=folder, env=environ, text=True, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, timeout=120,
    )
    if (done.returncode != 0) != fails:
        raise AssertionError(f"{command}: exit code {done.returncode}\n{done.stdout}")
    as_with_3_13 = re.sub(r"python3\.\d+", "python3.13", done.stdout)
    return re.sub(r"   ! the embedded AWS is .*\n", "", as_with_3_13)


def settled(text: str) -> str:
    """``text`` with what differs from run to run made equal, columns included."""
    for pattern, constant in VARIES:
        text = re.sub(pattern, constant, text)
    return re.sub(r"(?m)^(function|echo) .*$", lambda row: re.sub(" {2,}", "  ", row[0]), text)


def copy(folder: Path) -> None:
    """The repository as it is in the work tree, under ``folder``, with its virtual environment."""
    listed = subprocess.check_output(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT, text=True
    )
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    (folder / ".venv").mkdir()
    (folder / ".venv/bin").symlink_to(Path(sys.prefix, "bin"))
    (folder / ".venv/.ready").touch()
    git = ["git", "-c", "user.name=reader", "-c", "user.email=reader@example.com", "-C", str(folder)]
    for arguments in (["init", "--quiet"], ["add", "--all"], ["commit", "--quiet", "--message", "A clone"]):
        subprocess.run([*git, *arguments], check=True)


def _without_aws(environ: Mapping[str, str]) -> dict[str, str]:
    files = dict.fromkeys(("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"), os.devnull)
    others = {name: value for name, value in environ.items() if not name.startswith("AWS_")}
    return others | files | {"AWS_EC2_METADATA_DISABLED": "true"}


def main() -> None:
    readme = ROOT / "README.md"
    with tempfile.TemporaryDirectory() as folder:
        copy(Path(folder))
        readme.write_text(rerun(readme.read_text(), Path(folder)))


if __name__ == "__main__":
    main()
