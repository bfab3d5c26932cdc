"""dollop doctor"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import click

from ci import console
from ci.verbs import options

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ci.doctor import Finding
    from ci.model import Site
    from ci.workspace import Workspace


@click.command()
@click.option("--repository", help="owner/name on GitHub: check its environments, logins and branch rule, too.")
@options.aws
@options.workspace
def doctor(workspace: Workspace, repository: str | None) -> int:
    """Check what releases rely on; each finding comes with its fix.

    With --repository, GITHUB_TOKEN must be set.
    """
    from datetime import UTC, datetime

    from ci import doctor
    from ci.config.schema import schema
    from ci.errors import DollopError
    from ci.render import data
    from ci.setup.aws import BRANCH

    pipeline, root = workspace.pipeline, workspace.pipeline.root
    checks = [
        doctor.pins(root),
        doctor.schema(root, data.to_json(schema())),
        doctor.runtimes(pipeline, datetime.now(UTC).date().isoformat()),
        *(_reading(workspace, name, site) for name, site in workspace.sites().items()),
    ]
    if repository:
        call = _github()
        checks += [
            doctor.environments(pipeline, repository, call),
            doctor.logins(pipeline, repository, call),
            doctor.branch(repository, BRANCH, call),
        ]
    findings = doctor.found(checks)
    for finding in findings:
        console.error(DollopError(finding.what, finding.fix))
    if not findings:
        click.echo("nothing to mend")
    return 1 if findings else 0


def _reading(workspace: Workspace, name: str, site: Site) -> Iterator[Finding]:
    """Nothing, where AWS lets all be read that a plan needs; its refusal says the rest."""
    from ci import live
    from ci.errors import DollopError

    try:
        for stage in workspace.stages_at(site).values():
            live.read(workspace.at(site), stage, workspace.select(()), aliases=True, versions=True)
    except DollopError as error:
        raise error.within(name)
    yield from ()


def _github() -> Any:
    """Reads from GitHub's API; None where it answers that there is nothing."""
    from github import UnknownObjectException

    from ci.github.comment import connect, translated
    from ci.github.run import Run

    api = connect(Run(os.environ))

    def call(path: str) -> Any:
        with translated(f"read {path}", "the token needs to read the administration of the repository"):
            try:
                return api.requester.requestJsonAndCheck("GET", path)[1]
            except UnknownObjectException:
                return None

    return call
