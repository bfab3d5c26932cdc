from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from ci.model import Package
from ci.model.live import VersionRecord
from ci.plan.actions import PointAlias, PublishVersion, UpdateCode
from ci.plan.changes import Change, CodeChange, FileChange
from ci.plan.plan import FunctionPlan, Origin, Plan
from ci.release import Release, Released
from ci.render import markdown, marker
from ci.render.links import Commit, Links

SHA = "0123456789abcdef0123456789abcdef01234567"
LINKS = Links("https://github.com/octo/shop", "42")
POINT = PointAlias("test", "7", None, "8", "d", "r", "old")


def changed(name: str, **fields: object) -> FunctionPlan:
    return FunctionPlan(name, name, shift=(POINT,), version="7", **fields)  # type: ignore[arg-type]


def plan(*functions: FunctionPlan, verb: str = "deploy", commit: str = SHA) -> Plan:
    return Plan(verb, "test", "eu-west-1", "r-1", Origin(commit, "42", "2026-01-01T00:00:00Z"), functions)


def shown(*functions: FunctionPlan, limit: int = markdown.COMMENT_LIMIT) -> str:
    return markdown.plan(plan(*functions), LINKS, limit=limit)


def test_headline_table_and_links() -> None:
    """A comment says in one line what happens, then per function: change, size, and what each stage runs."""
    code = CodeChange(641, 782, (FileChange("~", "echo.py"),), ())
    functions = (changed("echo", code=code), FunctionPlan("idle", "idle"))
    body = markdown.plan(plan(*functions), LINKS, {"prod": {"echo": "6"}})
    assert "### Deploy to `test`: 1 to update, 1 unchanged" in body
    assert "| function | change | size | test | prod |" in body
    assert "| `echo` | code | 641 B → 782 B | 7 → 8 | 6 |" in body.replace("\u00a0", " ")
    assert "idle" not in body
    assert "[run](https://github.com/octo/shop/actions/runs/42)" in body
    assert f"[`0123456`](https://github.com/octo/shop/commit/{SHA})" in body


def test_what_could_not_be_compared_is_not_taken_for_equal() -> None:
    """Whoever approves it knows that files and dependencies may differ."""
    body = shown(changed("echo", code=CodeChange(1, 2, None, ())))
    assert "! files and dependencies: not compared (the live package could not be read)" in body


def test_details_are_a_diff() -> None:
    """What GitHub colours: an old value in red, a new one in green, a secret only as changed."""
    changes = (Change("memory", "128", "256"), Change("TOKEN", verb="changed"), Change("KEY", verb="added"))
    dependencies = (Change("requests", "2.31.0", "2.32.0"), Change("idna", None, "3.1"))
    files = (FileChange("+", "new.py"), FileChange("~", "echo.py"), FileChange("-", "old.py"))
    body = shown(changed("echo", changes=changes, code=CodeChange(1, 2, files, dependencies)))
    block = body.partition("```diff\n")[2].partition("\n```")[0]
    assert [
        "  function echo",
        "- memory: 128",
        "+ memory: 256",
        "! TOKEN: changed",
        "+ KEY: added",
        "  size: 1 B → 2 B",
        "- requests: 2.31.0",
        "+ requests: 2.32.0",
        "+ idna: 3.1",
        "+ new.py",
        "! echo.py",
        "- old.py",
        "- alias test: 7",
        "+ alias test: 8",
    ] == block.splitlines()


def test_many_files_of_a_folder_are_counted() -> None:
    """What a dependency brings does not hide one's own files: beyond three of a kind, its folder is named."""
    added = [FileChange("+", f"requests/{name}.py") for name in "abcd"]
    few = [FileChange("~", f"requests/{name}.py") for name in "xyz"]
    own = [FileChange("-", f"own{number}.py") for number in range(6)]
    body = shown(changed("echo", code=CodeChange(1, 2, (*added, *few, *own), ())))
    assert 1 == body.count("\n+ requests/") and "\n+ requests/ (4 files)\n" in body
    assert 3 == body.count("\n! requests/") and 6 == body.count("\n- own")


def test_equal_sizes_are_said_once() -> None:
    """An arrow stands for a difference, and shows one."""
    assert "  size: 641 B\n" in shown(changed("echo", code=CodeChange(641, 641, (), ())))
    assert "  size: 64100 B → 64101 B\n" in shown(changed("echo", code=CodeChange(64100, 64101, (), ())))


def test_a_bar_is_escaped_only_in_a_table() -> None:
    """Within a table a bar in code ends the cell; elsewhere a backslash in code would be shown."""
    commits = [Commit(SHA, "Read a | b")]
    body = markdown.plan(plan(changed("a|b")), LINKS, commits=commits)
    assert "| `a\\|b` |" in body and "`Read a | b`" in body


def test_nothing_to_deploy_is_said() -> None:
    """A plan without actions has no table and no details."""
    body = shown(FunctionPlan("echo", "echo"))
    assert "nothing to do: 1 unchanged" in body
    assert "<details>" not in body and "| function |" not in body


EVIL = (
    "@octo/everyone",
    "<img src=x onerror=alert(1)>",
    "</summary></details><h1>",
    "```\n# out",
    "`a` | b",
    "-->",
    "\x1b[31mred\u202eright-to-left",
    "::add-mask::x\n::set-output name=a::b",
    "[link](https://evil.example)",
)


@pytest.mark.parametrize("text", EVIL)
def test_nothing_from_a_pull_request_gets_out_of_its_code(text: str) -> None:
    """Rendered by a CommonMark parser, a hostile name is only ever text inside of code."""
    from markdown_it import MarkdownIt

    code = CodeChange(1, 2, (FileChange("+", text),), (Change(text, text, text),))
    body = shown(changed(text, changes=(Change(text, text, text), Change(text, verb="added")), code=code))
    rendered = MarkdownIt("commonmark", {"html": True}).enable("table").parse(body)
    outside = [
        child.content
        for token in rendered
        for child in (token.children or [token])
        if child.type not in ("code_inline", "fence") and child.content
    ]
    visible = re.sub("<code>.*?</code>", "", "\n".join(part for part in outside if not part.startswith("<!-- dollop")))
    for dangerous in ("@octo", "<img", "<h1", "onerror=alert(1)>", "evil.example", "\n::", "\x1b", "\u202e"):
        assert dangerous not in visible
    assert "\x1b" not in body and "\u202e" not in body


@pytest.mark.parametrize("text", EVIL)
def test_marker_survives_any_name(text: str) -> None:
    """What is written is read back, and the HTML comment ends where it should."""
    written = plan(changed(text))
    body = markdown.plan(written, LINKS)
    assert marker.of_plan(written) == marker.read(body)
    assert 1 == body.splitlines()[0].count("-->")


@pytest.mark.parametrize(
    "body", ["", "hello", "<!-- dollop {] -->", '<!-- dollop {"stage":1} -->', "<!-- dollop [] -->"]
)
def test_no_marker(body: str) -> None:
    """What is not our marker is none."""
    assert None is marker.read(body)


def test_promise_is_compared_by_function() -> None:
    """Who plans, when and from which commit makes no difference; what is done does, and to which function is told."""
    promised = marker.of_plan(plan(changed("echo"), changed("sci")))
    same = marker.of_plan(plan(changed("echo"), changed("sci"), commit="f" * 40))
    other = marker.of_plan(plan(changed("echo", changes=(Change("memory", "1", "2"),)), changed("sci")))
    assert promised.digest == same.digest and () == marker.differing(promised, same)
    assert promised.digest != other.digest and ("echo",) == marker.differing(promised, other)


def test_marker_of_very_many_functions_stays_short() -> None:
    """Beyond a few hundred functions it does not list them: the comment is for people."""
    found = marker.of_plan(plan(*(changed(f"function-{number:04}") for number in range(1000))))
    assert "" != found.digest and not found.functions
    assert len(str(found)) < 1_000


def many(count: int) -> list[FunctionPlan]:
    files = tuple(FileChange("+", f"ümläut-{number}.py") for number in range(300))
    return [changed(f"function-{number:03}", code=CodeChange(1, 2, files, ())) for number in range(count)]


@pytest.mark.parametrize("limit", [6_000, 10_000, 10_001, 10_002, 10_050, 60_000])
def test_cut_below_the_limit_with_fences_and_folds_closed(limit: int) -> None:
    """However much there is, the comment fits, says that it was cut, and opens nothing that it does not close."""
    body = shown(*many(100), limit=limit)
    assert len(body.encode()) < limit
    assert "**Cut here**" in body
    assert body.count("<details>") == body.count("</details>")
    assert 0 == sum(line.startswith("```") for line in body.splitlines()) % 2
    assert "[run](" in body


def test_notes_leave_room_for_the_plan() -> None:
    """However many: the comment fits, tells how many there are, and still has its table."""
    functions = [changed(f"function-with-a-rather-long-name-for-a-function-{number:03}") for number in range(300)]
    notes = tuple(f"{each.function}: tags are not part of a version: a rollback leaves them" for each in functions) * 3
    body = markdown.plan(replace(plan(*functions), notes=notes), LINKS)
    assert len(body) < 65_536
    assert f"> `{notes[49]}`\n\n> and 850 more notes: see the log of the run\n\n| function " in body


def test_what_fits_is_not_cut() -> None:
    """Below the limit everything is there."""
    body = shown(*many(3))
    assert "Cut here" not in body
    assert 3 == body.count("<details>")


def test_failure_says_why() -> None:
    """In place of a plan come the problems, each with its file and line, and the stage's marker."""
    body = markdown.failure("test", ["pipeline.yaml:3: memory: too small"], LINKS, SHA)
    assert "### No plan for `test`" in body
    assert "pipeline.yaml:3: memory: too small" in body
    found = marker.read(body)
    assert found is not None and ("test", "") == (found.stage, found.digest)


def test_outcome_is_written_once() -> None:
    """The comment gets what became of the plan; a second run replaces that line, the plan stays."""
    release = Release("r-1", "test", SHA, "42", "2026-01-01T00:00:00Z", {"echo": Released("8", "d", "c")})
    once = markdown.released(shown(changed("echo")), release, LINKS)
    assert "**Released to `test`** in [run](https://github.com/octo/shop/actions/runs/42) 42: `echo` 8" in once
    twice = markdown.released(once, release, Links(LINKS.repository, "43"))
    assert 1 == twice.count("Released to") and "runs/43) 43: `echo` 8" in twice
    assert "### Deploy to `test`" in twice


def test_commits_are_listed_as_links() -> None:
    """A reviewer of prod sees what comes with the release."""
    body = markdown.plan(plan(changed("echo"), verb="promote"), LINKS, commits=[Commit(SHA, "Fix @all <b>")])
    assert "### Promote to `test`" in body
    assert f"- [`0123456`](https://github.com/octo/shop/commit/{SHA}) `Fix @all <b>`" in body


def test_workbench_actions_do_not_show_digests_of_code() -> None:
    """The table speaks of what users get, not of calls."""
    package = Package("echo", Path("echo.zip"), "d" * 43, "c", 1, 1, ())
    update = UpdateCode(package, ("x86_64",))
    publish = PublishVersion(VersionRecord(SHA, "d", "c"), "", "8")
    assert "UpdateFunctionCode" not in shown(changed("echo", prepare=(update, publish)))
