"""dollop setup"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from ci import console
from ci.verbs import options

if TYPE_CHECKING:
    from ci.setup.aws import Repository
    from ci.workspace import Workspace


@click.group()
def setup() -> None:
    """Set up AWS and GitHub for the workflows, once."""


_repository = click.option("--repository", required=True, help="owner/name on GitHub.")


@setup.command()
@_repository
@click.option("--owner-id", help="Number of the owner: then nobody who takes over the name is trusted.")
@click.option("--repository-id", help="Number of the repository, likewise.")
@click.option("--account", help="AWS account, where the functions' roles do not name one.")
@click.option("--deploy", is_flag=True, help="Create or update the stack, and print its roles for setup github.")
@options.aws
@options.workspace
def aws(
    workspace: Workspace,
    repository: str,
    owner_id: str | None,
    repository_id: str | None,
    account: str | None,
    deploy: bool,
) -> None:
    """Print a CloudFormation template with the roles of the workflows, or deploy it.

    With GITHUB_TOKEN the two numbers are looked up.
    """
    from ci import policy
    from ci.render import data
    from ci.setup import aws, stack

    pipeline = workspace.pipeline
    where = policy.place(pipeline, account=account)
    made = policy.roles(pipeline, where)
    trusted = _numbered(aws.repository(repository, owner_id, repository_id))
    template = aws.template(pipeline, made, trusted, where.partition)
    for note in aws.notes(template, made, trusted):
        console.note(note)
    if not deploy:
        click.echo(data.to_json(template), nl=False)
        return
    outputs = stack.deploy(workspace.aws, aws.stack_name(pipeline), template, console.log)
    found = {role.name: outputs.get(aws.output(role.name)) for role in made}
    click.echo(" ".join(f"--role {name}={arn}" for name, arn in found.items() if arn))


def _numbered(trusted: Repository) -> Repository:
    """With the numbers that GitHub has for it, where there is a token to ask with."""
    if trusted.numbered or not os.environ.get("GITHUB_TOKEN"):
        return trusted
    from ci.github.comment import connect
    from ci.github.run import Run
    from ci.github.setup import numbered

    return numbered(connect(Run(os.environ)), trusted)


@setup.command()
@_repository
@click.option("--reviewer", "reviewers", multiple=True, help="Login of who may approve prod; up to six.")
@click.option("--role", "roles", multiple=True, help="name=ARN, from the stack's outputs: plan=arn:aws:iam::...")
@click.option("--check", help="Command that checks a pull request, instead of make test: the variable CHECK.")
@click.option("--dry-run", is_flag=True, help="Say what would be set up, and call nothing.")
@options.workspace
def github(
    workspace: Workspace, repository: str, reviewers: tuple[str, ...], roles: tuple[str, ...], check: str | None,
    dry_run: bool,
) -> None:
    """Set up environments, reviewers, variables and the branch rule on GitHub, with the token in GITHUB_TOKEN."""
    from ci.github.comment import connect
    from ci.github.run import Run
    from ci.github.setup import carry_out, user_numbers
    from ci.setup import aws, github

    aws.repository(repository)
    named = dict(role.partition("=")[::2] for role in roles)
    if dry_run:
        for step in github.steps(workspace.pipeline, repository, range(len(reviewers)), named, check):
            click.echo(step.what)
        return
    api = connect(Run(os.environ))
    for step in github.steps(workspace.pipeline, repository, user_numbers(api, reviewers), named, check):
        click.echo(f"{carry_out(api, step)}: {step.what}")
