"""Publishing on GitHub Pages, against what GitHub's API answers.

The GitHub of tests/e2e keeps what it is given, but knows no builds of pages.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from ci.github import pages
from ci.github.comment import GithubError
from ci.github.run import Run

REPOSITORY = "/repos/octo/shop"


class GitHub(ThreadingHTTPServer):
    """Answers from ``answers``, and remembers what it was asked to write."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.answers: dict[str, tuple[int, Any]] = {
            f"GET {REPOSITORY}": (200, {"full_name": "octo/shop", "url": self.url + REPOSITORY}),
            f"GET {REPOSITORY}/branches/gh-pages": (200, {"name": "gh-pages"}),
            f"GET {REPOSITORY}/contents/": (200, [{"path": "index.html", "sha": "0a1b2c3", "type": "file"}]),
            f"PUT {REPOSITORY}/contents/index.html": (200, {"content": {}, "commit": {}}),
            f"POST {REPOSITORY}/pages/builds": (201, {"status": "queued"}),
        }
        self.written: list[tuple[str, Any]] = []


class Handler(BaseHTTPRequestHandler):
    server: GitHub

    def do_GET(self) -> None:
        asked = f"{self.command} {self.path.partition('?')[0]}"
        said = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or "null")
        if self.command != "GET":
            self.server.written.append((asked, said))
        status, answer = self.server.answers.get(asked, (404, {"message": "Not Found"}))
        body = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_PUT = do_POST = do_GET

    def log_message(self, format: str, *arguments: Any) -> None:
        """Nothing."""


@pytest.fixture
def github() -> Iterator[GitHub]:
    """A GitHub on which the branch is there, with a page."""
    with GitHub() as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def run(github: GitHub) -> Run:
    """A run that acts on it."""
    return Run({
        "GITHUB_API_URL": github.url, "GITHUB_REPOSITORY": "octo/shop", "GITHUB_RUN_ID": "42", "GITHUB_TOKEN": "token"
    })


def test_the_page_is_written_and_then_built(github: GitHub, run: Run) -> None:
    """In this order: what is asked for is what was just written, over the page that was read."""
    assert pages.publish(run, "<h1>shop</h1>")
    (put, said), (post, _) = github.written
    assert (f"PUT {REPOSITORY}/contents/index.html", f"POST {REPOSITORY}/pages/builds") == (put, post)
    assert ("gh-pages", "0a1b2c3", "Report of run 42") == (said["branch"], said["sha"], said["message"])


def test_pages_that_are_not_switched_on_are_said(github: GitHub, run: Run) -> None:
    """The page is on the branch, and nobody publishes it: that is no failure, and not success either."""
    del github.answers[f"POST {REPOSITORY}/pages/builds"]
    assert not pages.publish(run, "<h1>shop</h1>")
    assert 2 == len(github.written)


def test_a_token_that_may_not_is_told_what_it_needs(github: GitHub, run: Run) -> None:
    """Which permission is missing; "may not" is not taken for "is not there"."""
    github.answers[f"POST {REPOSITORY}/pages/builds"] = (403, {"message": "Resource not accessible by integration"})
    with pytest.raises(GithubError, match="could not publish the page: 403") as caught:
        pages.publish(run, "<h1>shop</h1>")
    assert "contents: write" in caught.value.hint and "pages: write" in caught.value.hint
