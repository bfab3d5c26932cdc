"""The report: which releases there were, and the page that shows them."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from html.parser import HTMLParser

import pytest

from ci.model.live import Live, LiveFunction, LiveVersion
from ci.observe.report import Report
from ci.observe.status import Status
from ci.render import page, releases
from tests.unit import given, reported
from tests.unit.reported import NOW, version


class Document(HTMLParser):
    """A page as a browser's parser sees it: its text, and every tag with its attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in ("meta", "link", "br", "line", "polygon", "polyline", "circle"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert tag == self.open.pop()

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def words(report: Report) -> str:
    """What a reader reads, without the style sheet."""
    body = re.sub("<style>.*?</style>", "", page.page(report), flags=re.DOTALL)
    return re.sub(r"\s+", " ", " ".join(Document(body).words))


def versions(report: Report) -> list[LiveVersion]:
    return [each for found in report.listed.functions.values() if found for each in found.versions or ()]


def history(*versions: tuple[str, int, str | None, float]) -> Live:
    """Function, version, commit and age in days of each version."""
    functions: dict[str, LiveFunction | None] = {}
    for name, number, commit, age in versions:
        found = functions.get(name) or LiveFunction(given.ARN + name, versions=())
        made = version(number, 641, timedelta(days=age), commit)
        functions[name] = replace(found, versions=(*(found.versions or ()), made))
    return Live(given.TEST, functions)


def test_versions_of_one_commit_in_a_row_are_a_release() -> None:
    """Newest first; a commit that comes back later is a release of its own, as is what somebody published by hand."""
    listed = history(
        ("echo", 1, "a" * 40, 9), ("sci", 1, "a" * 40, 8.9), ("echo", 2, "b" * 40, 7), ("echo", 3, None, 5),
        ("sci", 2, "a" * 40, 3), ("sci", 3, "a" * 40, 2.9),
    )
    found = releases.published(listed, {})
    assert [
        ("a" * 40, {"sci": "3"}),
        (None, {"echo": "3"}),
        ("b" * 40, {"echo": "2"}),
        ("a" * 40, {"echo": "1", "sci": "1"}),
    ] == [(each.commit, each.versions) for each in found]


def test_a_release_says_which_stages_run_it() -> None:
    """Only where a stage runs just the version that it published."""
    listed = history(("echo", 1, "a" * 40, 9), ("sci", 1, "a" * 40, 9), ("echo", 2, "b" * 40, 7))
    running = {name: reported.running(found, 1) for name, found in listed.functions.items()}
    test = {**running, "echo": reported.running(listed.functions["echo"], 2)}
    found = releases.published(listed, {"test": Live(given.TEST, test), "prod": Live(given.PROD, running)})
    assert [{"test": ["echo"]}, {"test": ["sci"], "prod": ["echo", "sci"]}] == [each.runs for each in found]
    assert """\
age  commit   versions       runs on
7 d  bbbbbbb  echo 2         test
9 d  aaaaaaa  echo 1, sci 1  test, prod
""" == releases.text(found, NOW)


def test_the_page_shows_stages_drift_releases_and_sizes() -> None:
    """What people look for is there: versions, commits with links, ages, sizes, who is behind, what was changed."""
    report = reported.report()
    text = words(report)
    for expected in ("3 behind on prod", "1 changed by hand", "6666666 · 3 d old · 641 kB", "memory , TOKEN"):
        assert expected in text, expected
    assert 3 == page.page(report).count(">behind<")
    assert "prod (4 of 8)" in text and "test" in text
    assert 6 == text.count("since 2026-01-30 09:00 , run") and 7 == text.count("since 2026-01-29 09:00 , run")
    tags = Document(page.page(report)).tags
    commits = {version.record.commit for version in versions(report) if version.record}
    links = {f"https://github.com/octo/shop/commit/{commit}" for commit in commits}
    links.add("https://github.com/octo/shop/actions/runs/1234")
    assert 7 == len(links) and links <= {said["href"] for tag, said in tags if tag == "a"}
    labels = [said["aria-label"] for tag, said in tags if tag == "svg"]
    assert "Size of echo, zipped: from 2.6 MB in version 1 to 2.6 MB in version 6" in labels and 8 == len(labels)


def test_where_github_is_not_known_nothing_is_a_link() -> None:
    """On a laptop: commits are shown, the page links to itself alone."""
    tags = Document(page.page(reported.report(repository=""))).tags
    links = {said["href"] for tag, said in tags if tag == "a"}
    assert {"#main", "#functions", "#drift", "#releases", "#sizes"} == links


def test_nothing_there_is_said() -> None:
    """An AWS with nothing in it gives a page too."""
    live = Live(given.TEST, {"echo": None})
    text = words(Report("shop", "eu-west-1", "", NOW, Status({"test": live}, {}), live))
    assert "Nothing. Every function is as it was released." in text
    assert "There is none yet." in text and "There is no version yet." in text


EVIL = ("<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "</title></style><h1>", "a&b;", "\x1b[31m\u202e")


@pytest.mark.parametrize("evil", EVIL)
def test_no_name_becomes_markup(evil: str) -> None:
    """Function, project, region, stage, commit and setting: each is text and nothing else, wherever it comes from."""
    report = reported.report((evil, "echo"))
    listed = history((evil, 1, evil, 1), ("echo", 1, evil, 1))
    live = Live(given.TEST, {name: reported.running(found, 1) for name, found in listed.functions.items()})
    status = Status({evil: live, "prod": report.status.lives["prod"]}, {evil: (evil,)})
    text = page.page(replace(report, project=evil, region=evil, status=status, listed=listed))
    harmless = Document(page.page(reported.report(("api", "echo"))))
    document = Document(text)
    assert not document.open
    assert {tag for tag, _ in document.tags} <= {tag for tag, _ in harmless.tags}
    assert not [name for _, said in document.tags for name in said if name.startswith("on") or name == "src"]
    assert "\x1b" not in text and "\u202e" not in text


def test_nothing_is_loaded() -> None:
    """No script; the policy of the page forbids all but its own style."""
    tags = Document(page.page(reported.report())).tags
    assert "script" not in {tag for tag, _ in tags}
    (policy,) = (said["content"] for tag, said in tags if said.get("http-equiv") == "Content-Security-Policy")
    assert policy and policy.startswith("default-src 'none'; style-src 'unsafe-inline'")
