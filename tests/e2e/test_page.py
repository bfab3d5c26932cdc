"""The report in a real browser: on a phone and on a desk, light and dark."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from ci.render import page
from tests.e2e.conftest import HERE, node
from tests.unit import reported

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium: apt-get install chromium")
LONG = "a-function-with-a-name-as-long-as-they-may-be-in-aws-which-is-64"


@pytest.fixture(scope="module")
def views(node_modules: Path, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """What the browser saw at 360 and 1200 pixels, in both colour schemes."""
    folder = tmp_path_factory.mktemp("page")
    (folder / "report.html").write_text(page.page(reported.report((LONG, *reported.NAMES))))
    axe = node_modules / "axe-core/axe.min.js"
    command = node(HERE / "browser.mjs", str(CHROMIUM), folder / "report.html", axe, folder / "profile")
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert 0 == done.returncode, done.stderr
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


def test_it_loads_nothing_and_complains_of_nothing(views: list[dict[str, Any]]) -> None:
    """One request, for the page; no error on the console."""
    assert 4 == len(views)
    assert [["/"]] * 4 == [view["served"] for view in views]
    assert [[]] * 4 == [view["asked"] for view in views]
    assert [[]] * 4 == [view["errors"] for view in views]


def test_it_fits_a_phone(views: list[dict[str, Any]]) -> None:
    """Nothing is wider than the screen, with the tables of sizes open too, however long a name is."""
    assert [] == [view for view in views if max(view["widest"], view["widestOpen"]) > view["width"]]


def test_it_follows_the_colour_scheme(views: list[dict[str, Any]]) -> None:
    """Light on a light system, dark on a dark one."""
    colours = {(view["width"], view["scheme"]): view["background"] for view in views}
    for width in (360, 1200):
        assert "rgb(246, 247, 245)" == colours[width, "light"]
        assert "rgb(17, 22, 20)" == colours[width, "dark"]


def test_it_is_accessible(views: list[dict[str, Any]]) -> None:
    """axe finds nothing against WCAG 2.2 AA and its best practices, contrast among them; Tab offers to skip ahead."""
    looked_at = [view for view in views if "passes" in view]
    assert [(360, "light"), (1200, "dark")] == [(view["width"], view["scheme"]) for view in looked_at]
    assert [[], []] == [view["violations"] for view in looked_at]
    assert all({"color-contrast", "bypass", "landmark-one-main"} <= {*view["passes"]} for view in looked_at)
    assert ["Skip to the functions"] * 4 == [view["first"] for view in views]
