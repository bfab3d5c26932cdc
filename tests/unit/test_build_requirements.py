"""What a function's requirements are made of."""

from __future__ import annotations

from pathlib import Path

import pytest

from ci.build import requirements
from ci.errors import BuildError

A, B = "a" * 64, "b" * 64


def write(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root / next(iter(files))


def relative(root: Path, paths: tuple[Path, ...]) -> list[str]:
    return [path.relative_to(root).as_posix() for path in paths]


@pytest.mark.parametrize("option", ["-r ", "-r", "--requirement ", "--requirement=", "-c ", "--constraint="])
def test_files_that_it_includes(tmp_path: Path, option: str) -> None:
    """Relative to the file that names them, each once, circles and all; an address is uv's business."""
    file = write(tmp_path, {
        "requirements.txt": f"{option}sub/more.txt  # why\nrequests\n-r https://index.example/r.txt\n",
        "sub/more.txt": "-r ../requirements.txt\n-r last.txt\n",
        "sub/last.txt": "",
    })
    found = requirements.read(file, tmp_path)
    assert ["requirements.txt", "sub/more.txt", "sub/last.txt"] == relative(tmp_path, found.files)
    assert "requirements" == found.kind


def test_an_included_file_that_is_missing(tmp_path: Path) -> None:
    """The message says which line names it, by paths as pipeline.yaml has them."""
    file = write(tmp_path, {"app/requirements.txt": "requests\n\n-r none.txt\n"})
    with pytest.raises(BuildError) as raised:
        requirements.read(file, tmp_path)
    assert "app/requirements.txt:3: app/none.txt does not exist" == raised.value.message


@pytest.mark.parametrize(
    "line",
    ["git+https://h.example/a.git", "a @ git+ssh://git@h.example/a@1f3a", "-e git+file:///a#egg=a", "a@hg+http://h/a"],
)
def test_version_control_is_refused(tmp_path: Path, line: str) -> None:
    """With the line, before anything is fetched, and without the address, which may hold a password."""
    file = write(tmp_path, {"requirements.txt": f"requests\n{line}\n"})
    with pytest.raises(BuildError) as raised:
        requirements.read(file, tmp_path)
    assert "requirements.txt:2: required from version control" == raised.value.message


def test_indexes(tmp_path: Path) -> None:
    """As they stand there, for the files of that index to be fetched."""
    text = "-i https://a.example/simple\n--extra-index-url=https://${U}@b.example\n--find-links https://c.example/\n"
    found = requirements.read(write(tmp_path, {"requirements.txt": text}), tmp_path)
    assert (
        "-i https://a.example/simple", "--extra-index-url https://${U}@b.example", "--find-links https://c.example/"
    ) == found.indexes
    assert "example" not in repr(found)


def test_a_folder_of_wheels(tmp_path: Path) -> None:
    """It begins at the file that names it, and what is in it counts as a local project does."""
    text = "--find-links ../wheels\none\n"
    file = write(tmp_path, {"app/requirements.txt": text, "wheels/one-1.0-py3-none-any.whl": ""})
    found = requirements.read(file, tmp_path)
    assert (f"--find-links {tmp_path / 'wheels'}",) == found.indexes
    assert (tmp_path / "wheels",) == found.projects


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("requests==2.0\n", {}),
        (f"requests==2.0 --hash=sha256:{A}\n", {"requests": {f"sha256:{A}"}}),
        (f"Zope.Interface[x]==2.0 --hash=sha256:{A.upper()}", {"zope-interface": {f"sha256:{A}"}}),
        (f"a==1 \\\n  --hash=sha256:{A} \\\n  --hash=sha512:{B}\n", {"a": {f"sha256:{A}", f"sha512:{B}"}}),
        (f"a==1 ; python_version < '3.12' --hash=sha256:{A}  # note\n", {"a": {f"sha256:{A}"}}),
        (f"a==1;python_version<'3' --hash=sha256:{A}\na==2 --hash=sha256:{B}", {"a": {f"sha256:{A}", f"sha256:{B}"}}),
        (f"a @ https://index.example/a-1-py3-none-any.whl --hash=sha256:{A}", {"a": {f"sha256:{A}"}}),
        (f"# a==1 --hash=sha256:{A}\n", {}),
    ],
    ids=["none", "one", "name", "continued", "marker", "twice", "address", "comment"],
)
def test_hashes(tmp_path: Path, text: str, expected: dict[str, set[str]]) -> None:
    """By normalised name, in lower case, whatever the algorithm."""
    assert expected == requirements.read(write(tmp_path, {"requirements.txt": text}), tmp_path).hashes


def test_local_projects_and_variables(tmp_path: Path) -> None:
    """What is not in the file itself but decides what is installed. A path starts where uv is run, as with pip."""
    text = "-e ./one\n../two[extra]\nthree @ file:///elsewhere/three\n./four-1-py3-none-any.whl\n--index-url ${URL}\n"
    root = tmp_path / "root"
    found = requirements.read(write(root, {"app/requirements.txt": text}), root)
    names = ["root/one", "two", "/elsewhere/three", "root/four-1-py3-none-any.whl"]
    assert [tmp_path / name for name in names] == list(found.projects)
    assert ("URL",) == found.variables


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (".", "."), ("-e .", "."), (".[web]", "."), ("libs/one", "libs/one"), ("--editable=libs/one", "libs/one"),
        ("libs/one[web] ; python_version > '3'", "libs/one"), ("one @ file:libs/one", "libs/one"),
        ("one-1-py3-none-any.whl", "one-1-py3-none-any.whl"), ("libs/one-1.tar.gz", "libs/one-1.tar.gz"),
        ("one @ file://${PROJECT_ROOT}/libs/one", "libs/one"), ("-e one", "one"),
        ("one", None), ("one[a,b]>=1.0,<2", None), ("zope.interface", None), ("one; os_name == 'a/b'", None),
        ("one @ https://index.example/one-1-py3-none-any.whl", None), ("https://index.example/one.zip", None),
    ],
)
def test_what_is_a_path(tmp_path: Path, line: str, expected: str | None) -> None:
    """uv and pip take more for one than what begins with a dot: a change in it must not be missed."""
    found = requirements.read(write(tmp_path, {"app/requirements.txt": f"{line}\n"}), tmp_path)
    assert ([] if expected is None else [tmp_path / expected]) == list(found.projects)


@pytest.mark.parametrize(
    ("asked", "present", "kind", "files"),
    [
        ("requirements.txt", [], "requirements", ["requirements.txt"]),
        ("requirements.in", ["pyproject.toml", "uv.lock"], "requirements", ["requirements.in"]),
        ("pyproject.toml", [], "project", ["pyproject.toml"]),
        ("pyproject.toml", ["uv.lock"], "uv", ["uv.lock", "pyproject.toml"]),
        ("pyproject.toml", ["poetry.lock"], "poetry", ["poetry.lock", "pyproject.toml"]),
        ("app/pyproject.toml", ["pyproject.toml", "uv.lock"], "uv",
         ["app/pyproject.toml", "uv.lock", "pyproject.toml"]),
        ("app/pyproject.toml", ["pyproject.toml", "poetry.lock"], "project", ["app/pyproject.toml"]),
        ("uv.lock", ["pyproject.toml", "poetry.lock"], "uv", ["uv.lock", "pyproject.toml"]),
        ("poetry.lock", ["pyproject.toml", "uv.lock"], "poetry", ["poetry.lock", "pyproject.toml"]),
        ("pdm.lock", ["pyproject.toml"], "pdm", ["pdm.lock", "pyproject.toml"]),
        ("Pipfile", ["Pipfile.lock"], "pipenv", ["Pipfile.lock", "Pipfile"]),
        ("pylock.toml", ["pyproject.toml"], "pylock", ["pylock.toml"]),
        ("pylock.app.toml", [], "pylock", ["pylock.app.toml"]),
    ],
)
def test_the_kind_is_in_the_name(tmp_path: Path, asked: str, present: list[str], kind: str, files: list[str]) -> None:
    """A project goes with its lock file, or that of the uv workspace above it; each file of it is an input."""
    found = requirements.read(write(tmp_path, dict.fromkeys([asked, *present], "")), tmp_path)
    assert (kind, files) == (found.kind, relative(tmp_path, found.files))


def test_nothing_above_the_repository_is_looked_at(tmp_path: Path) -> None:
    """Another project's lock may lie there."""
    root = tmp_path / "repository"
    write(tmp_path, {"uv.lock": "", "repository/app/pyproject.toml": ""})
    assert "project" == requirements.read(root / "app/pyproject.toml", root).kind


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("uv.lock", 'source = { editable = "libs/one" }\nsource = { virtual = "." }\nsource = { editable = "." }'),
        ("uv.lock", 'source = { directory = "libs/one" }\nurl = "https://index.example/x"'),
        ("poetry.lock", '[package.source]\ntype = "directory"\nurl = "libs/one"'),
        ("pdm.lock", 'path = "./libs/one"'),
        ("pylock.toml", 'directory = { path = "libs/one" }'),
        ("Pipfile.lock", '{"default": {"one": {"path": "./libs/one", "editable": true}}}'),
    ],
)
def test_local_projects_of_a_lock(tmp_path: Path, file: str, text: str) -> None:
    """Their files are inputs too; the project that holds the lock is not one of them."""
    write(tmp_path, {"libs/one/one.py": "", file: text, "pyproject.toml": "", "Pipfile": ""})
    assert ["libs/one"] == relative(tmp_path, requirements.read(tmp_path / file, tmp_path).projects)


def test_local_projects_that_a_local_project_requires(tmp_path: Path) -> None:
    """They are built into the package too; two may require each other."""
    sources = '[tool.uv.sources]\n{0} = {{ path = "../{0}" }}\nweb = {{ url = "https://index.example/web" }}\n'
    write(tmp_path, {
        "requirements.txt": "./libs/one\n", "libs/one/pyproject.toml": sources.format("two"),
        "libs/two/pyproject.toml": sources.format("one") + '[tool.hatch.version]\npath = "two.py"\n',
        "libs/two/two.py": "",
    })
    found = requirements.read(tmp_path / "requirements.txt", tmp_path)
    assert ["libs/one", "libs/two"] == relative(tmp_path, found.projects)


@pytest.mark.parametrize(
    ("asked", "dependency", "expected"),
    [("app/pyproject.toml", "whole", ["."]), ("app/pyproject.toml", "other", []), ("pyproject.toml", "whole", [])],
)
def test_the_root_of_a_workspace(tmp_path: Path, asked: str, dependency: str, expected: list[str]) -> None:
    """Its files are inputs of a member, where that requires it; of itself no function is built."""
    lock = (
        '[[package]]\nname = "app"\nsource = { virtual = "app" }\n'
        f'dependencies = [\n    {{ name = "{dependency}" }},\n]\n'
        '[[package]]\nname = "whole"\nversion = "1"\nsource = { editable = "." }\n'
    )
    write(tmp_path, {"app/pyproject.toml": "", "pyproject.toml": "", "uv.lock": lock})
    found = [path for path in requirements.read(tmp_path / asked, tmp_path).projects if path != tmp_path / "app"]
    assert [tmp_path / path for path in expected] == found
