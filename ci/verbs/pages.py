"""dollop pages"""

from __future__ import annotations

import os
from pathlib import Path

import click

from ci import console
from ci.verbs import options


@click.command()
@click.argument("file", type=options.PATH)
def pages(file: Path) -> None:
    """Publish FILE on GitHub Pages.

    In a workflow: it becomes index.html on the branch gh-pages, beside what else is there.
    """
    from ci import foreign
    from ci.github import pages
    from ci.github.run import Run

    if pages.publish(Run(os.environ), foreign.text(file)):
        console.note(f"published: the branch {pages.BRANCH}")
    else:
        console.note(f"on the branch {pages.BRANCH}; to be published it is to be chosen in the settings, under Pages")
