"""A page on GitHub Pages: a commit on the branch that is published, beside whatever else is on it.

https://docs.github.com/en/pages/getting-started-with-github-pages/configuring-a-publishing-source-for-your-github-pages-site
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ci.github.comment import connect, translated
from ci.github.run import Run

if TYPE_CHECKING:
    from github.Repository import Repository

BRANCH = "gh-pages"
_FILE = "index.html"


def publish(run: Run, page: str) -> bool:
    """Put ``page`` there as ``index.html``, and ask GitHub to publish it: what a workflow's token pushes may not start
    that by itself. False where GitHub Pages is not switched on. Raises GithubError.
    """
    with translated("publish the page", "give the job `contents: write` and `pages: write`"):
        repository = connect(run).get_repo(run.repository)
        _commit(repository, page, f"Report of run {run.links.run}")
        return _built(repository)


def _commit(repository: Repository, page: str, message: str) -> None:
    from github import InputGitTreeElement, UnknownObjectException

    try:
        repository.get_branch(BRANCH)
    except UnknownObjectException:
        tree = repository.create_git_tree([InputGitTreeElement(_FILE, "100644", "blob", content=page)])
        made = repository.create_git_commit(message, tree, [])
        repository.create_git_ref(f"refs/heads/{BRANCH}", made.sha)
        return
    listed = repository.get_contents("", ref=BRANCH)
    there = {file.path: file for file in (listed if isinstance(listed, list) else [listed])}.get(_FILE)
    if there:
        repository.update_file(_FILE, message, page, there.sha, branch=BRANCH)
    else:
        repository.create_file(_FILE, message, page, branch=BRANCH)


def _built(repository: Repository) -> bool:
    """https://docs.github.com/en/rest/pages/pages#request-a-github-pages-build"""
    from github import UnknownObjectException

    try:
        repository.requester.requestJsonAndCheck("POST", f"{repository.url}/pages/builds")
    except UnknownObjectException:
        return False
    return True
