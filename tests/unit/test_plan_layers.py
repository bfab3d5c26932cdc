"""A new layer version in a plan: compared with the newest that is there, as a package is with what runs."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ci.model import File
from ci.model.live import LiveLayer
from ci.plan import layers
from ci.plan.actions import PublishLayer
from ci.plan.changes import Change, CodeChange, FileChange
from ci.plan.plan import Plan
from ci.render import data, markdown, text
from ci.render.links import Links
from tests.unit import given

ARN = "arn:aws:lambda:eu-west-1:123456789012:layer:deps"


def files(version: str) -> tuple[File, ...]:
    return tuple(given.file(f"python/{path}", version) for path in (f"one-{version}.dist-info/METADATA", "one.py"))


def arranged(there: LiveLayer) -> PublishLayer:
    """What publishes version 2.0 of ``one`` where ``there`` is."""
    layer = replace(given.package(size=900), function="deps", files=files("2.0"))
    function = given.function()
    package = replace(given.package(), layer=layer)
    functions, [publish] = layers.arranged("eu-west-1", [function], {function.name: package}, {"deps": there})
    assert [publish.arn] == functions[0].settings["Layers"]
    return publish


def planned(publish: PublishLayer) -> Plan:
    return Plan("deploy", "test", "eu-west-1", "r-1", given.origin(), (), layers=(publish,))


def test_what_changes_in_it() -> None:
    """Dependencies, by version, and files, by their paths as Python finds them; said wherever the plan is shown."""
    publish = arranged(LiveLayer(None, 4, ((3, f"{ARN}:3"), (4, f"{ARN}:4")), 800, files("1.0")))
    assert f"{ARN}:5" == publish.arn
    changed = (
        FileChange("-", "one-1.0.dist-info/METADATA"), FileChange("+", "one-2.0.dist-info/METADATA"),
        FileChange("~", "one.py"),
    )
    assert CodeChange(800, 900, changed, (Change("one", "1.0", "2.0"),)) == publish.code
    shown = text.plan(planned(publish))
    assert "  + layer deps\n    version: 5\n    size: 800 B -> 900 B\n      ~ one 1.0 -> 2.0\n" in shown
    comment = markdown.plan(planned(publish), Links("https://github.com/octo/shop", "42"))
    assert "<code>deps</code>: layer" in comment and "\n- one: 1.0\n+ one: 2.0\n" in comment
    said = data.plan(planned(publish))["layers"][0]["code"]["dependencies"]
    assert [{"key": "one", "before": "1.0", "after": "2.0"}] == said


@pytest.mark.parametrize(
    ("there", "code"),
    [
        (LiveLayer(None, 0), None),
        (LiveLayer(None, 4), None),
        (LiveLayer(None, 4, ((4, f"{ARN}:4"),)), None),
        (LiveLayer(None, 4, ((4, f"{ARN}:4"),), 800), CodeChange(800, 900, None, ())),
    ],
    ids=["first", "of somebody else", "out of reach", "too many files"],
)
def test_what_cannot_be_compared(there: LiveLayer, code: CodeChange | None) -> None:
    """Is not taken for equal: its size is said alone, or that nothing was compared."""
    publish = arranged(there)
    assert code == publish.code
    shown = text.plan(planned(publish))
    assert ("files: not compared" in shown) == (code is not None)
    assert ("    size: 900 B\n" in shown) == (code is None)
