"""What is known of a package's dependencies: in its bill of materials, in the list of licences, between two jobs."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from ci import build
from ci.build import folder, wheel
from ci.build.sbom import sbom, save
from ci.errors import UsageError
from ci.model import Dependency, Function, Package, Pipeline
from ci.render import packages as render
from tests.build import index
from tests.unit import given

LXML = Dependency("lxml", "6.1.3", "wheel", 5_000, "a" * 64, "BSD-3-Clause")
BUILT = Dependency("own", "1.0+local.1", "build", 10, "b" * 64, "Ask Robert")
BARE = Dependency("bare", "2.0", "lambda-packages")
SETTINGS = {"Handler": "main.handle", "Runtime": "python3.13", "Architectures": ["x86_64"]}
MAIN = Function("main", "main", SETTINGS, {}, Path("main"))


def holding(*dependencies: Dependency, name: str = "echo") -> Package:
    return replace(given.package(name=name), dependencies=dependencies)


@pytest.mark.parametrize(
    "package",
    [
        holding(),
        holding(LXML, BUILT, BARE),
        replace(holding(LXML), layer=given.package(name="deps")),
        holding(*(replace(LXML, name=name, licence=name) for name in ("MIT OR Apache-2.0", "<b>", "?"))),
        holding(Dependency("a/../b@c?d#e", "1 0", "wheel", 0, "", "::set-output \u00fc")),
    ],
)
def test_bill_of_materials_is_cyclonedx(package: Package) -> None:
    """It passes the strict schema of CycloneDX 1.6, whatever names and licences say."""
    assert None is JsonStrictValidator(SchemaVersion.V1_6).validate_str(sbom(package))


def test_bill_of_materials_tells_what_is_in_the_zip() -> None:
    """The zip by its hash; each distribution by purl, version, its wheel's hash, licence and origin."""
    package = holding(LXML, BUILT, BARE)
    data = json.loads(sbom(package))
    whole = data["metadata"]["component"]
    assert ("echo", package.digest) == (whole["name"], whole["version"])
    assert [base64.b64decode(package.code_sha256).hex()] == [each["content"] for each in whole["hashes"]]
    found = {each["name"]: each for each in data["components"]}
    assert {"bare": "pkg:pypi/bare@2.0", "lxml": "pkg:pypi/lxml@6.1.3", "own": "pkg:pypi/own@1.0%2Blocal.1"} == {
        name: each["purl"] for name, each in found.items()
    }
    assert [{"alg": "SHA-256", "content": "a" * 64}] == found["lxml"]["hashes"]
    assert [{"license": {"id": "BSD-3-Clause"}}] == found["lxml"]["licenses"]
    assert [{"license": {"name": "Ask Robert"}}] == found["own"]["licenses"]
    assert "licenses" not in found["bare"] and "hashes" not in found["bare"]
    properties = {name: {p["name"]: p["value"] for p in each["properties"]} for name, each in found.items()}
    origins = {name: said["dollop:origin"] for name, said in properties.items()}
    assert {"lxml": "wheel", "own": "build", "bare": "lambda-packages"} == origins
    assert {each["purl"] for each in data["components"]} == depends(data)["application:echo"]


def depends(data: dict[str, Any]) -> dict[str, set[str]]:
    return {each["ref"]: set(each.get("dependsOn", ())) for each in data["dependencies"]}


def test_bill_of_materials_has_the_layer() -> None:
    """Where the dependencies are in a layer, that is a zip of its own with them in it."""
    layer = given.package({"python/lxml.py": "v1"}, name="deps")
    data = json.loads(sbom(replace(holding(LXML), layer=layer)))
    (found,) = (each for each in data["components"] if each["name"] == "deps")
    assert base64.b64decode(layer.code_sha256).hex() == found["hashes"][0]["content"]
    assert {"application:echo": {"file:deps"}, "file:deps": {"pkg:pypi/lxml@6.1.3"}, "pkg:pypi/lxml@6.1.3": set()} == (
        depends(data)
    )


def test_bill_of_materials_is_the_packages_alone(tmp_path: Path) -> None:
    """No time and nothing random: the same package gives the same bytes, another zip another serial number."""
    first, second = holding(LXML, BUILT), holding(BUILT, LXML)
    assert sbom(first) == sbom(second)
    assert "timestamp" not in json.loads(sbom(first))["metadata"]
    other = replace(first, code_sha256=given.code_sha256("other"))
    assert json.loads(sbom(first))["serialNumber"] != json.loads(sbom(other))["serialNumber"]
    save([first], tmp_path)
    assert sbom(first) == (tmp_path / "echo.cdx.json").read_text()


@pytest.mark.parametrize(
    ("metadata", "licence"),
    [
        ("License-Expression: MIT OR Apache-2.0\nLicense: other\n", "MIT OR Apache-2.0"),
        ("License: BSD 3-Clause\nClassifier: License :: OSI Approved :: BSD License\n", "BSD 3-Clause"),
        ("License: UNKNOWN\nClassifier: License :: OSI Approved :: MIT License\n", "MIT License"),
        ("License: All rights\n  reserved\nClassifier: License :: OSI Approved :: MIT License\n", "MIT License"),
        (f"License: {'long ' * 50}\n", ""),
        ("Classifier: License :: A\nClassifier: Topic :: B\nClassifier: License :: OSI Approved :: C\n", "A, C"),
        ("", ""),
    ],
)
def test_licence_as_a_wheel_says_it(metadata: str, licence: str, tmp_path: Path) -> None:
    """The expression, else the field when it is one short line, else the classifiers; nothing where nothing is said."""
    assert licence == wheel.read(index.wheel(tmp_path, "one", metadata=metadata), "one").licence


def test_licences_are_listed_once_a_dependency() -> None:
    """With the functions that hold it; a question mark where none is said, and no control characters."""
    evil = Dependency("evil", "1.0", "wheel", 0, "", "MIT\x1b[31m")
    rows = render.licences([holding(LXML, evil, name="api"), holding(BARE, LXML, name="sci")]).splitlines()
    assert ["dependency", "version", "licence", "from", "functions"] == rows[0].split()
    assert [
        ["bare", "2.0", "?", "lambda-packages", "sci"],
        ["evil", "1.0", "MIT\\x1b[31m", "wheel", "api"],
        ["lxml", "6.1.3", "BSD-3-Clause", "wheel", "api,", "sci"],
    ] == [row.split() for row in rows[1:]]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Package:
    """A package that holds the dependency ``one``."""
    root = tmp_path_factory.mktemp("built")
    (root / "main").mkdir()
    (root / "main/main.py").write_text("def handle(event, context): ...\n")
    index.wheel(root / "wheels", "one", {"one/data.txt": "x" * 9000}, metadata="License: MIT\n")
    (root / "requirements.txt").write_text("wheels/one-1.0-py3-none-any.whl\n")
    function = replace(MAIN, requirements=Path("requirements.txt"))
    return build.build(Pipeline(root, "test", None, {}, {"main": function}), [function], root / "cache")["main"]


@pytest.fixture
def kept(built: Package, tmp_path: Path) -> Path:
    """A folder with it."""
    folder.save([built], tmp_path)
    return tmp_path


def test_dependencies_travel_with_the_packages(built: Package, kept: Path) -> None:
    """What the bytes do not tell is read back: wheel's hash, licence, and the bytes it takes, compressed."""
    ((found,),) = (package.dependencies for package in folder.load(kept, [MAIN]).values())
    wheels = built.path.parents[2] / "wheels"
    hashed = hashlib.sha256((wheels / "one-1.0-py3-none-any.whl").read_bytes()).hexdigest()
    assert (Dependency("one", "1.0"), hashed, "MIT") == (found, found.sha256, found.licence)
    assert 0 < found.size < 3_000


def test_what_is_not_in_the_zip_is_not_believed(kept: Path) -> None:
    """A manifest may say what it wants: a dependency is in a package when its bytes are."""
    manifest = json.loads((kept / folder.MANIFEST).read_text())
    manifest["packages"]["main"]["dependencies"] = [asdict(BARE)]
    (kept / folder.MANIFEST).write_text(json.dumps(manifest))
    assert ((Dependency("one", "1.0"),),) == tuple(p.dependencies for p in folder.load(kept, [MAIN]).values())


@pytest.mark.parametrize(
    "spoil",
    [
        lambda entry: entry.update(size="1"),
        lambda entry: entry.update(size=True),
        lambda entry: entry.update(size=-1),
        lambda entry: entry.update(origin="elsewhere"),
        lambda entry: entry.update(licence="MIT\x1b[31m"),
        lambda entry: entry.update(licence=["MIT"]),
        lambda entry: entry.update(name={}),
        lambda entry: entry.update(more=1),
        lambda entry: entry.pop("version"),
    ],
)
def test_malformed_dependencies_are_refused(kept: Path, spoil: Callable[[dict[str, Any]], object]) -> None:
    """The manifest may come from a stranger's pull request."""
    manifest = json.loads((kept / folder.MANIFEST).read_text())
    spoil(manifest["packages"]["main"]["dependencies"][0])
    (kept / folder.MANIFEST).write_text(json.dumps(manifest))
    with pytest.raises(UsageError, match="not a manifest of packages"):
        folder.load(kept, [MAIN])
