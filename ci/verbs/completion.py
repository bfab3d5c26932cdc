"""dollop completion"""

from __future__ import annotations

import click


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print what completes verbs, stages and functions.

    \b
    bash  eval "$(dollop completion bash)"    # in ~/.bashrc
    zsh   eval "$(dollop completion zsh)"     # in ~/.zshrc, after compinit
    fish  dollop completion fish > ~/.config/fish/completions/dollop.fish
    """
    from click.shell_completion import get_completion_class

    root = context.find_root()
    found = get_completion_class(shell)
    assert found is not None
    click.echo(found(root.command, {}, str(root.info_name), "_DOLLOP_COMPLETE").source())
