"""Dependencies in a layer that functions share: published once for one content, found again, used from then on."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Callable
from urllib.request import urlopen

import pytest

from ci import local
from tests.build.index import Index, wheel
from tests.emulated import command
from tests.emulated.conftest import Account, Project
from tests.emulated.strict import Strict

PIPELINE = f"""\
project: demo
name: "{{project}}-{{function}}"
stages: {{test: {{alias: test}}, prod: {{alias: prod, from: test}}}}
defaults:
  runtime: {local.runtime()}
  architecture: {local.architecture()}
  role: arn:aws:iam::123456789012:role/lambda
  requirements: requirements.txt
  packaging: {{layer: deps}}
functions:
  echo: {{handler: echo.handle, source: functions/one}}
  twin: {{handler: echo.handle, source: functions/one}}
  alone: {{handler: echo.handle, source: functions/one, requirements: alone.txt, packaging: {{layer: others}}}}
"""
CODE = "import one\n\n\ndef handle(event, context):\n    return one.VERSION\n"

Dollop = Callable[..., command.Result]


@pytest.fixture
def layered(project: Project, monkeypatch: pytest.MonkeyPatch) -> Project:
    """Two functions with one layer, and one with another."""
    index = Index(project.root.parent / "index")
    monkeypatch.setenv("UV_DEFAULT_INDEX", index.url)
    monkeypatch.setenv("UV_CACHE_DIR", str(project.root.parent / "uv"))
    for version in ("1.0", "2.0"):
        wheel(index.folder, "one", version=version)
        wheel(index.folder, "two", version=version)
    project.write("pipeline.yaml", PIPELINE)
    project.write("functions/one/echo.py", CODE)
    project.write("requirements.txt", "one==1.0\n")
    project.write("alone.txt", "one==2.0\n")
    project.commit("layers")
    return project


@pytest.fixture
def dollop(layered: Project, through: Account) -> Dollop:
    def run(*arguments: str, code: int = 0) -> command.Result:
        done = command.run(*arguments, environment=through.environment)
        assert code == done.code, done.err
        return done

    return run


def versions(account: Account, layer: str) -> list[int]:
    listed = account.client("lambda").list_layer_versions(LayerName=layer)["LayerVersions"]
    return sorted(item["Version"] for item in listed)


def used(account: Account, function: str, stage: str = "test") -> list[str]:
    found = account.client("lambda").get_function_configuration(FunctionName=f"demo-{function}", Qualifier=stage)
    return [layer["Arn"].partition(":layer:")[2] for layer in found.get("Layers", [])]


def answer(account: Account, function: str) -> bytes:
    return bytes(account.client("lambda").invoke(FunctionName=f"demo-{function}", Qualifier="test")["Payload"].read())


def published(strict: Strict) -> list[str]:
    return [call.operation for call in strict.writes() if "Layer" in call.operation]


def test_a_layer_is_published_once(
    dollop: Dollop, account: Account, strict: Strict, layered: Project
) -> None:
    """One for both functions, seen in the plan; nothing more when nothing changes; a new one for other requirements,
    none when they return. A rollback and a promotion take what the versions have."""
    plan = dollop("plan", "test").out
    assert 2 == plan.count("  + layer demo-")
    assert "  + layer demo-deps\n    version: 1\n    size: " in plan
    assert [] == published(strict)
    dollop("deploy", "test")
    assert ["PublishLayerVersion"] * 2 == published(strict)
    layers = [["demo-deps:1"], ["demo-deps:1"], ["demo-others:1"]]
    assert layers == [used(account, name) for name in ("echo", "twin", "alone")]
    code = account.client("lambda").get_function_configuration(FunctionName="demo-echo", Qualifier="test")
    assert code["CodeSize"] < 600
    assert [b'"1.0"', b'"2.0"'] == [answer(account, "echo"), answer(account, "alone")]

    strict.forget()
    assert "nothing to do: 3 unchanged" in dollop("deploy", "test").out
    assert [] == strict.writes()
    looked = sorted(call.operation for call in strict.calls if "Layer" in call.operation)
    assert ["GetLayerVersionByArn"] * 2 + ["ListLayerVersions"] * 2 == looked
    dollop("promote", "prod")

    layered.write("requirements.txt", "one==2.0\n")
    changed = dollop("deploy", "test").out
    assert "    layers: arn:aws:lambda:eu-west-1:" in changed
    layer, _, _ = changed.partition("\n\n")
    assert layer.startswith("  + layer demo-deps\n    version: 2\n")
    assert "      ~ one 1.0 -> 2.0\n" in layer and "      ~ one.py" in layer
    assert ["demo-deps:2"] == used(account, "echo") and ["demo-deps:1"] == used(account, "echo", "prod")
    assert b'"2.0"' == answer(account, "echo")
    dollop("rollback", "test")
    assert ["demo-deps:1"] == used(account, "echo")
    strict.forget()
    layered.write("requirements.txt", "one==1.0\n")
    dollop("deploy", "test")
    assert [] == published(strict)
    assert [1, 2] == versions(account, "demo-deps")

    layered.write("requirements.txt", "one==1.0\n--no-binary other\n")  # another file, the same content
    assert "nothing to do: 3 unchanged" in dollop("deploy", "test").out


def test_prune_knows_layers(dollop: Dollop, account: Account, layered: Project) -> None:
    """A layer version that a version of a function has stays, so do the newest, and what somebody else published."""
    client = account.client("lambda")
    client.publish_layer_version(LayerName="demo-deps", Content={"ZipFile": b"PK\5\6" + bytes(18)})
    for text in ("one==1.0", "one==2.0", "one==1.0\ntwo==1.0", "one==2.0\ntwo==1.0"):
        layered.write("requirements.txt", text)
        dollop("deploy", "test", "echo", "twin")
    assert [1, 2, 3, 4, 5] == versions(account, "demo-deps")
    assert "nothing to do" in dollop("prune").out
    assert "layer" not in dollop("prune", "echo", "--retain", "1", "--dry-run").out
    pruned = dollop("prune", "--retain", "1")
    assert "  - layer demo-deps\n    version: 2\n" in pruned.out
    assert "deleted layer             env=test layer=demo-deps version=3" in pruned.err
    # The aliases run the last versions, with layer version 5, and would roll back to those with 4.
    assert [1, 4, 5] == versions(account, "demo-deps")
    dollop("rollback", "test")
    assert ["demo-deps:4"] == used(account, "echo")
    assert "nothing to do" in dollop("prune", "--retain", "1").out


def test_a_number_that_was_not_expected(dollop: Dollop, account: Account, strict: Strict) -> None:
    """Layer versions that were deleted keep their numbers: what AWS answers is what the functions get."""
    client = account.client("lambda")
    stream = b"PK\5\6" + bytes(18)
    client.publish_layer_version(LayerName="demo-deps", Content={"ZipFile": stream})

    def publish(call: object) -> None:
        if "PublishLayerVersion" in str(call) and not versions(account, "demo-deps")[1:]:
            client.publish_layer_version(LayerName="demo-deps", Content={"ZipFile": stream})

    strict.before = publish
    assert "    version: 2\n" in dollop("plan", "test", "echo").out
    dollop("deploy", "test", "echo")
    assert ["demo-deps:3"] == used(account, "echo")
    strict.forget()
    assert "nothing to do" in dollop("deploy", "test", "echo").out


def test_packages_of_a_folder_bring_their_layer(dollop: Dollop, account: Account, layered: Project) -> None:
    """Between two jobs of a workflow; bytes that are not those that were promised are refused."""
    built = dollop("build", "--out", "dist")
    assert "dependencies  digest        layer\n" in built.out
    assert re.search(r", layer demo-deps [0-9.]+ k?B", built.err)
    assert "demo-others" == json.loads(dollop("build", "--json").out)["alone"]["layer"]["name"]
    manifest = json.loads((layered.root / "dist/manifest.json").read_text())
    data = (layered.root / "dist/demo-deps.layer.zip").read_bytes()
    layer = manifest["packages"]["echo"]["layer"]
    assert base64.b64encode(hashlib.sha256(data).digest()).decode() == layer["code_sha256"]
    dollop("deploy", "test", "--packages", "dist")
    assert ["demo-deps:1"] == used(account, "twin")
    assert "nothing to do" in dollop("deploy", "test").out
    (layered.root / "dist/demo-deps.layer.zip").write_bytes((layered.root / "dist/demo-others.layer.zip").read_bytes())
    failed = dollop("deploy", "test", "--packages", "dist", code=2)
    assert "demo-deps.layer.zip: not the layer that manifest.json promises" in failed.err


def test_one_layer_and_different_dependencies(dollop: Dollop, layered: Project) -> None:
    """Which functions, and what next."""
    text = (layered.root / "pipeline.yaml").read_text()
    layered.write("pipeline.yaml", text.replace("layer: others", "layer: deps"))
    failed = dollop("plan", "test", code=1)
    assert "function echo: its dependencies are not those of alone" in failed.err
    assert "both are to be the layer demo-deps" in failed.err
    assert "or a layer each" in failed.err


def test_a_layer_is_verified_with_its_function(layered: Project, dollop: Dollop) -> None:
    """Built again, both are what runs; a dependency of another version is found in the layer."""
    dollop("deploy", "test", "echo")
    assert "is the same zip" in dollop("build", "echo", "--verify").out
    layered.write("requirements.txt", "one==2.0\n")
    differing = dollop("build", "echo", "--verify", code=1).out
    assert "~ python/one.py content" in differing
    assert "- python/one-1.0.dist-info/METADATA" in differing and "+ python/one-2.0.dist-info/METADATA" in differing


def test_a_layer_that_is_not_what_it_says(dollop: Dollop, account: Account, layered: Project) -> None:
    """A version that holds other bytes than its description tells is never taken, though it is the newest."""
    dollop("deploy", "test")
    client = account.client("lambda")
    said = client.list_layer_versions(LayerName="demo-deps")["LayerVersions"][0]["Description"]
    other = client.get_layer_version(LayerName="demo-others", VersionNumber=1)["Content"]["Location"]
    with urlopen(other) as response:
        client.publish_layer_version(LayerName="demo-deps", Description=said, Content={"ZipFile": response.read()})
    assert "nothing to do: 3 unchanged" in dollop("deploy", "test").out
    client.delete_layer_version(LayerName="demo-deps", VersionNumber=1)
    dollop("deploy", "test")
    assert [2, 3] == versions(account, "demo-deps")
    assert ["demo-deps:3"] == used(account, "echo")
    assert b'"1.0"' == answer(account, "echo")
