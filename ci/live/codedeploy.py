"""Read-only: CodeDeploy's application and deployment groups, as far as a plan needs them.

https://docs.aws.amazon.com/codedeploy/latest/APIReference/API_GetDeploymentGroup.html
"""

from __future__ import annotations

from collections.abc import Sequence

from ci.aws import Aws
from ci.errors import AbsentError
from ci.model.live import LiveGroup
from ci.plan import codedeploy
from ci.plan.actions import Deployer
from ci.plan.plan import Plan

ACTIVE = ("Created", "Queued", "InProgress", "Baking", "Ready")
"""https://docs.aws.amazon.com/codedeploy/latest/APIReference/API_ListDeployments.html"""
NO_APPLICATION = "ApplicationDoesNotExistException"


def with_groups(aws: Aws, plan: Plan) -> Plan:
    """``plan`` for one site, with what CodeDeploy has to have first."""
    wanted = codedeploy.deployers(plan)
    if not wanted:
        return plan
    found = aws.each("reading CodeDeploy", lambda deployer: _group(aws, deployer), wanted.values())
    return codedeploy.with_groups(plan, dict(zip(wanted, found, strict=True)))


def _group(aws: Aws, deployer: Deployer) -> LiveGroup:
    named = {"applicationName": deployer.application, "deploymentGroupName": deployer.group}
    try:
        answer = aws.ask("codedeploy", "get_deployment_group", **named)
    except AbsentError as error:
        return LiveGroup(error.code != NO_APPLICATION, None)
    return LiveGroup(True, answer["deploymentGroupInfo"].get("serviceRoleArn") or "")


def active(aws: Aws, deployer: Deployer) -> Sequence[str]:
    """The deployments that are under way: one at most, but for what CodeDeploy itself does to roll back."""
    named = {"applicationName": deployer.application, "deploymentGroupName": deployer.group}
    try:
        pages = aws.read("codedeploy", "list_deployments", **named, includeOnlyStatuses=list(ACTIVE))
        return [deployment for page in pages for deployment in page["deployments"]]
    except AbsentError:
        return []
