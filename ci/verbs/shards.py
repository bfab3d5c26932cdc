"""dollop shards"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import click

from ci.verbs import options

if TYPE_CHECKING:
    from ci.workspace import Workspace


@click.command()
@options.workspace
def shards(workspace: Workspace) -> None:
    """Print the matrix of a large build, as JSON.

    Nothing is printed where one job is enough.

    In a workflow it is also the step's output `matrix`, beside `region`.
    """
    from ci import shards
    from ci.github.run import current

    parts = shards.names(len(workspace.pipeline.functions))
    matrix = json.dumps({"shard": parts}) if parts else ""
    click.echo(matrix)
    if run := current(os.environ):
        run.output("matrix", matrix)
        run.output("region", workspace.pipeline.region or "")
