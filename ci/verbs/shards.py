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

    In a workflow it is also the step's output `matrix`, beside `region` and `cache`: what the packages are built of,
    as a key. In the matrix each shard has its own.
    """
    from ci import build
    from ci.build import shards
    from ci.github.run import current

    pipeline = workspace.pipeline
    functions = list(pipeline.functions.values())
    parts = {shard: build.key(pipeline, shards.part(functions, shard)) for shard in shards.names(len(functions))}
    jobs = [{"shard": shard, "cache": key} for shard, key in parts.items()]
    matrix = json.dumps({"include": jobs}) if jobs else ""
    click.echo(matrix)
    if run := current(os.environ):
        run.output("matrix", matrix)
        run.output("region", pipeline.region or "")
        run.output("cache", "" if jobs else build.key(pipeline, functions))
