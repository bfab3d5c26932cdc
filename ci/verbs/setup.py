"""dollop setup"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from ci import console
from ci.verbs import options

if TYPE_CHECKING:
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
@options.workspace
def aws(
    workspace: Workspace, repository: str, owner_id: str | None, repository_id: str | None, account: str | None
) -> None:
    """Print a CloudFormation template with the roles of the workflows.

    \b
    dollop setup aws --repository octo/shop > roles.json
    aws cloudformation deploy --stack-name dollop --template-file roles.json --capabilities CAPABILITY_NAMED_IAM
    """
    from ci import policy
    from ci.render import data
    from ci.setup import aws

    made = policy.roles(workspace.pipeline, policy.place(workspace.pipeline, account=account))
    template = data.to_json(aws.template(workspace.pipeline, made, aws.repository(repository, owner_id, repository_id)))
    click.echo(template, nl=False)
    for note in [note for role in made for note in role.notes]:
        console.note(note)
    if len(template) > aws.BODY_LIMIT:
        console.note("the template is too large to be sent directly: aws cloudformation deploy takes --s3-bucket")
    if "*" in (owner_id or "*", repository_id or "*"):
        console.note("without --owner-id and --repository-id, whoever gets the repository's name later is trusted too")


@setup.command()
@_repository
@click.option("--reviewer", "reviewers", multiple=True, help="Login of who may approve prod; up to six.")
@click.option("--role", "roles", multiple=True, help="name=ARN, from the stack's outputs: plan=arn:aws:iam::...")
@click.option("--dry-run", is_flag=True, help="Say what would be set up, and call nothing.")
@options.workspace
def github(
    workspace: Workspace, repository: str, reviewers: tuple[str, ...], roles: tuple[str, ...], dry_run: bool
) -> None:
    """Set up environments, reviewers, variables and the branch rule on GitHub, with the token in GITHUB_TOKEN."""
    from ci.github.comment import connect
    from ci.github.run import Run
    from ci.github.setup import carry_out, user_numbers
    from ci.setup import aws, github

    aws.repository(repository)
    named = dict(role.partition("=")[::2] for role in roles)
    if dry_run:
        for step in github.steps(workspace.pipeline, repository, range(len(reviewers)), named):
            click.echo(step.what)
        return
    api = connect(Run(os.environ))
    for step in github.steps(workspace.pipeline, repository, user_numbers(api, reviewers), named):
        click.echo(f"{carry_out(api, step)}: {step.what}")
