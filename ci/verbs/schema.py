"""dollop schema"""

from __future__ import annotations

import click


@click.command()
def schema() -> None:
    """Print the JSON Schema of pipeline.yaml, for editors."""
    from ci.config.schema import schema
    from ci.render import data

    click.echo(data.to_json(schema()), nl=False)
