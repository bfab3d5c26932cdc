"""Carries out what ``ci.setup.github`` asks for. Each step may be run again."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ci.github.comment import translated
from ci.setup.aws import Repository
from ci.setup.github import Step

if TYPE_CHECKING:
    from github import Github

_PERMISSION = "the token needs: administration, environments and variables of the repository, each to write"


def user_numbers(github: Github, logins: tuple[str, ...]) -> list[int]:
    """The numbers of the users called ``logins``. Raises GithubError for one that there is not."""
    numbers = []
    for login in logins:
        with translated(f"find the user {login}", "is the name right?"):
            numbers.append(github.get_user(login).id)
    return numbers


def numbered(github: Github, repository: Repository) -> Repository:
    """``repository`` with its owner's number and its own. Raises GithubError."""
    name = f"{repository.owner}/{repository.name}"
    with translated(f"find the repository {name}", "is the name right, and may the token read it?"):
        found = github.get_repo(name)
        return replace(repository, owner_id=str(found.owner.id), id=str(found.id))


def carry_out(github: Github, step: Step) -> str:
    """``created``, ``updated`` or ``unchanged``. Raises GithubError."""
    with translated(f"set up {step.what}", _PERMISSION):
        there = _existing(github, step)
        if there is None and step.create:
            _send(github, step.create, step)
            return "created"
        method, path = step.update
        if not method:
            return "unchanged"
        number = (there or {}).get("id", "")
        _send(github, (method, path.replace("{id}", str(number))), step)
        return "updated"


def _existing(github: Github, step: Step) -> dict[str, Any] | None:
    """The item of that name in the list, over all of its pages; GitHub wraps some lists and not others."""
    if not step.exists:
        return None
    page = 1
    while True:
        _, answer = github.requester.requestJsonAndCheck("GET", step.exists, {"per_page": 100, "page": page})
        items = answer if isinstance(answer, list) else next((v for v in answer.values() if isinstance(v, list)), [])
        for item in items:
            if item.get("name") == step.name:
                return dict(item)
        if len(items) < 100:
            return None
        page += 1


def _send(github: Github, request: tuple[str, str], step: Step) -> None:
    method, path = request
    github.requester.requestJsonAndCheck(method, path, input=dict(step.body))
