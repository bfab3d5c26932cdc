"""dollop policy"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from ci import console
from ci.verbs import options

if TYPE_CHECKING:
    from ci.workspace import Workspace


@click.command()
@click.argument("role", required=False)
@click.option("--account", help="AWS account, where the functions' roles do not name one.")
@options.workspace
def policy(workspace: Workspace, role: str | None, account: str | None) -> None:
    """Print the least-privilege IAM policies of ROLE, or of all.

    Those of prod-there are for the role of another account that the stage prod names.
    """
    from ci import policy
    from ci.render import data

    made = policy.roles(workspace.pipeline, policy.place(workspace.pipeline, account=account))
    shown = [policy.role(made, role)] if role else made
    for one in shown:
        for note in (*one.notes, *([one.purpose] if one.account else [])):
            console.note(note)
    documents = {one.name: list(one.documents) for one in shown}
    click.echo(data.to_json(documents[role] if role else documents), nl=False)
