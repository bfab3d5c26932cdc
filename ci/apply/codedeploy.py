"""Where CodeDeploy moves the aliases: it gets them, is watched, and stopped where the release has to go back.

https://docs.aws.amazon.com/codedeploy/latest/userguide/deployment-steps-lambda.html
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ci.apply.job import Job
from ci.aws import Aws
from ci.errors import AwsError, Refused, ReleaseError, Unwatched
from ci.live.codedeploy import active
from ci.plan.actions import CreateApplication, CreateDeployment, Deployer, PointAlias, PutGroup, StopDeployment
from ci.plan.plan import FunctionPlan

_DONE, _TAKEN_BACK = "Succeeded", ("Failed", "Stopped")
_BY_ITSELF = "codeDeployRollback"
"""Creator of a deployment: https://docs.aws.amazon.com/codedeploy/latest/APIReference/API_DeploymentInfo.html"""
_AT_ONCE = 25
"""Deployments in one question:
https://docs.aws.amazon.com/codedeploy/latest/APIReference/API_BatchGetDeployments.html"""
_EXISTS = ("ApplicationAlreadyExistsException", "DeploymentGroupAlreadyExistsException")
_STYLE = {"deploymentType": "BLUE_GREEN", "deploymentOption": "WITH_TRAFFIC_CONTROL"}
"""The only one for Lambda:
https://docs.aws.amazon.com/codedeploy/latest/APIReference/API_DeploymentStyle.html"""


def check(job: Job) -> None:
    """Before anything is done: CodeDeploy has none of the aliases, but for what this plan stops. Raises Refused."""
    busy = [
        f"{function.label}: CodeDeploy is moving the alias {action.alias} (deployment {found[0]})"
        for function in job.plan.functions
        for action in function.shift
        if isinstance(action, PointAlias) and action.guard
        and not any(isinstance(each, StopDeployment) for each in function.shift)
        and (found := active(job.aws(function), action.guard))
    ]
    if busy:
        told = f"wait until that has ended: dollop status tells; dollop rollback {job.plan.stage} ends it"
        raise Refused("\n".join((*busy, "nothing was changed")), told)


def make_groups(job: Job, functions: Sequence[FunctionPlan]) -> None:
    """What CodeDeploy has to have first: the application, then the groups in it."""
    for kind in (CreateApplication, PutGroup):
        job.each("readying", lambda each: _make(job, *each), [
            (function, action) for function in functions for action in function.shift if isinstance(action, kind)
        ])


def _make(job: Job, function: FunctionPlan, action: CreateApplication | PutGroup) -> None:
    aws = job.aws(function)
    try:
        if isinstance(action, CreateApplication):
            made = {"applicationName": action.application, "computePlatform": "Lambda"}
            aws.ask("codedeploy", "create_application", **made)
            return
        application, group = action.deployer.application, action.deployer.group
        named = {"applicationName": application, "serviceRoleArn": action.role}
        if action.before is None:
            aws.ask("codedeploy", "create_deployment_group", **named, deploymentGroupName=group, deploymentStyle=_STYLE)
        else:
            aws.ask("codedeploy", "update_deployment_group", **named, currentDeploymentGroupName=group)
    except AwsError as error:
        if error.code not in _EXISTS:  # by our own call, whose answer was lost, or by another release just now
            raise


def begin(job: Job, function: FunctionPlan, version: str) -> str:
    """The deployment that moves the function's alias to ``version``."""
    action = next(each for each in function.shift if isinstance(each, CreateDeployment))
    deployer, aws, content = action.deployer, job.aws(function), _appspec(function.aws_name, action, version)
    alarms = [{"name": name} for name in action.alarms]
    try:
        deployment = str(aws.ask(
            "codedeploy", "create_deployment",
            applicationName=deployer.application,
            deploymentGroupName=deployer.group,
            deploymentConfigName=action.config,
            description=job.plan.release,
            revision={
                "revisionType": "AppSpecContent",
                "appSpecContent": {"content": content, "sha256": hashlib.sha256(content.encode()).hexdigest()},
            },
            autoRollbackConfiguration={
                "enabled": True, "events": ["DEPLOYMENT_FAILURE", "DEPLOYMENT_STOP_ON_ALARM"],
            },
            overrideAlarmConfiguration={"enabled": bool(alarms), "alarms": alarms},
        )["deploymentId"])
    except AwsError as error:
        # Our own call may have been sent again after its answer was lost: a group has one deployment at a time.
        if error.code != "DeploymentLimitExceededException" or not (ours := _ours(aws, deployer, content)):
            raise
        deployment = ours
    job.log(f"CodeDeploy has alias {action.alias}", function, version=version, deployment=deployment)
    return deployment


def _appspec(name: str, action: CreateDeployment, version: str) -> str:
    """https://docs.aws.amazon.com/codedeploy/latest/userguide/reference-appspec-file-structure-resources.html"""
    moved = {"Name": name, "Alias": action.alias, "CurrentVersion": action.before, "TargetVersion": version}
    resource = {name: {"Type": "AWS::Lambda::Function", "Properties": moved}}
    return json.dumps({"version": 0.0, "Resources": [resource]}, sort_keys=True)


def _ours(aws: Aws, deployer: Deployer, content: str) -> str | None:
    for told in _told(aws, active(aws, deployer)):
        if told.get("revision", {}).get("appSpecContent", {}).get("content") == content:
            return str(told["deploymentId"])
    return None


def follow(job: Job, begun: Mapping[str, tuple[FunctionPlan, str]]) -> None:
    """Until CodeDeploy has moved every alias. ``begun``: label -> the function, its deployment.

    Raises ReleaseError where CodeDeploy took one back, Unwatched where it cannot be asked, and KeyboardInterrupt.
    """
    left, pause = dict(begun), next(iter(job.sites.values())).limits.watch
    job.say("CodeDeploy moves the aliases", functions=str(len(left)))
    with job.track("CodeDeploy", len(left)) as done:
        while True:
            for label, told in _states(job, left).items():
                function, deployment = left[label]
                if told["status"] in _TAKEN_BACK:
                    why = (told.get("errorInformation") or {}).get("message") or told["status"]
                    what = f"{label}: CodeDeploy did not move the alias: deployment {deployment}: {why}"
                    raise ReleaseError(what, f"dollop logs --stage {job.plan.stage} shows what happened")
                if told["status"] == _DONE:
                    del left[label]
                    done()
                    job.log("CodeDeploy is done", function, deployment=deployment)
            if not left:
                job.say("CodeDeploy has moved the aliases")
                return
            if job.interrupted.wait(pause):
                raise KeyboardInterrupt


def _states(job: Job, left: Mapping[str, tuple[FunctionPlan, str]]) -> dict[str, Mapping[str, Any]]:
    labels = {(function.site, deployment): label for label, (function, deployment) in left.items()}
    try:
        return {
            labels[site, told["deploymentId"]]: told
            for site, aws in job.sites.items()
            for told in _told(aws, [deployment for where, deployment in labels if where == site])
        }
    except AwsError as error:
        stage = job.plan.stage
        has = "\n".join(f"{label}: {_has(function, deployment)}" for label, (function, deployment) in left.items())
        what = f"{error.message}\nCodeDeploy could not be watched to the end; it goes on by itself:\n{has}"
        raise Unwatched(what, f"dollop status tells how far it is; dollop rollback {stage} ends it", False) from error


def _has(function: FunctionPlan, deployment: str) -> str:
    action = next(each for each in function.shift if isinstance(each, CreateDeployment))
    return f"alias {action.alias}: from version {action.before} to {action.expected}, deployment {deployment}"


def _told(aws: Aws, deployments: Sequence[str]) -> Iterable[Mapping[str, Any]]:
    for start in range(0, len(deployments), _AT_ONCE):
        some = list(deployments[start: start + _AT_ONCE])
        yield from aws.ask("codedeploy", "batch_get_deployments", deploymentIds=some)["deploymentsInfo"]


def halt(job: Job, function: FunctionPlan, deployer: Deployer, release: str) -> None:
    """Nothing of ``release`` is under way there any more. The alias stays as it is just then.

    CodeDeploy is not asked to roll back: that would be another deployment, which could cross what is written next. One
    that it has begun by itself is waited for. Raises AwsError where it does not end.
    """
    aws, asked = job.aws(function), set[str]()
    ends = time.monotonic() + aws.limits.update
    while under_way := [
        told for told in _told(aws, active(aws, deployer))
        if told.get("description") == release or told.get("creator") == _BY_ITSELF
    ]:
        for told in under_way:
            if told["deploymentId"] not in asked and told.get("creator") != _BY_ITSELF:
                asked.add(told["deploymentId"])
                _stop(aws, told["deploymentId"])
        if time.monotonic() > ends:
            raise AwsError(f"{function.label}: CodeDeploy's deployment {under_way[0]['deploymentId']} does not end")
        time.sleep(min(aws.limits.watch, 1.0))


def _stop(aws: Aws, deployment: str) -> None:
    try:
        aws.ask("codedeploy", "stop_deployment", deploymentId=deployment, autoRollbackEnabled=False)
    except AwsError as error:
        if error.code != "DeploymentAlreadyCompletedException":
            raise
