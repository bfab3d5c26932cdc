"""A GitHub on loopback, and who acts on it."""

from __future__ import annotations

from dataclasses import dataclass

from github import Auth, Github
from github.Repository import Repository

BOT = "github-actions[bot]"
OWNER = "octo"


@dataclass(frozen=True)
class GitHub:
    """A GitHub with one repository, and the tokens of those who act on it."""

    api: str
    name: str

    def repository(self, login: str = OWNER) -> Repository:
        """The repository as ``login`` sees it."""
        return client(self.api, login).get_repo(self.name)


def client(api: str, login: str) -> Github:
    """Without the pauses that GitHub itself asks for."""
    auth = Auth.Token(token(login))
    return Github(auth=auth, base_url=api, seconds_between_requests=None, seconds_between_writes=None)


def token(login: str) -> str:
    return f"token-of-{login.strip('[]')}"
