"""What somebody committed that no reviewer reads is neither built from nor run."""

from __future__ import annotations

import importlib.util
import marshal
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ci.errors import UsageError
from ci.workspace import Workspace

ROOT = Path(__file__).parents[2]
INSTALL = ROOT / ".github/actions/dollop/install.sh"
ENVIRON = {
    **{name: value for name, value in os.environ.items() if not name.startswith("GIT_")},
    "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull, "PYTHONPATH": str(ROOT),
}


INDEXES = {
    "plain": [], "shortened": ["-c", "index.version=4"], "split": ["-c", "core.splitIndex=true"],
    "watched": ["-c", "core.untrackedCache=true"],
}


def run(folder: Path, *command: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=folder, env=ENVIRON | environ, capture_output=True, text=True, check=False)


def build(folder: Path) -> subprocess.CompletedProcess[str]:
    return run(folder, sys.executable, "-m", "ci", "build")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A repository with one function."""
    project = tmp_path / "project"
    (project / "functions/echo").mkdir(parents=True)
    run(project, "git", "init", "--quiet")
    (project / "functions/echo/echo.py").write_text("def handle(event, context):\n    return 1\n")
    (project / "pipeline.yaml").write_text(
        "project: shop\nregion: eu-west-1\nstages: {test: {alias: test}}\n"
        "functions: {echo: {handler: echo.handle, runtime: python3.13, role: 'arn:aws:iam::123456789012:role/echo'}}\n"
    )
    (project / ".gitignore").write_text(".dollop\ndist/\n")
    return project


@pytest.mark.parametrize("index", INDEXES)
def test_what_git_ignores_is_of_use(project: Path, index: str) -> None:
    """As it should be: the second build takes what the first one made."""
    assert 0 == build(project).returncode
    run(project, "git", *INDEXES[index], "add", ".")
    run(project, "git", *INDEXES[index], "status")
    again = build(project)
    assert (0, "") == (again.returncode, again.stderr)


@pytest.mark.parametrize(
    "folder, index, inside",
    [(".dollop", "plain", True), *((folder, index, False) for folder in (".dollop", ".Dollop") for index in INDEXES)],
)
def test_what_was_committed_is_refused(project: Path, folder: str, index: str, inside: bool) -> None:
    """In any spelling: there are filesystems that take one for the other. Also in a folder of the repository."""
    if inside:
        (project / ".git").rename(project.parent / ".git")
    (project / ".docs").write_text("Shares its beginning, which an index may leave out.")
    assert 0 == build(project).returncode
    if folder != ".dollop":
        (project / ".dollop").rename(project / folder)
    run(project, "git", *INDEXES[index], "add", "--force", ".")
    run(project, "git", *INDEXES[index], "status")
    refused = build(project)
    assert (2, "") == (refused.returncode, refused.stdout)
    assert ".dollop is in the repository: what is in it would be deployed unbuilt" in refused.stderr


def test_nor_a_link(project: Path) -> None:
    """To a folder that is called otherwise."""
    (project / "assets").mkdir()
    (project / ".dollop").symlink_to("assets")
    run(project, "git", "add", "--force", ".dollop")
    assert 2 == build(project).returncode


def test_nor_an_embedded_aws(project: Path) -> None:
    """It would run the functions that its state has."""
    (project / ".dollop/local").mkdir(parents=True)
    (project / ".dollop/local/log").touch()
    run(project, "git", "add", "--force", ".dollop")
    with pytest.raises(UsageError, match="^.dollop is in the repository"):
        Workspace(project, print, print, local=True).aws


@pytest.mark.parametrize("root", [".", "shop"])
def test_nor_packages(project: Path, root: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A manifest that fits them makes them no better. A folder that git does not have is taken, wherever it is."""
    for name in ("functions", "pipeline.yaml"):
        (project / root).mkdir(exist_ok=True)
        (project / name).rename(project / root / name)
    assert 0 == run(project, sys.executable, "-m", "ci", "-C", root, "build", "--out", "given").returncode
    monkeypatch.chdir(project)
    workspace = Workspace(Path(root), print, print, built=Path("given"))
    run(project, "git", "add", root)
    run(project, "git", "rm", "-r", "--cached", "given")
    assert {"echo"} == workspace.packages(workspace.select(())).keys()
    run(project, "git", "add", "--force", "given")
    with pytest.raises(UsageError, match="^given is in the repository: what is in it would be deployed unbuilt$"):
        workspace.packages(workspace.select(()))


@pytest.mark.parametrize("checked_out, code", [("folder", 1), ("link", 1), ("nothing", 0)])
@pytest.mark.parametrize("git", ["knows it", "ignores it", "is not there"])
def test_a_workflow_looks_before_anything_is_restored(project: Path, checked_out: str, code: int, git: str) -> None:
    """There git may not be installed, or be told not to trust the folder: then it is as if it knew it."""
    if checked_out == "folder":
        (project / ".dollop").mkdir()
        (project / ".dollop/entry").touch()
    elif checked_out == "link":
        (project / ".dollop").symlink_to("nowhere")
    if git == "knows it":
        run(project, "git", "add", "--force", ".")
    elif git == "is not there":
        (project / ".git").rename(project.parent / "elsewhere")
    path = project.parent / "path"
    runner = {"RUNNER_TEMP": str(project.parent), "GITHUB_PATH": str(path), "DOLLOP_PYTHON": sys.executable}
    done = run(project, "sh", str(INSTALL), **runner)
    code = 0 if git == "ignores it" else code
    assert code == done.returncode, done.stdout + done.stderr
    assert bool(code) == done.stdout.startswith("::error::.dollop is in the repository")
    assert bool(code) != path.exists()


MARK = "print('nobody reviewed this')\n"
HIDDEN = (f"ci/__pycache__/errors.{sys.implementation.cache_tag}.pyc", "sitecustomize.pyc", "click.pyc", "signal.pyc")
"""Python takes them before the source that was reviewed, or with it."""


def committed(file: Path, code: str = MARK) -> None:
    """Bytecode that says of itself that it needs no check against a source: https://peps.python.org/pep-0552/"""
    unchecked = importlib.util.MAGIC_NUMBER + (1).to_bytes(4, "little") + bytes(8)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(unchecked + marshal.dumps(compile(code, file.name, "exec")))


@pytest.fixture
def checked_out(tmp_path: Path) -> Path:
    """The repository of a team, with this tool in it."""
    folder = tmp_path / "work"
    shutil.copytree(ROOT / "ci", folder / "ci", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / ".github/actions", folder / ".github/actions")
    (folder / "requirements.txt").touch()
    return folder


def version(folder: Path, python: str) -> subprocess.CompletedProcess[str]:
    """The first command of a job that sets this tool up in ``folder``, with its own Python or with ``python``."""
    runner = {"RUNNER_TEMP": str(folder.parent / "temp"), "GITHUB_PATH": str(folder.parent / "path")}
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    set_up = "sh .github/actions/dollop/install.sh && exec $RUNNER_TEMP/dollop/commands/dollop --version"
    return run(folder, "sh", "-c", set_up, PATH=path, PYTHONPATH="", DOLLOP_PYTHON=python, **runner)


@pytest.mark.parametrize("hidden", HIDDEN)
def test_no_bytecode_is_run_that_was_committed(checked_out: Path, hidden: str) -> None:
    """Nor anything beside ``ci``: jobs with the credentials of prod run this tool."""
    committed(checked_out / hidden, (ROOT / "ci/errors.py").read_text() + MARK if "errors" in hidden else MARK)
    done = version(checked_out, sys.executable)
    assert (0, "", "dollop, version ") == (done.returncode, done.stderr, done.stdout[:16])


def test_nor_a_library(checked_out: Path) -> None:
    """Python takes one before a source of the same name."""
    (checked_out / "ci/errors.so").write_bytes(b"not reviewed")
    done = version(checked_out, sys.executable)
    assert (0, "") == (done.returncode, done.stderr)


def test_nor_while_the_tool_is_set_up(checked_out: Path) -> None:
    """``python -m venv`` and pip look into the folder that they are called in. Here they have nothing to install."""
    for name in ("venv", "pip", "logging"):
        committed(checked_out / f"{name}.pyc")
    done = version(checked_out, "")
    assert (1, "") == (done.returncode, done.stdout)
    assert done.stderr.endswith("No module named 'click'\n")
