"""CodeDeploy on the wire: moto's API, and what the service behind it does, which moto does not.

moto 5 keeps applications, groups and deployments, and answers for them. It never begins a deployment, moves no alias,
and knows neither StopDeployment nor UpdateDeploymentGroup. Played here, each as AWS's documentation has it:

- a group has one deployment under way, a second one is a DeploymentLimitExceededException
  (https://docs.aws.amazon.com/codedeploy/latest/APIReference/API_CreateDeployment.html)
- traffic is shifted by the deployment configuration's steps; the alias keeps its version, and gives away a weight,
  until all of it moves (https://docs.aws.amazon.com/codedeploy/latest/userguide/deployment-configurations.html,
  https://docs.aws.amazon.com/lambda/latest/dg/configuring-alias-routing.html); its description is not touched
- the alias must be at CurrentVersion, and at nothing else
  (https://docs.aws.amazon.com/codedeploy/latest/userguide/troubleshooting-deployments-lambda.html)
- an alarm of the deployment stops it, and it rolls back: the alias is as it was before
  (https://docs.aws.amazon.com/codedeploy/latest/userguide/deployments-rollback-and-redeploy.html). AWS may do that as
  another deployment; here it is done at once
- stopped without a rollback, the alias stays between the two versions (the same page on troubleshooting)

Time passes when it is asked for the state: each time one step.
"""

from __future__ import annotations

import functools
import hashlib
import json
import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tests.emulated.strict.calls import Answer, Call
from tests.emulated.strict.server import Upstream

_STEPS: Mapping[str, tuple[float, ...]] = {
    "CodeDeployDefault.LambdaAllAtOnce": (),
    "CodeDeployDefault.LambdaCanary10Percent5Minutes": (0.1,),
    "CodeDeployDefault.LambdaLinear10PercentEvery1Minute": tuple(step / 10 for step in range(1, 10)),
}
_ACTIVE = ("Created", "InProgress")
_JSON = {"Content-Type": "application/x-amz-json-1.1"}


def _error(code: str, message: str) -> Answer:
    return Answer(400, json.dumps({"__type": code, "message": message}).encode(), _JSON)


@dataclass
class Deployment:
    """``moved``: Name, Alias, CurrentVersion and TargetVersion."""

    region: str
    group: str
    moved: Mapping[str, str]
    steps: list[float]
    alarms: list[str]
    status: str = "Created"
    why: str = ""


class CodeDeploy:
    """``client`` gives clients, by service and region, of the account on MiniStack that is behind it."""

    def __init__(self, moto: int, client: Callable[[str, str], Any]) -> None:
        self.deployments: dict[str, Deployment] = {}
        self.roles: dict[str, str] = {}
        """Group -> the role that it was given after it was made."""
        self.waits = False
        """Whether time stands still."""
        self._upstream = Upstream(moto)
        self._client = functools.cache(client)
        self._lock = threading.Lock()

    def answer(self, call: Call, headers: Mapping[str, str], body: bytes) -> Answer | None:
        if not headers.get("X-Amz-Target", "").startswith("CodeDeploy_"):
            return None
        said = json.loads(body)
        signed = re.search(r"/([a-z0-9-]+)/codedeploy/", headers["Authorization"])
        assert signed
        with self._lock:
            refused = self._refused(call.operation, said, signed[1])
            if refused or call.operation in ("StopDeployment", "UpdateDeploymentGroup"):
                return refused or self._played(call.operation, said)
            if call.operation == "BatchGetDeployments" and not self.waits:
                for name in said["deploymentIds"]:
                    self.step(self.deployments[name])
            wanted = said.pop("includeOnlyStatuses", None)
            account = re.search(r"Credential=(\d{12})/", headers["Authorization"])
            of = {**headers, "x-moto-account-id": account[1] if account else "123456789012"}
            found = self._upstream.send("POST", "/", of, json.dumps(said).encode())
            return self._told(call.operation, said, signed[1], wanted, found) if found.status == 200 else found

    def _refused(self, operation: str, said: Mapping[str, Any], region: str) -> Answer | None:
        if operation != "CreateDeployment":
            return None
        content = said["revision"]["appSpecContent"]
        if hashlib.sha256(content["content"].encode()).hexdigest() != content["sha256"]:
            return _error("InvalidRevisionException", "The sha256 is not that of the content")
        if said["deploymentConfigName"] not in _STEPS:
            return _error("DeploymentConfigDoesNotExistException", "No Deployment Configuration found")
        group = region, said["deploymentGroupName"]
        if any((each.region, each.group) == group and each.status in _ACTIVE for each in self._all()):
            return _error("DeploymentLimitExceededException", "The group already has an active Deployment")
        return None

    def _all(self) -> list[Deployment]:
        return list(self.deployments.values())

    def _played(self, operation: str, said: Mapping[str, Any]) -> Answer:
        if operation == "UpdateDeploymentGroup":
            self.roles[said["currentDeploymentGroupName"]] = said["serviceRoleArn"]
            return Answer(200, b"{}")
        deployment = self.deployments[said["deploymentId"]]
        if deployment.status not in _ACTIVE:
            return _error("DeploymentAlreadyCompletedException", "The deployment is already complete")
        deployment.status, deployment.why = "Stopped", "stopped by request"
        if said.get("autoRollbackEnabled"):
            self._point(deployment, "CurrentVersion")
        return Answer(200, b'{"status": "Succeeded"}')

    def _told(
        self, operation: str, said: Mapping[str, Any], region: str, wanted: list[str] | None, found: Answer
    ) -> Answer:
        data = json.loads(found.body)
        if operation == "CreateDeployment":
            (resource,) = json.loads(said["revision"]["appSpecContent"]["content"])["Resources"]
            ((_, about),) = resource.items()
            alarms = [alarm["name"] for alarm in said["overrideAlarmConfiguration"]["alarms"]]
            steps = list(_STEPS[said["deploymentConfigName"]])
            self.deployments[data["deploymentId"]] = Deployment(
                region, said["deploymentGroupName"], about["Properties"], steps, alarms
            )
        elif operation == "ListDeployments":
            data["deployments"] = [
                name for name in data["deployments"] if not wanted or self.deployments[name].status in wanted
            ]
        elif operation == "BatchGetDeployments":
            for each in data["deploymentsInfo"]:
                deployment = self.deployments[each["deploymentId"]]
                each["status"], each["errorInformation"] = deployment.status, {"message": deployment.why}
        elif operation == "GetDeploymentGroup" and (role := self.roles.get(said["deploymentGroupName"])):
            data["deploymentGroupInfo"]["serviceRoleArn"] = role
        return Answer(200, json.dumps(data).encode(), _JSON)

    def step(self, deployment: Deployment) -> None:
        """What happens in the time of one step."""
        if deployment.status not in _ACTIVE:
            return
        named = {"FunctionName": deployment.moved["Name"], "Name": deployment.moved["Alias"]}
        functions = self._client("lambda", deployment.region)
        if deployment.status == "Created":
            there = functions.get_alias(**named)
            weights = there.get("RoutingConfig", {}).get("AdditionalVersionWeights")
            if there["FunctionVersion"] != deployment.moved["CurrentVersion"] or weights:
                deployment.status, deployment.why = "Failed", "The alias is not at the current version"
                return
            deployment.status = "InProgress"
        if self._rings(deployment):
            deployment.status, deployment.why = "Stopped", "One or more alarms have been activated"
            self._point(deployment, "CurrentVersion")
        elif deployment.steps:
            weight = {deployment.moved["TargetVersion"]: deployment.steps.pop(0)}
            functions.update_alias(**named, RoutingConfig={"AdditionalVersionWeights": weight})
        else:
            self._point(deployment, "TargetVersion")
            deployment.status = "Succeeded"

    def under_way(self) -> list[Mapping[str, str]]:
        """What is being moved."""
        return [deployment.moved for deployment in self._all() if deployment.status in _ACTIVE]

    def to_the_end(self) -> None:
        """All that is under way, with nobody looking."""
        for deployment in self._all():
            while deployment.status in _ACTIVE:
                self.step(deployment)

    def _rings(self, deployment: Deployment) -> bool:
        if not deployment.alarms:
            return False
        found = self._client("cloudwatch", deployment.region).describe_alarms(AlarmNames=deployment.alarms)
        return any(alarm["StateValue"] == "ALARM" for alarm in found["MetricAlarms"])

    def _point(self, deployment: Deployment, to: str) -> None:
        self._client("lambda", deployment.region).update_alias(
            FunctionName=deployment.moved["Name"], Name=deployment.moved["Alias"], FunctionVersion=deployment.moved[to],
            RoutingConfig={"AdditionalVersionWeights": {}},
        )
