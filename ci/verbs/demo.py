"""dollop demo"""

from __future__ import annotations

import click

from ci import console


@click.command()
@click.pass_context
def demo(context: click.Context) -> None:
    """Show the whole story on the embedded AWS.

    It works in a copy of the project and leaves nothing behind. No account is needed."""
    from ci import demo

    demo.run(context.obj.resolve(), console.show)
