"""``rollout`` of a stage: a canary of our own, or CodeDeploy."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ci import service_model
from ci.model import Canary, CodeDeploy

_PREDEFINED = frozenset(
    {"AllAtOnce"}
    | {f"Canary10Percent{minutes}Minutes" for minutes in (5, 10, 15, 30)}
    | {f"Linear10PercentEvery{minutes}" for minutes in ("1Minute", "2Minutes", "3Minutes", "10Minutes")}
)
"""https://docs.aws.amazon.com/codedeploy/latest/userguide/deployment-configurations.html"""
_OF_CANARY, _OF_CODEDEPLOY = ("canary", "for"), ("codedeploy", "role")


def rollout(said: Mapping[str, Any] | None, project: str) -> Canary | CodeDeploy | None:
    """None also where what is said is not sound."""
    alarms = tuple(dict.fromkeys((said or {}).get("alarms", ())))
    if said and said.keys() >= {*_OF_CANARY}:
        return Canary(said["canary"], said["for"], alarms)
    if said and said.keys() >= {*_OF_CODEDEPLOY}:
        config = f"CodeDeployDefault.Lambda{name}" if (name := said["codedeploy"]) in _PREDEFINED else name
        return CodeDeploy(config, said["role"], f"dollop-{project}", alarms)
    return None


def problems(said: Any, role: str | None, stage: str, names: Iterable[str]) -> Iterator[tuple[tuple[str, ...], str]]:
    """Where, below ``rollout``, and what. Wrong values are told before.

    ``role`` is that of the stage, where it has one, ``names`` are those of the functions in AWS.
    """
    if not isinstance(said, Mapping):
        return
    theirs = "codedeploy" in said
    wanted, others = (_OF_CODEDEPLOY, _OF_CANARY) if theirs else (_OF_CANARY, _OF_CODEDEPLOY)
    yield from (((key,), "is missing") for key in wanted if key not in said)
    yield from (((key,), f"goes not with {wanted[0]}") for key in others if key in said)
    accounts = [str(each).split(":")[4] for each in (role, said.get("role")) if str(each).count(":") >= 4]
    if theirs and len(set(accounts)) > 1:
        yield ("role",), f"is of another account than the stage's role: CodeDeploy works in {accounts[0]}"
    limit = int(service_model.shape("DeploymentGroupName", "codedeploy").max or 0)
    if theirs and (long := [name for name in names if len(f"{stage}-{name}") > limit]):
        what = f"CodeDeploy's name for {long[0]} in this stage, {stage}-{long[0]}, has more than {limit} characters"
        yield (("codedeploy",), what)
