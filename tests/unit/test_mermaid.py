"""The pictures of a plan. GitHub draws them; what the drawing takes was looked at with mermaid in a browser."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from ci.model import Dependency
from ci.plan.actions import UpdateCode
from ci.plan.changes import CodeChange
from ci.plan.plan import FunctionPlan
from ci.render import markdown, mermaid
from ci.render.mermaid import Runs
from tests.unit import given
from tests.unit.test_markdown import EVIL, LINKS, POINT, SHA, plan

TEST = Runs("test", "test", None, {"1f3a2b4" + "0" * 33: 3, "0a1b2c3" + "0" * 33: 1})
PROD = Runs("prod", "prod", "test", {"0a1b2c3" + "0" * 33: 4})


def test_composition_is_a_pie_of_the_zip() -> None:
    """A slice for each of the largest dependencies, one for the rest, one for what is our own; they add up."""
    parts = tuple(Dependency(f"part{number}", "1.0", size=number * 1000) for number in range(1, 11))
    package = replace(given.package(size=60_000), dependencies=parts)
    lines = mermaid.composition(package)
    assert "pie title echo: 60 kB zipped" == lines[0]
    assert '  "part10 1.0, 10 kB" : 10000' == lines[1]
    assert ['  "3 more, 6.0 kB" : 6000', '  "own code, 5.0 kB" : 5000'] == lines[-2:]
    assert 60_000 == sum(int(line.rpartition(" ")[2]) for line in lines[1:])
    assert [] == mermaid.composition(given.package())
    apart = replace(package, size=5_000, layer=given.package(size=55_000))
    assert ["pie title echo: 60 kB zipped, with its layer", *lines[1:]] == mermaid.composition(apart)


def test_the_way_of_a_commit() -> None:
    """From the commit to the stage of the plan, and on to the stage that is promoted from it."""
    assert [
        "flowchart LR",
        '  commit(["0123456"])',
        '  s0["test<br>3 of 1f3a2b4, 1 of 0a1b2c3"]',
        '  s1["prod<br>0a1b2c3"]',
        '  commit == "deploy" ==> s0',
        "  s0 --> s1",
    ] == mermaid.way(SHA, "deploy", "test", [TEST, PROD])


@pytest.mark.parametrize(
    ("commits", "words"),
    [
        ({}, "nothing yet"),
        ({None: 2}, "?"),
        ({"a" * 40: 1, "b" * 40: 2, "c" * 40: 3, "d" * 40: 1}, "3 of ccccccc, 2 of bbbbbbb, and 2 more"),
    ],
)
def test_what_a_stage_runs_in_few_words(commits: dict[str | None, int], words: str) -> None:
    """One commit is named alone; of several the most frequent come first."""
    assert words == mermaid.running(Runs("test", "test", None, commits))


@pytest.mark.parametrize("evil", [*EVIL, '"] --> x["', '%%{init: {"theme": "dark"}}%%', 'click s0 "javascript:x"'])
def test_no_name_draws_anything(evil: str) -> None:
    """A label stays within its quotes: nothing ends it, starts a line, a directive, a link or a tag."""
    lines = mermaid.way(evil, evil, "test", [replace(TEST, label=evil, commits={evil: 1}), PROD])
    package = replace(given.package(name=evil), dependencies=(Dependency(evil, evil, size=10),))
    pie = mermaid.composition(package)
    assert 6 == len(lines) and 3 == len(pie)
    for line in (*lines, *pie):
        assert re.fullmatch(
            r'flowchart LR|pie title [\w .,:+-]*|  "[\w .,:+-]*" : \d+|  commit\(\["[\w .,:+-]*"\]\)'
            r'|  s\d\["[\w .,:+-]*<br>[\w .,:+-]*"\]|  s\d --> s\d|  commit == "[\w .,:+-]*" ==> s\d',
            line,
        ), line


def test_a_summary_draws_the_way_and_a_comment_tells_it() -> None:
    """The comment is read on phones: one line. Both fold the composition of a package into what changes there."""
    package = replace(given.package(), dependencies=(Dependency("pillow", "12.2.0", size=300),))
    update = UpdateCode(package, ("x86_64",))
    function = FunctionPlan("echo", "echo", shift=(POINT,), prepare=(update,), code=CodeChange(1, 641, (), ()))
    summary = markdown.plan(plan(function), LINKS, limit=markdown.SUMMARY_LIMIT, stages=[TEST, PROD])
    comment = markdown.plan(plan(function), LINKS, stages=[TEST, PROD])
    assert "```mermaid\nflowchart LR\n" in summary and "flowchart" not in comment
    assert "\nnow: test\u00a0(`3 of 1f3a2b4, 1 of 0a1b2c3`) → prod\u00a0(0a1b2c3)\n" in comment
    for text in (summary, comment):
        details = text.partition("<details>")[2].partition("</details>")[0]
        assert '```mermaid\npie title echo: 641 B zipped\n  "pillow 12.2.0, 300 B" : 300\n' in details


def test_pictures_do_not_break_the_limit() -> None:
    """A comment of very many functions with pictures is cut below its limit, every fence closed."""
    package = replace(given.package(), dependencies=(Dependency("pillow", "12.2.0", size=300),))
    update = UpdateCode(package, ("x86_64",))
    names = [f"function-{number:04}" for number in range(400)]
    functions = [FunctionPlan(n, n, shift=(POINT,), prepare=(update,), code=CodeChange(1, 641, (), ())) for n in names]
    body = markdown.plan(plan(*functions), LINKS, stages=[TEST, PROD])
    assert len(body.encode()) < markdown.COMMENT_LIMIT and "**Cut here**" in body
    assert 0 == sum(line.startswith("```") for line in body.splitlines()) % 2
