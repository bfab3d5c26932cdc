"""What ``build --verify`` says of two packages."""

from __future__ import annotations

from dataclasses import replace

from ci.observe.verify import Verified, differences
from ci.render import verified as render
from tests.unit import given
from tests.unit.given import COMMIT, file

BUILT = given.package({"echo.py": "v1", "tool": "run"}, size=641)


def test_differences_are_found_by_path() -> None:
    """Added, gone, other content, other mode; what is equal is not named."""
    deployed = (file("old.py", "old"), file("same.py", "s"), file("echo.py", "v1"), file("tool", "run"))
    built = (file("tool", "run", 0o755), file("new.py", "new"), file("same.py", "s"), file("echo.py", "v2"))
    found = differences(deployed, built)
    assert ["echo.py", "new.py", "old.py", "tool"] == [each.path for each in found]
    assert () == differences(built, tuple(reversed(built)))


def test_a_line_for_each_entry_with_its_sizes() -> None:
    """In the plan's notation, deployed before built; the commits of both are named, control characters are not sent."""
    deployed = (file("evil\x1b[2J", "x"), file("echo.py", "v1"), file("grown.py", "1"), file("tool", "run"))
    built = (file("new.py", "new"), file("echo.py", "v2"), file("grown.py", "12"), file("tool", "run", 0o755))
    found = Verified("echo", given.version("8", BUILT), BUILT, differences(deployed, built))
    assert f"""\
  ~ echo: version 8 of {COMMIT[:7]} is not what fedcba9+ builds
      ~ echo.py content
      - evil\\x1b[2J 1 B
      ~ grown.py 1 B -> 2 B
      + new.py 3 B
      ~ tool mode 644 -> 755
""" == render.text([found], "fedcba9876543210+")


def test_equal_content_may_be_in_another_zip() -> None:
    """Both are told apart, and both are equal; a version that another tool published names no commit."""
    same = Verified("echo", given.version("8", BUILT), BUILT, ())
    other = Verified("sci", replace(given.version("2", BUILT, commit=None), code_sha256="other"), BUILT, ())
    assert f"""\
  = echo: version 8 of {COMMIT[:7]} is the same zip: 2 files, 641 B
  = sci: version 2 is the same content in another zip: 2 files, 641 B
""" == render.text([same, other], "fedcba9876543210")
    said = render.data([same, other], "fedcba9876543210")["functions"]
    assert [(True, True), (True, False)] == [(said[name]["equal"], said[name]["zip"]) for name in ("echo", "sci")]
