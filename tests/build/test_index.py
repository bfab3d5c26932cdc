"""What is resolved and fetched, from an index on loopback: hashes, credentials, faults on the way."""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import subprocess
import sys
import zipfile
from ctypes.util import find_library
from pathlib import Path
from typing import Any

import pytest
from uv import find_uv_bin

from ci import local
from ci.build import index as fetching
from ci.errors import BuildError
from ci.model import Dependency, Packaging

from .conftest import Build
from .index import Index, project, sdist, wheel

USES = "import one\n\n\ndef handle(event, context): ...\n"
PASSWORD = "s3cret-word"


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def files(root: Path) -> list[str]:
    return sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())


def lay(folder: Path, contents: dict[str, str]) -> Path:
    for path, text in contents.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    return folder


def test_what_is_required_is_in(index: Index, package: Build, fresh: Path) -> None:
    """With what that requires in turn; each wheel is fetched once, also for other code or other requirements."""
    wheel(index.folder, "one", requires=["two>=1"])
    wheel(index.folder, "two", version="1.5")
    found = package("one\n", code=USES, cache=fresh)
    assert (Dependency("one", "1.0"), Dependency("two", "1.5")) == found.dependencies
    assert {"app.py", "one.py", "two.py"} <= {file.path for file in found.files}
    package("one\n", code=USES + "# changed", cache=fresh)
    package("# other\none\ntwo\n", code=USES, cache=fresh)
    assert ["one-1.0-py3-none-any.whl", "two-1.5-py3-none-any.whl"] == sorted(index.fetched)


def test_a_missing_requirement_is_found(index: Index, package: Build, fresh: Path) -> None:
    """The message says the module, where it is imported and which file should require it."""
    wheel(index.folder, "two")
    with pytest.raises(BuildError) as raised:
        package("two\n", code=USES, cache=fresh)
    assert "function app: handler app.handle: functions/app/app.py:1: No module named 'one'" == raised.value.message
    assert "is it in requirements.txt?" == raised.value.hint


# ---------------------------------------------------------------- hashes


def test_what_a_dependency_lacks_is_found(index: Index, package: Build, fresh: Path) -> None:
    """Trying to import shows it, and the message who needs it."""
    wheel(index.folder, "one", {"one.py": "import two\n"})
    with pytest.raises(BuildError) as raised:
        package("one\n", local.runtime(), local.architecture(), USES, fresh)
    assert (
        "function app: handler app.handle: ModuleNotFoundError: No module named 'two' (one.py:1 of one 1.0)"
    ) == raised.value.message
    assert "one 1.0 needs it: is it in requirements.txt?" == raised.value.hint


def test_a_shared_library_that_lambda_lacks(index: Index, package: Build, fresh: Path) -> None:
    """The message names it and the ways out. What the handler printed comes along."""
    wheel(index.folder, "one", {"one.py": "import ctypes\n\nprint('loading')\nctypes.CDLL('libsun.so.7')\n"})
    with pytest.raises(BuildError) as raised:
        package("one\n", local.runtime(), local.architecture(), USES, fresh)
    assert (
        "function app: handler app.handle: OSError: libsun.so.7: cannot open shared object file: No such file or "
        "directory (one.py:4 of one 1.0)\nbefore that it printed: loading"
    ) == raised.value.message
    assert raised.value.hint is not None and raised.value.hint.startswith("libsun.so.7 is not on Lambda: ")


@pytest.mark.parametrize("guarded", [False, True])
def test_a_shared_library_that_only_this_host_has(
    index: Index, package: Build, said: list[str], tmp_path: Path, fresh: Path, guarded: bool
) -> None:
    """What is linked to it loads here and would not on Lambda: it does not here either, and counts if it must."""
    library = find_library("lzma") or find_library("bz2") or find_library("expat")
    if library is None or platform.libc_ver()[0] != "glibc" or shutil.which("cc") is None:
        pytest.skip("no C compiler for glibc here, or no library")
    (tmp_path / "one.c").write_text("int one(void) { return 1; }\n")
    command = ["cc", "-shared", "-fPIC", "-o", "one.so", "one.c", "-Wl,--no-as-needed", f"-l:{library}"]
    subprocess.run(command, cwd=tmp_path, check=True)
    load = "import ctypes, os\nctypes.CDLL(os.path.dirname(__file__) + '/fast.so')\n"
    code = f"try:\n    import load\nexcept OSError:\n    pass\n{USES}" if guarded else f"import load\n{USES}"
    wheel(index.folder, "one", {"one.py": "", "load.py": load, "fast.so": (tmp_path / "one.so").read_bytes()})
    if guarded:
        assert package("one\n", local.runtime(), local.architecture(), code, fresh).size
    else:
        expected = f"OSError: {library}: cannot open .* [(]load.py:2 of one 1.0[)]"
        with pytest.raises(BuildError, match=expected) as raised:
            package("one\n", local.runtime(), local.architecture(), code, fresh)
        assert raised.value.hint is not None and raised.value.hint.startswith(f"{library} is not on Lambda: ")
    assert f"app: fast.so of one 1.0 is linked to {library}, which is not on Lambda: importing it would fail" in said


def test_each_file_with_its_own_libraries(
    index: Index, package: Build, said: list[str], tmp_path: Path, fresh: Path
) -> None:
    """As numba's, of which one is linked to libgomp and one to libtbb: no file is said to be linked to another's."""
    if platform.libc_ver()[0] != "glibc" or shutil.which("cc") is None:
        pytest.skip("no C compiler for glibc here")
    (tmp_path / "empty.c").write_text("")
    shared = ["cc", "-shared", "-fPIC", "empty.c", "-Wl,--no-as-needed", "-o"]
    for name in ("first", "second"):
        for command in ([f"lib{name}.so", f"-Wl,-soname,lib{name}.so.9"], [f"{name}.so", f"-l:lib{name}.so", "-L."]):
            subprocess.run([*shared, *command], cwd=tmp_path, check=True)
    files = {f"{name}.so": (tmp_path / f"{name}.so").read_bytes() for name in ("first", "second")}
    wheel(index.folder, "one", {"one.py": "", **files})
    package("one\n", local.runtime(), local.architecture(), USES, fresh)
    for name in ("first", "second"):
        assert (
            f"app: {name}.so of one 1.0 is linked to lib{name}.so.9, which is not on Lambda: importing it would fail"
        ) in said


def test_what_may_fail_only_here_is_said(index: Index, package: Build, said: list[str], fresh: Path) -> None:
    """A handler that asks for what only Lambda has is packaged, with a word about it."""
    wheel(index.folder, "one", {"one.py": "import os\nos.environ['AWS_SESSION_TOKEN']\n"})
    assert package("one\n", local.runtime(), local.architecture(), USES, fresh).size
    assert (
        "function app: handler app.handle: KeyError: 'AWS_SESSION_TOKEN' (one.py:2 of one 1.0) "
        "(here; on Lambda it may be there)"
    ) in said


def test_what_only_lambda_s_path_finds_is_said(index: Index, package: Build, said: list[str], fresh: Path) -> None:
    """A module that lies in a folder of the package may be on the path there, by its full name on Lambda."""
    wheel(index.folder, "one", {"vendor/two.py": ""})
    code = "import sys\nsys.path.append('/var/task/vendor')\nimport two\n\n\ndef handle(event, context): ...\n"
    assert package("one\n", local.runtime(), local.architecture(), code, fresh).size
    assert (
        "function app: handler app.handle: ModuleNotFoundError: No module named 'two' (functions/app/app.py:3) "
        "(here; on Lambda it may be there)"
    ) in said


def test_hashes_that_are_required(index: Index, package: Build, fresh: Path) -> None:
    """Of two files of a release, the one with a listed hash is taken."""
    wheel(index.folder, "one", {"one.py": "PURE = False"}, tag="py3-none-manylinux2014_x86_64")
    pure = wheel(index.folder, "one")
    found = package(f"one==1.0 --hash=sha256:{sha256(pure)}\n", code=USES, cache=fresh)
    assert hashlib.sha256(b"VERSION = '1.0'\n").hexdigest() in {file.sha256 for file in found.files}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"one==1.0 --hash=sha256:{'0' * 64}\ntwo==1.0 --hash=sha256:{{two}}\n",
         "one 1.0: none of the files that the index has for this target has a hash that the requirements list"),
        ("one==1.0 --hash=sha256:{one}\n", "two 1.0: required, but without a hash, while others have one"),
        ("one==1.0 --hash=sha256:{one}\ntwo==1.0\n", "two 1.0: required, but without a hash, while others have one"),
    ],
    ids=["other", "unlisted", "without"],
)
def test_hashes_that_do_not_match(index: Index, package: Build, fresh: Path, text: str, expected: str) -> None:
    """Nothing is fetched, nothing built."""
    one, two = wheel(index.folder, "one", requires=["two"]), wheel(index.folder, "two")
    with pytest.raises(BuildError) as raised:
        package(text.format(one=sha256(one), two=sha256(two)), code=USES, cache=fresh)
    assert f"requirements.txt: {expected}" == raised.value.message
    assert [] == index.fetched


def test_bytes_that_are_not_what_the_index_promised(index: Index, package: Build, fresh: Path) -> None:
    """A file changed on the way is refused and not kept."""
    path = wheel(index.folder, "one")
    index.served[path.name] = path.read_bytes() + b"!"
    with pytest.raises(BuildError, match="one 1.0: the file has the sha256 [0-9a-f]{64}, not [0-9a-f]{64}"):
        package("one\n", code=USES, cache=fresh)
    assert [] == files(fresh)


# ---------------------------------------------------------------- versions


def test_a_yanked_version(index: Index, package: Build, fresh: Path) -> None:
    """It is passed over, unless it is pinned."""
    wheel(index.folder, "one", version="1.0")
    index.yanked[wheel(index.folder, "one", version="2.0").name] = "broken"
    assert (Dependency("one", "1.0"),) == package("one\n", code=USES, cache=fresh).dependencies
    assert (Dependency("one", "2.0"),) == package("one==2.0\n", code=USES, cache=fresh).dependencies


@pytest.mark.parametrize(
    ("required", "expected"),
    [
        ("lost", "lost was not found in the package registry"),
        ("one>=2", "only one==1.0 is available"),
        ("one===", "Unexpected end of version specifier"),
        ("-r none.txt", "^requirements.txt:1: none.txt does not exist"),
        ("./none/", "^requirements.txt: Distribution not found at: none"),
    ],
)
def test_what_cannot_be_resolved(index: Index, package: Build, fresh: Path, required: str, expected: str) -> None:
    """uv's reason, headed by the file; the index's address is not shown, paths are those that the user knows."""
    wheel(index.folder, "one")
    with pytest.raises(BuildError, match=expected) as raised:
        package(f"{required}\n", code=USES, cache=fresh)
    assert "requirements.txt" in raised.value.message
    assert index.address not in raised.value.message + raised.value.hint


@pytest.mark.parametrize(
    ("required", "hint"),
    [
        ("dns-connect==1", "check the names and versions that are required"),
        ("one==1.0\none<1", "the requirements contradict each other: change one of them"),
        ("one=1.0", "correct that line: https://pip.pypa.io/"),
        ("new", "require a version that runs on the function's runtime, or give the function another runtime"),
    ],
)
def test_the_way_out_of_what_cannot_be_resolved(
    index: Index, package: Build, fresh: Path, required: str, hint: str
) -> None:
    """It is that of this mistake, whatever words the names of packages hold; and no option of uv's."""
    wheel(index.folder, "one")
    wheel(index.folder, "new", metadata="Requires-Python: >=3.99\n")
    with pytest.raises(BuildError) as raised:
        package(f"{required}\n", code=USES, cache=fresh)
    assert raised.value.hint.startswith(hint)
    assert "--python-version" not in raised.value.message


def test_an_older_version_that_has_a_wheel(index: Index, package: Build, said: list[str], fresh: Path) -> None:
    """When the newest cannot be loaded by the target, and the requirement allows it, the newest that can is taken."""
    wheel(index.folder, "one", version="1.0", tag="cp313-cp313-manylinux_2_17_x86_64.manylinux2014_x86_64")
    wheel(index.folder, "one", version="2.0", tag="cp313-cp313-win_amd64")
    sdist(index.folder, "one", version="2.0")
    assert (Dependency("one", "1.0"),) == package("one\n", code=USES, cache=fresh).dependencies
    assert "one 1.0: 2.0 has no wheel for python3.13 on x86_64 with glibc 2.34" in said


@pytest.mark.parametrize(
    ("levels", "expected"),
    [
        ({"1.2": "2_17", "1.5.5": "2_26", "1.5.6": "2_26", "2.0": "2_28", "2.0.1": "2_28"}, "1.5.6"),
        ({"1.1": "2_17", "1.2": "2_17", "1.3.1": "2_17", "1.3.2": "2_17", "1.3.3": "2_27"}, "1.3.2"),
    ],
    ids=["duckdb", "contourpy"],
)
def test_the_newest_that_has_a_wheel(
    index: Index, package: Build, fresh: Path, levels: dict[str, str], expected: str
) -> None:
    """Also for glibc 2.26, which uv has no name for."""
    for version, glibc in levels.items():
        wheel(index.folder, "one", version=version, tag=f"cp311-cp311-manylinux_{glibc}_x86_64")
    assert (Dependency("one", expected),) == package("one\n", "python3.11", code=USES, cache=fresh).dependencies


def test_an_index_that_breaks_off(
    index: Index, package: Build, fresh: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it has is not known then: it is not told that there is no wheel."""
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    wheel(index.folder, "one", version="2.0", tag="cp311-cp311-manylinux_2_28_x86_64")
    index.lost.add(wheel(index.folder, "one", version="1.0", tag="cp311-cp311-manylinux_2_17_x86_64").name)
    with pytest.raises(BuildError, match=r"^requirements\.txt: .*") as raised:
        package("one\n", "python3.11", code=USES, cache=fresh)
    assert "no wheel" not in raised.value.message
    assert raised.value.hint.startswith("check the network")


def test_an_older_version_beside_what_has_no_wheel_at_all(index: Index, package: Build, fresh: Path) -> None:
    """What has one is not built, as numpy was beside mysqlclient; and only what has none is told."""
    wheel(index.folder, "one", version="1.0", tag="cp311-cp311-manylinux_2_17_x86_64")
    wheel(index.folder, "one", version="2.0", tag="cp311-cp311-manylinux_2_28_x86_64")
    sdist(index.folder, "one", version="2.0", tag="cp311-cp311-linux_x86_64")
    wheel(index.folder, "two", version="1.0", tag="cp311-cp311-win_amd64")
    sdist(index.folder, "two", version="1.0", tag="cp311-cp311-linux_x86_64")
    with pytest.raises(BuildError, match=r"txt: no wheel of two 1\.0 for python3\.11 on"):
        package("one\ntwo\n", "python3.11", code=USES, cache=fresh, packaging=Packaging(binaries=("wheels",)))


def test_an_index_that_the_requirements_name(
    index: Index, package: Build, fresh: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is asked whenever uv is, also about what has no wheel."""
    monkeypatch.setenv("UV_DEFAULT_INDEX", f"{index.url}/nothing")
    sdist(index.folder, "one")
    built = package(f"--extra-index-url {index.url}\none\n", code=USES, cache=fresh)
    assert (Dependency("one", "1.0", "build"),) == built.dependencies


def test_an_older_version_beside_one_that_uv_has_no_name_for(index: Index, package: Build, fresh: Path) -> None:
    """uv knows no glibc 2.26: where one dependency must be older for it, the others still are as new as they can be.

    As pandas (2.24) with numpy (2.28) on python3.11 are: nothing is compiled.
    """
    wheel(index.folder, "one", version="1.0", tag="cp311-cp311-manylinux_2_17_x86_64")
    wheel(index.folder, "one", version="2.0", tag="cp311-cp311-manylinux_2_28_x86_64")
    wheel(index.folder, "two", version="3.0", tag="cp311-cp311-manylinux_2_24_x86_64.manylinux_2_28_x86_64")
    sdist(index.folder, "two", version="3.0", tag="cp311-cp311-linux_x86_64")
    wheel(index.folder, "three", version="1.0", tag="cp311-cp311-manylinux_2_17_x86_64", requires=["one>1"])
    wheel(index.folder, "three", version="0.9", tag="cp311-cp311-manylinux_2_17_x86_64")
    built = package("one\ntwo\nthree\n", "python3.11", code=USES, cache=fresh)
    assert (Dependency("one", "1.0"), Dependency("three", "0.9"), Dependency("two", "3.0")) == built.dependencies


@pytest.mark.parametrize("required", ["one==2.0", "one"])
def test_no_wheel_for_the_target(index: Index, package: Build, fresh: Path, required: str) -> None:
    """The message says for which target one was sought, and what to do."""
    wheel(index.folder, "one", version="2.0", tag="cp313-cp313-win_amd64")
    sdist(index.folder, "one", version="2.0")
    with pytest.raises(BuildError) as raised:
        package(f"{required}\n", "python3.9", code=USES, cache=fresh)
    assert (
        "requirements.txt: no wheel of one 2.0 for python3.9 on x86_64 with glibc 2.26, "
        "nor is it in lambda-packages, nor can this host build it for there"
    ) == raised.value.message
    assert "require a version that has a wheel" in raised.value.hint


@pytest.mark.parametrize(
    ("runtime", "architecture", "expected"),
    [
        ("python3.13", "x86_64", "cp313-cp313-manylinux_2_34_x86_64"),
        ("python3.12", "arm64", "py3-none-manylinux_2_26_aarch64"),
        ("python3.11", "arm64", "py3-none-manylinux_2_26_aarch64"),
        ("python3.11", "x86_64", "py3-none-any"),
    ],
)
def test_the_nearest_wheel(
    index: Index, package: Build, fresh: Path, runtime: str, architecture: str, expected: str
) -> None:
    """Of a release, the wheel is taken that is nearest to the runtime's Python, processor and glibc."""
    for tag in (
        "cp313-cp313-manylinux_2_34_x86_64", "cp313-cp313-manylinux_2_35_x86_64", "cp311-cp311-manylinux_2_27_x86_64",
        "py3-none-manylinux_2_26_aarch64", "py3-none-any", "cp313-cp313-musllinux_1_2_x86_64",
    ):
        wheel(index.folder, "one", {"one.py": f"TAG = '{tag}'"}, tag=tag)
    found = package("one\n", runtime, architecture, USES, fresh)
    assert hashlib.sha256(f"TAG = '{expected}'".encode()).hexdigest() in {file.sha256 for file in found.files}


# ---------------------------------------------------------------- sources


def test_a_pure_source_distribution_is_built(index: Index, package: Build, said: list[str], fresh: Path) -> None:
    """On any host, for any target; once."""
    sdist(index.folder, "one")
    found = package("one\n", architecture="arm64", code=USES, cache=fresh)
    assert (Dependency("one", "1.0", "build"),) == found.dependencies
    assert "one.py" in {file.path for file in found.files}
    package("one # again\n", architecture="arm64", code=USES, cache=fresh)
    assert 1 == said.count("building one 1.0 from source")


def test_a_source_distribution_with_compiled_code(index: Index, package: Build, fresh: Path) -> None:
    """What it builds into runs only here: refused. (Python 3.9 cannot run this project.)"""
    sdist(index.folder, "one", tag="cp313-cp313-linux_x86_64")
    with pytest.raises(BuildError, match="one 1.0: no wheel for python3.9 on x86_64 .*, and its source holds code"):
        package("one\n", "python3.9", code=USES, cache=fresh)


@pytest.mark.parametrize("locked", [True, False])
def test_an_index_that_a_project_names(
    index: Index, package: Build, fresh: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, locked: bool
) -> None:
    """A function's own project, in a folder below, with what it says to uv."""
    monkeypatch.setenv("UV_DEFAULT_INDEX", f"{index.url}/nothing")
    sdist(index.folder, "one")
    said = '[project]\nname = "app"\nversion = "1"\nrequires-python = ">=3.9"\ndependencies = ["one"]\n'
    lay(tmp_path / "sub", {"pyproject.toml": f'{said}[[tool.uv.index]]\nurl = "{index.url}"\n'})
    if locked:
        subprocess.run([find_uv_bin(), "lock", "--quiet"], cwd=tmp_path / "sub", check=True)
    built = package(code=USES, cache=fresh, requirements_file="sub/pyproject.toml")
    assert (Dependency("one", "1.0", "build"),) == built.dependencies


def test_code_that_is_not_to_be_compiled(index: Index, package: Build, fresh: Path) -> None:
    """Where packaging names no build, pure sources only are built; also when it was compiled before."""
    sdist(index.folder, "one", tag=f"cp3{sys.version_info[1]}-cp3{sys.version_info[1]}-linux_{platform.machine()}")
    here: dict[str, Any] = {
        "runtime": local.runtime(), "architecture": local.architecture(), "code": USES, "cache": fresh,
    }
    if sys.platform == "linux":
        assert "build" == package("one\n", **here).dependencies[0].origin
    with pytest.raises(BuildError, match=r"one 1\.0: no wheel for .*, and its source holds code") as raised:
        package("one\n", **here, packaging=Packaging(binaries=("wheels",)))
    assert "require a version that has a wheel, or name build in the binaries of packaging" == raised.value.hint


def test_a_source_distribution_that_does_not_build(index: Index, package: Build, fresh: Path) -> None:
    """The message has what its build said."""
    sdist(index.folder, "one", code="raise SystemExit('no compiler here')")
    with pytest.raises(BuildError, match=r"building one 1\.0: no compiler here \(Failed to build") as raised:
        package("one\n", "python3.9", code=USES, cache=fresh)
    assert raised.value.hint == (
        "see what uv says; or require a version that has a wheel; where it holds code to compile, "
        "build in a Linux container with Python 3.9 on x86_64"
    )
    told = "import sys; print('one.c:1:10: fatal error: lber.h: No such file', file=sys.stderr)"
    sdist(index.folder, "one", version="2.0", code=f"{told}; raise SystemExit('error: only available as expected')")
    expected = r"2\.0: one\.c:1:10: fatal error: lber\.h: No such file \(Failed to build"
    with pytest.raises(BuildError, match=expected) as raised:
        package("one\n", "python3.9", code=USES, cache=fresh)
    assert raised.value.hint.startswith("see what uv says")


@pytest.mark.parametrize("keyring, lent", [("disabled", ""), ("subprocess", "AWS_SECRET_ACCESS_KEY ")])
def test_the_build_of_a_dependency_gets_no_credentials(
    keyring: str, lent: str, index: Index, package: Build, fresh: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor does it write into a workflow's summary. Where uv asks a keyring, that one may need those of AWS."""
    names = ("AWS_PROFILE", "AWS_SECRET_ACCESS_KEY", "ACTIONS_ID_TOKEN_REQUEST_TOKEN", "GITHUB_STEP_SUMMARY")
    for name, value in {**dict.fromkeys(names, "x"), "UV_KEYRING_PROVIDER": keyring}.items():
        monkeypatch.setenv(name, value)
    sdist(index.folder, "one", code=f"import os; raise SystemExit(' '.join(n for n in {names} if n in os.environ))")
    with pytest.raises(BuildError, match=rf"building one 1\.0: AWS_PROFILE {lent}\(Failed to build"):
        package("one\n", code=USES, cache=fresh)


def test_a_local_project(index: Index, package: Build, tmp_path: Path, fresh: Path) -> None:
    """It is built from a copy, and again when a file of it changes."""
    folder = lay(tmp_path / "libs/one", project("one"))
    before = files(folder)
    first = package("./libs/one\n", code=USES, cache=fresh)
    assert (Dependency("one", "1.0", "build"),) == first.dependencies
    (folder / "src/one.py").write_text("CHANGED = True\n")
    second = package("./libs/one\n", code=USES, cache=fresh)
    assert first.digest != second.digest
    assert before == files(folder)


@pytest.mark.parametrize("where", ["one/.gitignore", ".gitignore"])
def test_what_a_local_project_ignores(
    index: Index, package: Build, tmp_path: Path, fresh: Path, where: str
) -> None:
    """Backends leave out what git does, as hatchling: they are told it where the project is built, too."""
    for path, text in project("one", code="print(pathlib.Path('.gitignore').read_text()); raise SystemExit").items():
        (tmp_path / "one" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "one" / path).write_text(text)
    (tmp_path / ".git").mkdir()
    (tmp_path / where).write_text("secret-data\n")
    with pytest.raises(BuildError, match="secret-data"):
        package("./one\n", code=USES, cache=fresh)


def test_a_local_wheel(index: Index, package: Build, tmp_path: Path, fresh: Path) -> None:
    """By its path, and again when it changes."""
    wheel(tmp_path / "wheels", "one")
    first = package("./wheels/one-1.0-py3-none-any.whl\n", code=USES, cache=fresh)
    assert (Dependency("one", "1.0"),) == first.dependencies
    wheel(tmp_path / "wheels", "one", {"one.py": "CHANGED = True"})
    assert first.digest != package("./wheels/one-1.0-py3-none-any.whl\n", code=USES, cache=fresh).digest


# ---------------------------------------------------------------- wheels of odd shapes


def test_two_wheels_with_one_path(index: Index, package: Build, said: list[str], fresh: Path) -> None:
    """As an installer leaves it: one of them wins, always the same one, and it is said. Equal files are no matter."""
    wheel(index.folder, "one", {"one.py": "", "both.py": "ONE = 1", "same.py": ""})
    wheel(index.folder, "two", {"both.py": "TWO = 2", "same.py": ""})
    found = package("two\none\n", code=USES, cache=fresh)
    assert hashlib.sha256(b"ONE = 1").hexdigest() in {file.sha256 for file in found.files if file.path == "both.py"}
    clashes = [line for line in said if ".py" in line]
    assert ["app: both.py of one 1.0 is used, that of two 1.0 is not"] == clashes


def test_a_file_of_ours_and_of_a_wheel_with_one_path(index: Index, package: Build, fresh: Path) -> None:
    """Neither is dropped silently; the way out is to rename."""
    wheel(index.folder, "one", {"app.py": "", "one.py": ""})
    with pytest.raises(BuildError) as raised:
        package("one\n", code=USES, cache=fresh)
    assert (
        "function app: functions/app/app.py and one 1.0 would both be app.py in the package"
    ) == raised.value.message


def test_secrets_in_dependencies(index: Index, package: Build, fresh: Path) -> None:
    """A private package may bring one: refused as one of ours, by its name, unless it is allowed."""
    wheel(index.folder, "one", {"one.py": "", "one/.env": "TOKEN=x"})
    with pytest.raises(BuildError, match=r"function app: one/\.env of one 1\.0: looks like a secret"):
        package("one\n", code=USES, cache=fresh)
    found = package("one\n", code=USES, cache=fresh, packaging=Packaging(allow=("one/.env",)))
    assert "one/.env" in {file.path for file in found.files}


def test_what_a_dependency_takes(index: Index, package: Build, fresh: Path) -> None:
    """The bytes of its files in the zip; too large a package names the largest."""
    wheel(index.folder, "one", {"one.py": "", "one.bin": os.urandom(99_000)})
    wheel(index.folder, "two", {"two.py": ""})
    found = package("one\ntwo\n", code=USES, cache=fresh)
    large, small = found.dependencies
    assert 99_000 < large.size < 100_000
    assert 0 < small.size < 1_000
    with pytest.raises(BuildError, match="more than its max_size") as raised:
        package("one\ntwo\n", code=USES, cache=fresh, max_size=50_000)
    assert "the largest: one 1.0 (0.1 MB zipped), two 1.0" in raised.value.hint


def test_exclude_holds_for_dependencies(index: Index, package: Build, fresh: Path) -> None:
    """Their tests, say, or what clashes with a file of ours."""
    wheel(index.folder, "one", {"one.py": "", "tests/test_one.py": ""})
    found = package("one\n", code=USES, cache=fresh, exclude=("tests/",))
    assert "tests/test_one.py" not in {file.path for file in found.files}


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_wheels_that_are_not_deflated(index: Index, package: Build, fresh: Path, compression: int) -> None:
    """Stored entries are copied; what Lambda may not unpack is compressed again."""
    wheel(index.folder, "one", {"one.py": "A = 1\n" * 99}, compression=compression)
    found = package("one\n", code=USES, cache=fresh)
    with zipfile.ZipFile(found.path) as opened:
        assert b"A = 1\n" * 99 == opened.read("one.py")
        assert opened.getinfo("one.py").compress_type in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


def test_programs_of_a_wheel(index: Index, package: Build, fresh: Path, tmp_path: Path) -> None:
    """What is no script of Python's goes into bin/, where an installer puts it and its wheel seeks it; as ruff's."""
    scripts = {"tool": b"\0binary", "run.sh": "#!/bin/sh\n", "one": "#!python\n", "onew": "#!pythonw\n"}
    one = wheel(index.folder, "one", {"one.py": "", **{f"one-1.0.data/scripts/{n}": t for n, t in scripts.items()}})
    found = {file.path: file.mode for file in package("one\n", code=USES, cache=fresh).files}
    subprocess.run([find_uv_bin(), "pip", "install", "-q", "--target", tmp_path / "t", one], check=True)
    laid = {p.relative_to(tmp_path / "t").as_posix(): p for p in (tmp_path / "t").rglob("bin/*")}
    assert {"bin/tool", "bin/run.sh"} == {path for path in found if path.startswith("bin/")}
    assert {0o755} == {found[path] for path in ("bin/tool", "bin/run.sh")}
    assert all(laid[path].stat().st_mode & 0o111 for path in ("bin/tool", "bin/run.sh"))
    assert b"\0binary" == laid["bin/tool"].read_bytes()


@pytest.mark.parametrize("path", ["../evil.py", "/evil.py", "one/../../evil.py", "one-1.0.data/other/x"])
def test_wheels_that_reach_outside(index: Index, package: Build, fresh: Path, path: str) -> None:
    """Refused, with the wheel's name."""
    wheel(index.folder, "one", {"one.py": "", path: ""})
    with pytest.raises(BuildError, match=r"one 1\.0: not a wheel that can be read"):
        package("one\n", code=USES, cache=fresh)


def test_a_wheel_whose_bytes_are_damaged(index: Index, package: Build, fresh: Path) -> None:
    """Its hash is right, its content is not what its directory says."""
    path = wheel(index.folder, "one", {"one.py": "A" * 99}, compression=zipfile.ZIP_STORED)
    path.write_bytes(path.read_bytes().replace(b"A" * 99, b"B" * 99))
    with pytest.raises(BuildError, match=r"one 1\.0: not a wheel that can be read: Bad CRC-32"):
        package("one\n", code=USES, cache=fresh)


def test_a_damaged_wheel_in_the_cache_is_fetched_again(index: Index, package: Build, fresh: Path) -> None:
    """Its name is the hash of its bytes, and is checked."""
    wheel(index.folder, "one")
    first = package("one\n", code=USES, cache=fresh)
    (kept,) = (fresh / "wheels").iterdir()
    kept.write_bytes(kept.read_bytes()[:-1])
    second = package("one\n", code=USES + "# changed", cache=fresh)
    assert first.dependencies == second.dependencies
    assert 2 == len(index.fetched)


# ---------------------------------------------------------------- the way to the index


def test_credentials_of_a_private_index(
    index: Index, package: Build, fresh: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Where uv takes them from: the address, the index's own variables, .netrc."""
    wheel(index.folder, "one")
    index.login = f"ann:{PASSWORD}"
    monkeypatch.setenv("UV_DEFAULT_INDEX", f"http://ann:{PASSWORD}@{index.address}/simple")
    package("one\n", code=USES, cache=fresh / "address")
    monkeypatch.setenv("UV_DEFAULT_INDEX", f"ours={index.url}")
    monkeypatch.setenv("UV_INDEX_OURS_USERNAME", "ann")
    monkeypatch.setenv("UV_INDEX_OURS_PASSWORD", PASSWORD)
    package("one\n", code=USES, cache=fresh / "variables")
    monkeypatch.delenv("UV_INDEX_OURS_USERNAME")
    monkeypatch.delenv("UV_INDEX_OURS_PASSWORD")
    (tmp_path / "netrc").write_text(f"machine 127.0.0.1 login ann password {PASSWORD}\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    package("one\n", code=USES, cache=fresh / "netrc")
    assert 3 == len(index.fetched)


@pytest.mark.parametrize("where", ["requirements.txt", "pyproject.toml", "uv.toml"])
def test_credentials_of_an_index_that_the_project_names(
    index: Index, package: Build, fresh: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, where: str
) -> None:
    """In the requirements, with the password in a variable; or in uv's configuration, with the index's variables."""
    wheel(index.folder, "one")
    index.login = f"ann:{PASSWORD}"
    monkeypatch.delenv("UV_DEFAULT_INDEX")
    monkeypatch.setenv("SECRET", PASSWORD)
    monkeypatch.setenv("UV_INDEX_OURS_USERNAME", "ann")
    monkeypatch.setenv("UV_INDEX_OURS_PASSWORD", PASSWORD)
    said = f'index]]\nname = "ours"\nurl = "{index.url}"\ndefault = true\n'
    required = "one\n"
    if where == "requirements.txt":
        required += f"--index-url http://ann:${{SECRET}}@{index.address}/simple\n"
    else:
        (tmp_path / where).write_text(f"[[tool.uv.{said}" if where == "pyproject.toml" else f"[[{said}")
    package(required, code=USES, cache=fresh)
    assert 1 == len(index.fetched)


def test_a_source_archive_named_by_its_path(index: Index, package: Build, tmp_path: Path, fresh: Path) -> None:
    """No index is asked for it; two of them are told apart."""
    first = sdist(tmp_path / "first", "one")
    second = sdist(tmp_path / "second", "one", files={"one.py": "BUILT = 2\n"})
    built = [package(f"./{path.relative_to(tmp_path)}\n", code=USES, cache=fresh) for path in (first, second)]
    assert (Dependency("one", "1.0", "build"),) == built[0].dependencies
    assert built[0].digest != built[1].digest


@pytest.mark.parametrize("packaging", [Packaging(groups=("dev",)), Packaging(extras=("dev",))])
def test_groups_that_a_requirements_file_cannot_have(package: Build, fresh: Path, packaging: Packaging) -> None:
    """What was asked for is not left out silently."""
    with pytest.raises(BuildError, match="has no dependency groups and no extras, packaging names dev"):
        package("one\n", code=USES, cache=fresh, packaging=packaging)


def test_wrong_credentials(
    index: Index, package: Build, said: list[str], fresh: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither the password nor the address is shown, or kept."""
    wheel(index.folder, "one")
    index.login = "ann:right"
    monkeypatch.setenv("UV_DEFAULT_INDEX", f"http://ann:{PASSWORD}@{index.address}/simple")
    with pytest.raises(BuildError) as raised:
        package("one\n", code=USES, cache=fresh)
    shown = "\n".join([raised.value.message, raised.value.hint, str(raised.value.__cause__), *said])
    assert "one that refuses the password looks like an empty one" in raised.value.hint
    assert PASSWORD not in shown
    assert index.address not in shown


def test_an_address_with_a_password_is_nowhere_in_the_cache(
    index: Index, package: Build, fresh: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And a new password, as a token that lives for hours, builds nothing again."""
    wheel(index.folder, "one")
    said: list[str] = []
    for password in (PASSWORD, "another"):
        index.login = f"ann:{password}"
        monkeypatch.setenv("UV_DEFAULT_INDEX", f"http://ann:{password}@{index.address}/simple")
        found = package("one\n", code=USES, cache=fresh)
        said.append(found.path.name)
    assert 1 == len(set(said))
    kept = b"".join((fresh / path).read_bytes() for path in files(fresh))
    assert PASSWORD.encode() not in kept
    assert 1 == len(index.fetched)


def test_passing_faults_are_waited_out(
    index: Index, package: Build, fresh: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server's bad moment does not fail a build."""
    monkeypatch.setattr(fetching, "_PAUSES", (0.01, 0.01, None))
    index.broken[wheel(index.folder, "one").name] = [503, 429]
    assert package("one\n", code=USES, cache=fresh).dependencies


@pytest.mark.parametrize(
    ("statuses", "expected"), [([503] * 9, "answered 503"), ([404], "answered 404"), ([403], "answered 403")]
)
def test_lasting_faults(
    index: Index, package: Build, fresh: Path, monkeypatch: pytest.MonkeyPatch, statuses: list[int], expected: str
) -> None:
    """The message says which package, and what the index answered."""
    monkeypatch.setattr(fetching, "_PAUSES", (0.01, 0.01, None))
    index.broken[wheel(index.folder, "one").name] = statuses
    with pytest.raises(BuildError, match=f"one 1.0: the package index {expected}") as raised:
        package("one\n", code=USES, cache=fresh)
    assert index.address not in str(raised.value)


def test_an_index_that_is_not_there(
    index: Index, package: Build, fresh: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The message says that it is the network, or the settings, not the requirement."""
    index.close()
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    with pytest.raises(BuildError) as raised:
        package("one\n", code=USES, cache=fresh)
    assert "check the network" in raised.value.hint
    assert index.address not in str(raised.value)


def test_a_folder_as_index(index: Index, package: Build, fresh: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """file: addresses are read as they are, without a server."""
    wheel(index.folder, "one")
    index.close()
    monkeypatch.setenv("UV_FIND_LINKS", index.folder.as_uri())
    monkeypatch.setenv("UV_DEFAULT_INDEX", fresh.as_uri())
    assert (Dependency("one", "1.0"),) == package("one\n", code=USES, cache=fresh).dependencies


# ---------------------------------------------------------------- compiled code


def compiled(folder: Path) -> bytes:
    """A library of this machine that needs glibc 2.30."""
    compiler = shutil.which("cc")
    if compiler is None or platform.libc_ver()[0] != "glibc":
        pytest.skip("no C compiler for glibc here")
    (folder / "one.c").write_text("#define _GNU_SOURCE\n#include <unistd.h>\nint one(void) { return gettid(); }\n")
    subprocess.run([compiler, "-shared", "-fPIC", "-o", "one.so", "one.c"], cwd=folder, check=True)
    return (folder / "one.so").read_bytes()


@pytest.mark.parametrize("compression", [zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED, zipfile.ZIP_LZMA])
@pytest.mark.parametrize(("runtime", "other"), [("python3.13", True), ("python3.11", False)])
def test_compiled_code_that_the_target_cannot_load(
    index: Index, package: Build, tmp_path: Path, fresh: Path, runtime: str, other: bool, compression: int
) -> None:
    """Of another processor, or for a newer glibc, whatever the wheel's name says: refused, and the wheel named."""
    here = {"x86_64": "x86_64", "aarch64": "arm64"}.get(platform.machine())
    if here is None:
        pytest.skip("no Lambda runs on this processor")
    architecture = {"x86_64": "arm64", "arm64": "x86_64"}[here] if other else here
    wheel(index.folder, "one", {"one.py": "", "one/fast.so": compiled(tmp_path)}, compression=compression)
    with pytest.raises(BuildError) as raised:
        package("one\n", runtime, architecture, USES, fresh)
    why = "is for " if other else "needs glibc 2.30, python3.11 on Lambda has 2.26"
    assert raised.value.message.startswith(f"function app: one 1.0: one/fast.so {why}")
    assert "exclude the files" in raised.value.hint
    assert package("one\n", runtime, architecture, USES, fresh, exclude=("*.so",))


def test_compiled_code_of_ours(package: Build, tmp_path: Path, fresh: Path) -> None:
    """What lies in the function's folder is inspected like what was fetched."""
    (tmp_path / "functions/app").mkdir(parents=True)
    (tmp_path / "functions/app/tool").write_bytes(compiled(tmp_path))
    with pytest.raises(BuildError, match="function app: functions/app/tool: tool needs glibc 2.30"):
        package(runtime="python3.11", architecture={"aarch64": "arm64"}.get(platform.machine(), "x86_64"), cache=fresh)
