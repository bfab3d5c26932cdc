"""dollop report"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from ci.verbs import options

if TYPE_CHECKING:
    from ci.workspace import Workspace


@click.command()
@options.functions
@click.option("--html", "as_page", is_flag=True, help="One page for a browser: stages, drift, releases, sizes.")
@options.aws
@options.workspace
def report(workspace: Workspace, functions: tuple[str, ...], as_page: bool) -> None:
    """Show every release that AWS still has, and what runs it.

    --html gives one page that needs nothing else: dollop report --html > report.html
    """
    from datetime import UTC, datetime

    from ci.github.run import current
    from ci.observe import report
    from ci.render import page, releases

    run, now = current(os.environ), datetime.now(UTC)
    found = report.read(workspace, workspace.select(functions), run.links.repository if run else "", now)
    listed = releases.published(found.listed, found.status.lives)
    click.echo(page.page(found) if as_page else releases.text(listed, now), nl=False)
