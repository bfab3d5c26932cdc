"""``slim`` and ``provided``: smaller packages that work as the whole ones do."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

from ci.build import strip
from ci.build.elf import read
from ci.model import SLIM, Package, Packaging
from ci.render.columns import si

from .conftest import Build
from .index import Index, wheel

EXERCISE = """
import importlib.metadata, io
import numpy as np
from cryptography import x509
from cryptography.fernet import Fernet
from cryptography.hazmat.primitives.asymmetric import ec
from PIL import Image, ImageDraw
from pydantic import BaseModel, EmailStr

def handle(event, context):
    assert np.allclose(np.linalg.inv(np.eye(3) * 2) @ np.fft.ifft(np.fft.fft(np.arange(3.0))).real, [0, 0.5, 1])
    assert np.random.default_rng(1).normal(size=9).std() > 0 and str(np.array(["a"], dtype=object)) == "['a']"
    np.testing.assert_array_equal(np.load(saved()), [1, 2])
    key = Fernet.generate_key()
    assert Fernet(key).decrypt(Fernet(key).encrypt(b"x")) == b"x" and ec.generate_private_key(ec.SECP256R1())
    assert x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "a")]).rfc4514_string() == "CN=a"
    image = Image.new("RGB", (40, 20), "red")
    ImageDraw.Draw(image).text((1, 1), "x")
    for form in ("JPEG", "PNG", "WEBP", "TIFF"):
        stream = io.BytesIO()
        image.save(stream, form)
        assert Image.open(stream).resize((8, 4), Image.LANCZOS).size == (8, 4)
    class Model(BaseModel):
        at: EmailStr
        size: int = 1
    assert Model.model_validate_json('{"at": "a@example.org", "size": "2"}').size == 2 and Model.model_json_schema()
    names = ("numpy", "pillow", "cryptography", "pydantic", "pydantic_core", "email-validator")
    return [importlib.metadata.version(name) for name in names], importlib.metadata.files("numpy") is not None

def saved():
    stream = io.BytesIO()
    np.save(stream, np.array([1, 2]))
    stream.seek(0)
    return stream
"""
CODE = "import one\ndef handle(event, context): ...\n"


def paths(package: Package) -> set[str]:
    return {file.path for file in package.files}


def rules(package: Package) -> list[str]:
    return [each.rule for each in package.left_out]


@pytest.mark.network
def test_a_slim_package_works(package: Build, tmp_path: Path, said: list[str]) -> None:
    """Numpy, Pillow, cryptography and pydantic do what they do; what each rule saved is said, the same each time."""
    here = f"python3.{sys.version_info.minor}"
    required = "numpy\npillow\ncryptography\npydantic[email]\n"
    slim = package(required, here, code=EXERCISE, packaging=Packaging(slim=SLIM))
    with ZipFile(slim.path) as opened:
        assert opened.testzip() is None
        opened.extractall(tmp_path / "task")
    script = "import sys; sys.path.insert(0, sys.argv[1]); import app; print(app.handle(None, None))"
    done = subprocess.run([sys.executable, "-I", "-S", "-c", script, tmp_path / "task"], capture_output=True, text=True)
    assert "" == done.stderr
    assert {"debug", "metadata", "tests"} <= set(rules(slim)) <= set(SLIM)
    assert sum(each.size for each in slim.left_out) > 1_000_000
    assert f"left out: debug {si(slim.left_out[0].unzipped)}" in said[-1]
    assert slim == package(required, here, code=EXERCISE, packaging=Packaging(slim=SLIM))
    again = package(required, here, code=f"{EXERCISE}\n", packaging=Packaging(slim=SLIM))
    assert slim.left_out == again.left_out
    assert {file for file in slim.files if file.path != "app.py"} <= set(again.files)


def test_what_slim_leaves_out(index: Index, package: Build, fresh: Path) -> None:
    """By rule, counted to the byte. What importlib.metadata reads stays, and licences do; nothing of ours goes."""
    left = {
        "tests": ("one/tests/test_a.py", "one/tests/data.csv", "tests/test_b.py", "one/sub/test/test_c.py"),
        "headers": ("one/include/one.h", "one/fast.pxd", "one/lib.a"),
        "stubs": ("one/__init__.pyi", "one/py.typed"),
        "metadata": ("one-1.0.dist-info/zip-safe", "one-1.0.dist-info/WHEEL", "one-1.0.dist-info/sboms/a.json"),
    }
    stays = (
        "one/__init__.py", "one/testing.py", "one/test/client.py", "one/latest/a.py", "one-1.0.dist-info/METADATA",
        "one-1.0.dist-info/RECORD", "one-1.0.dist-info/licenses/LICENSE", "one-1.0.dist-info/entry_points.txt",
    )
    files = dict.fromkeys([path for each in left.values() for path in each] + list(stays), "#")
    wheel(index.folder, "one", {path: text for path, text in files.items() if "/METADATA" not in path})
    (fresh.parent / "functions/app/tests").mkdir(parents=True)
    (fresh.parent / "functions/app/tests/test_app.py").touch()
    built = package("one\n", code=CODE, cache=fresh, packaging=Packaging(slim=SLIM))
    assert {*stays, "app.py", "tests/test_app.py"} == paths(built)
    assert {rule: len(each) for rule, each in left.items()} == {each.rule: each.files for each in built.left_out}
    whole = package("one\n", code=CODE, cache=fresh)
    assert whole.unzipped - built.unzipped == sum(each.unzipped for each in built.left_out)
    assert whole.dependencies == built.dependencies
    some = package("one\n", code=CODE, cache=fresh, packaging=Packaging(slim=("stubs",)))
    assert set(left["stubs"]) == set(files) - paths(some)


IMPORTS = (
    "from . import tests\n",
    "from .tests import (\n    helper,\n)\n",
    "from {one}.tests.helper import a\n",
    "import {one}.tests.helper as x\n",
    "import importlib\nimportlib.import_module('.tests', __package__)\n",
    "import importlib\nimportlib.import_module('{one}.tests.helper')\n",
    "from {one} import a, \\\n    tests\n",
    "from {one} import a, \\\n    b, \\\n    tests\n",
    "from {one} import (  # all (of it)\n    a,\n    tests,\n)\n",
    "from {one} import tests\ntype X = [\n",
)


def test_tests_that_are_imported_stay(index: Index, package: Build, fresh: Path) -> None:
    """However that is spelt; by the dependency itself, or by another one. Those that are not, go."""
    names = {f"one{number}": code for number, code in enumerate(IMPORTS)}
    names |= {"other": "", "none": "# from . import tests\n"}
    for name, code in names.items():
        wheel(index.folder, name, {f"{name}/__init__.py": code.format(one=name), f"{name}/tests/helper.py": "a = 1\n"})
    wheel(index.folder, "two", {"two.py": "from other import tests\n"})
    built = package(
        "\n".join([*names, "two"]), code="def handle(event, context): ...\n", cache=fresh,
        packaging=Packaging(slim=("tests",)),
    )
    assert {"none"} == {name for name in names if f"{name}/tests/helper.py" not in paths(built)}


def test_what_code_names_stays(index: Index, package: Build, fresh: Path) -> None:
    """Tests that our own code imports, headers that are named, stubs that are read when the module is."""
    code = "import lazy_loader\nlazy_loader.attach_stub(__name__, __file__)\nNAME = 'kernel.h'\n"
    kept = {"one/__init__.pyi": "", "one/kernel.h": "", "one/tests/__init__.py": ""}
    wheel(index.folder, "one", {"one/__init__.py": code, "one/other.h": "", **kept})
    wheel(index.folder, "lazy_loader")
    built = package(
        "one\nlazy-loader\n", code="import one.tests\ndef handle(event, context): ...\n", cache=fresh,
        packaging=Packaging(slim=SLIM),
    )
    assert set(kept) <= paths(built)
    assert "one/other.h" not in paths(built)


def test_what_the_runtime_provides(index: Index, package: Build, fresh: Path, said: list[str]) -> None:
    """Only when asked, and not what another dependency requires, in turn; it is said which versions are not used."""
    wheel(index.folder, "boto3", {"boto3/__init__.py": ""}, requires=["botocore"])
    wheel(index.folder, "botocore", {"botocore/__init__.py": ""}, requires=["urllib3", "python-dateutil>=1"])
    wheel(index.folder, "urllib3")
    wheel(index.folder, "six")
    wheel(index.folder, "python_dateutil", {"dateutil/__init__.py": ""}, requires=["six>=1"])
    wheel(index.folder, "one", requires=["URLLib3[extra] (>=1)"])
    code = "import boto3, dateutil, one\ndef handle(event, context): ...\n"
    whole = package("boto3\none\n", code=code, cache=fresh)
    assert ([], 6) == (rules(whole), len(whole.dependencies))
    built = package("boto3\none\n", code=code, cache=fresh, packaging=Packaging(provided=True))
    assert ["one", "urllib3"] == [dependency.name for dependency in built.dependencies]
    assert ["provided"] == rules(built)
    gone = "boto3 1.0, botocore 1.0, python_dateutil 1.0, six 1.0"
    assert f"app: {gone}: left out, the runtime has versions of its own" in said
    wheel(index.folder, "two", requires=["python-dateutil"])
    more = package("boto3\none\ntwo\n", code=code, cache=fresh, packaging=Packaging(provided=True))
    assert ["one", "python-dateutil", "six", "two", "urllib3"] == [dependency.name for dependency in more.dependencies]


def test_excluded_files_are_counted(index: Index, package: Build, fresh: Path) -> None:
    """Those of dependencies."""
    wheel(index.folder, "one", {"one.py": "", "one.md": "x" * 1000})
    [left] = package("one\n", code=CODE, cache=fresh, exclude=("*.md",)).left_out
    assert ("exclude", 1, 1000) == (left.rule, left.files, left.unzipped)


def library(folder: Path) -> Path:
    """A library with symbols and debug sections larger than what is worth cutting off."""
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("no C compiler here")
    functions = "".join(f"int function_{number}(int x) {{ return x + {number}; }}\n" for number in range(2000))
    (folder / "one.c").write_text(f"{functions}static int state = 41;\nint next(void) {{ return ++state; }}\n")
    subprocess.run([compiler, "-g", "-shared", "-fPIC", "-o", "one.so", "one.c"], cwd=folder, check=True)
    return folder / "one.so"


def test_debug_sections_are_cut_off(tmp_path: Path) -> None:
    """What is left is loaded, runs, and is read by others as before; once is enough."""
    whole = library(tmp_path).read_bytes()
    made = strip.strip(whole)
    assert made is not None
    (tmp_path / "made.so").write_bytes(made)
    script = "import ctypes, sys; one = ctypes.CDLL(sys.argv[1]); print(one.next(), one.function_1999(1))"
    done = subprocess.run([sys.executable, "-c", script, tmp_path / "made.so"], capture_output=True, text=True)
    assert "42 2000\n" == done.stdout
    assert b".debug_info" in whole and b".debug_info" not in made
    assert read(whole) == read(made)
    assert strip.strip(made) is None


@pytest.mark.parametrize(
    "spoil",
    [
        lambda data: data + b"appended",
        lambda data: data[:-1],
        lambda data: data[:40],
        lambda data: b"\x7fELF\x01" + data[5:],
        lambda data: data[:60] + b"\xff\xff" + data[62:],
        lambda data: data[:40] + b"\xff" * 8 + data[48:],
    ],
    ids=["appended", "cut", "short", "32 bits", "sections", "offset"],
)
def test_what_is_not_understood_stays(tmp_path: Path, spoil: object) -> None:
    """Something behind the last section may be data that the program reads; a damaged file is not ours to mend."""
    assert callable(spoil)
    assert strip.strip(spoil(library(tmp_path).read_bytes())) is None
