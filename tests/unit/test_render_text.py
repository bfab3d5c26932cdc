"""A plan as text, letter by letter in the notation of the plans that Apex printed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from textwrap import dedent
from typing import Any

import pytest

from ci.model import Function, Package
from ci.model.live import LiveFunction
from ci.plan import deploy, promote, removal, rollback
from ci.plan.actions import PointAlias, TagFunction
from ci.plan.changes import Change, CodeChange, FileChange
from ci.plan.plan import FunctionPlan, Plan
from ci.release import Release, Released
from ci.render import columns, text
from ci.render.escape import plain
from tests.unit import given
from tests.unit.given import PROD, REGION, TEST, alias, found, function, package, version

SMALL, LARGE = package({"echo.py": "v1"}, size=641), package({"echo.py": "v2"}, size=782)
V7, V8 = version("7", SMALL), version("8", LARGE)


def deployed(live: LiveFunction | None, wanted: Function | None = None, built: Package = SMALL) -> Plan:
    return deploy.deploy(
        TEST, REGION, [wanted or function()], {"echo": built}, given.live({"echo": live}), given.origin()
    )


def promoted(live: LiveFunction) -> Plan:
    assert V8.record is not None
    release = Release("r", "test", "", "", "", {"echo": Released("8", V8.record.digest, V8.code_sha256)})
    now = given.live({"echo": live}, PROD)
    return promote.promote(PROD, REGION, [function()], release, {"echo": V8}, now, given.origin())


def rolled_back(live: LiveFunction, to: str) -> Plan:
    return rollback.rollback(
        TEST, REGION, [function()], {"echo": to}, {"echo": V7}, given.live({"echo": live}), given.origin()
    )


def pruned(live: LiveFunction) -> Plan:
    return removal.prune(REGION, [function(retain=1)], given.live({"echo": live}), given.origin())


def deleted(live: LiveFunction) -> Plan:
    return removal.delete(REGION, [function()], given.live({"echo": live}), given.origin())


@pytest.mark.parametrize(
    ("plan", "expected"),
    [
        pytest.param(
            deployed(None, function(environment={"GREETING": "Guten tag"}, MemorySize=256)),
            f"""
              + function echo
                runtime: python3.13
                handler: echo.handle
                role: {given.ROLE}
                memory: 256
                GREETING: added
                size: 641 B

              + alias echo
                alias: test
                version: 1

              1 to create
            """,
            id="create",
        ),
        pytest.param(
            deployed(found(V7), None, LARGE),
            """
              ~ function echo
                size: 641 B -> 782 B
                  ~ echo.py

              ~ alias echo
                alias: test
                version: 7 -> 8

              1 to update
            """,
            id="code change",
        ),
        pytest.param(
            deployed(found(V7), function(MemorySize=256)),
            """
              ~ function echo
                memory: 128 -> 256

              ~ alias echo
                alias: test
                version: 7 -> 8

              1 to update
            """,
            id="configuration change",
        ),
        pytest.param(
            deployed(
                found(version("7", SMALL, {"GREETING": "Guten tag", "OLD": "1"})),
                function(environment={"GREETING": "Hello", "NEW": "1"}),
            ),
            """
              ~ function echo
                GREETING: changed
                NEW: added
                OLD: removed

              ~ alias echo
                alias: test
                version: 7 -> 8

              1 to update
            """,
            id="environment change",
        ),
        pytest.param(
            deployed(
                found(version("7", SMALL, DeadLetterConfig={"TargetArn": "arn:q"}), tags={"b": "1"}, concurrency=2),
                function(tags={"a": "1"}, concurrency=5),
            ),
            """
              ~ function echo
                dead_letter: arn:q -> none
                tag a: 1
                tag b: 1 -> none
                concurrency: 2 -> 5

              ~ alias echo
                alias: test
                version: 7 -> 8

              ! echo: tags and concurrency are not part of a version: a rollback leaves them
              1 to update
            """,
            id="settings, tags and concurrency that come and go",
        ),
        pytest.param(
            deployed(found(V7), function(tags={"a": "1"})),
            """
              ~ function echo
                tag a: 1

              ! echo: tags are not part of a version: a rollback leaves them
              1 to update
            """,
            id="a tag needs no version",
        ),
        pytest.param(
            deployed(found(V7, aliases=())),
            """
              + alias echo
                alias: test
                version: 7

              1 to update
            """,
            id="alias created on a version that is there",
        ),
        pytest.param(
            deployed(
                found(V7, latest=replace(version("$LATEST", SMALL, MemorySize=512), record=None)),
                function(MemorySize=256),
            ),
            """
              ~ function echo
                memory: 128 -> 256
                by hand: memory: 128 -> 512

              ~ alias echo
                alias: test
                version: 7 -> 8

              1 to update
            """,
            id="a change by hand gets lost",
        ),
        pytest.param(
            deployed(found(V7, aliases=(alias("7", weights={"6": 0.1}),)), None, LARGE),
            """
              ~ function echo
                size: 641 B -> 782 B
                  ~ echo.py

              ~ alias echo
                alias: test
                version: 7 -> 8

              ! echo: the alias test sends 10 % of its calls to version 6: that ends
              1 to update
            """,
            id="a canary ends",
        ),
        pytest.param(deployed(found(V7)), "\n  nothing to do: 1 unchanged\n", id="nothing to do"),
        pytest.param(
            promoted(found(V8, aliases=(alias("8"),), stage=PROD)),
            """
              + alias echo
                alias: prod
                version: 8

              1 to update
            """,
            id="the first promotion",
        ),
        pytest.param(
            promoted(found(version("7", LARGE), V8, aliases=(alias("7", "prod"),), stage=PROD)),
            """
              ~ alias echo
                alias: prod
                version: 7 -> 8

              1 to update
            """,
            id="promotion of unchanged code",
        ),
        pytest.param(
            promoted(found(V7, V8, aliases=(alias("7", "prod"),), stage=PROD)),
            """
              ~ function echo
                size: 641 B -> 782 B
                  ~ echo.py

              ~ alias echo
                alias: prod
                version: 7 -> 8

              1 to update
            """,
            id="promotion of changed code",
        ),
        pytest.param(
            rolled_back(found(V7, V8, aliases=(alias("8", previous="7"),)), "7"),
            """
              ~ function echo
                size: 782 B -> 641 B
                  ~ echo.py

              ~ alias echo
                alias: test
                version: 8 -> 7

              1 to update
            """,
            id="rollback",
        ),
        pytest.param(
            pruned(found(version("5", package(size=1_200_000)), version("6", SMALL), V7)),
            """
              - version echo
                version: 5
                size: 1.2 MB

              - version echo
                version: 6
                size: 641 B

              2 to remove
            """,
            id="prune",
        ),
        pytest.param(
            deleted(found(V7, V8, aliases=(alias("8"), alias("7", "prod")))),
            """
              - function echo
                alias prod: 7
                alias test: 8

              1 to remove
            """,
            id="delete",
        ),
        pytest.param(deleted(found(V7, aliases=())), "\n  - function echo\n\n  1 to remove\n", id="delete, no alias"),
    ],
)
def test_plan(plan: Plan, expected: str) -> None:
    """Exactly this, for each thing that can be about to happen."""
    assert indented(expected) == text.plan(plan)


def test_what_is_remembered_is_said_where_there_is_nothing_else() -> None:
    """A block says why it is there."""
    plan = FunctionPlan("echo", "echo", prepare=(TagFunction({"dollop": "concurrency:5"}),))
    said = "  ~ function echo\n    tag dollop: tells what tags and concurrency are to be\n"
    assert said in text.plan(Plan("deploy", "test", REGION, "r", given.origin(), (plan,)))


def indented(expected: str) -> str:
    """``expected`` two spaces in, without the line that opens it."""
    lines = dedent(expected.removeprefix("\n").rstrip(" ")).splitlines()
    if lines[0].startswith("  "):
        return "\n".join(lines) + "\n"
    return "\n".join(f"  {line}" if line else "" for line in lines) + "\n"


def shown(code: CodeChange) -> list[str]:
    """The lines about code of a plan with that alone."""
    plan = FunctionPlan("echo", "echo", changes=(Change("memory", "128", "256"),), code=code)
    blocks = text.plan(Plan("deploy", "test", REGION, "r", given.origin(), (plan,))).split("\n\n")
    assert ["  ~ function echo", "    memory: 128 -> 256"] == blocks[0].splitlines()[:2]
    return blocks[0].splitlines()[2:]


def test_files_and_dependencies() -> None:
    """Dependencies whose version moved, then files."""
    old = {f"{name}.dist-info/RECORD": "" for name in ("requests-2.31.0", "old-1.0")} | {"a.py": "", "b.py": "1"}
    new = {f"{name}.dist-info/RECORD": "" for name in ("requests-2.32.0", "idna-3.10")} | {"b.py": "2"}
    plan = deployed(found(version("7", package(old, size=999))), None, package(new, size=1500))
    expected = """
      ~ function echo
        size: 999 B -> 1.5 kB
          + idna 3.10
          - old 1.0
          ~ requests 2.31.0 -> 2.32.0
          - a.py
          ~ b.py
          + idna-3.10.dist-info/RECORD
          - old-1.0.dist-info/RECORD
          - requests-2.31.0.dist-info/RECORD
          + requests-2.32.0.dist-info/RECORD
    """
    assert indented(expected).rstrip() == text.plan(plan).partition("\n\n")[0]


@pytest.mark.parametrize(("count", "more"), [(20, []), (25, ["      and 5 more files"])])
def test_long_file_lists(count: int, more: list[str]) -> None:
    """Twenty files are shown, and how many more there are."""
    files = tuple(FileChange("+", f"{number:02}.py") for number in range(count))
    assert [f"      + {number:02}.py" for number in range(20)] + more == shown(CodeChange(1, 2, files, ()))[1:]


def test_files_not_compared() -> None:
    """That nothing is listed does not mean that nothing differs: it is said."""
    expected = ["    size: 1 B -> 2 B", "      files: not compared (the live package could not be read)"]
    assert expected == shown(CodeChange(1, 2, None, ()))


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (641, 782, ["    size: 641 B -> 782 B"]),
        (1_234_567, 1_234_568, ["    size: 1234567 B -> 1234568 B"]),
        (641, 641, []),
    ],
)
def test_sizes(before: int, after: int, expected: list[str]) -> None:
    """To the byte where the units would hide the difference; not at all where there is none."""
    assert expected == shown(CodeChange(before, after, (), ()))


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        (0, "0 B"),
        (641, "641 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (1234, "1.2 kB"),
        (9949, "9.9 kB"),
        (9950, "10 kB"),
        (27_900_000, "28 MB"),
        (999_499, "999 kB"),
        (999_500, "1.0 MB"),
        (1_000_000_000, "1.0 GB"),
        (75_000_000_000, "75 GB"),
    ],
)
def test_si(size: int, expected: str) -> None:
    """Powers of a thousand, two digits, and no 1000 of a unit that has a larger one."""
    assert expected == columns.si(size)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("Grüße 🎉 日本", "Grüße 🎉 日本"),
        ("a\nb", "a\\nb"),
        ("\x1b[2J", "\\x1b[2J"),
        ("a\rb\tc\x7f", "a\\rb\\tc\\x7f"),
        ("\u202egnp", "\\u202egnp"),
        ("\u2028", "\\u2028"),
        ("\ud800", "\\ud800"),
        ("\x9b31m", "\\x9b31m"),
    ],
)
def test_plain(written: str, expected: str) -> None:
    """What could move a cursor, start a line or turn the reading direction is shown, not obeyed."""
    assert expected == plain(written)


EVIL = "x\n  + alias prod\x1b[2J"
SAFE = "x\\n  + alias prod\\x1b[2J"


def everywhere(words: str) -> FunctionPlan:
    """A plan with ``words`` wherever they can come from outside."""
    return FunctionPlan(
        words,
        words,
        changes=(Change(words, words, words), Change(words, words, None), Change(words, verb="changed")),
        code=CodeChange(1, 2, (FileChange("+", words),), (Change(words, None, words), Change(words, words, None))),
        drift=(Change(words, words, words),),
        shift=(PointAlias(words, words, None, words, "", "r", ""),),
    )


def test_control_characters_do_nothing() -> None:
    """A file name or a tag cannot make a line of its own, nor clear the screen."""
    told = text.plan(Plan("deploy", "test", REGION, "r", given.origin(), (everywhere(EVIL),), (EVIL,)))
    harmless = text.plan(Plan("deploy", "test", REGION, "r", given.origin(), (everywhere("x"),), ("x",)))
    assert harmless.count("\n") == told.count("\n")
    assert "\x1b" not in told
    assert EVIL not in told and SAFE in told


@pytest.mark.parametrize(
    ("plans", "expected"),
    [
        ({"new": 1, "moved": 2, "same": 5}, "1 to create, 2 to update, 5 unchanged"),
        ({"same": 3}, "nothing to do: 3 unchanged"),
        ({}, "nothing to do: 0 unchanged"),
        ({"moved": 1}, "1 to update"),
    ],
)
def test_summary(plans: Mapping[str, int], expected: str) -> None:
    """What it comes to, in functions."""
    kinds: dict[str, dict[str, Any]] = {
        "new": {"new": True, "shift": (PointAlias("test", None, None, "1", "", None, ""),)},
        "moved": {"shift": (PointAlias("test", "7", None, "8", "", "r", ""),)},
        "same": {},
    }
    functions = tuple(
        FunctionPlan(f"{kind}{number}", "n", **kinds[kind]) for kind, count in plans.items() for number in range(count)
    )
    assert expected == text.summary(Plan("deploy", "test", REGION, "r", given.origin(), functions))


def test_table() -> None:
    """Columns as wide as what they hold, nothing at the end of a line."""
    assert "a    bcd\naaa  b\nx\n" == columns.table([["a", "bcd"], ["aaa", "b"], ["x", ""]])
