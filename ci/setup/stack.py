"""The template of the roles -> a stack in AWS: created or updated, watched to its end."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from ci.aws import Aws
from ci.errors import AwsError, Refused
from ci.setup.aws import BODY_LIMIT, ISSUER

Log = Callable[..., None]

_PROVIDER = "ProviderArn"
_NAMED = "CAPABILITY_NAMED_IAM"


def deploy(aws: Aws, name: str, template: Mapping[str, Any], log: Log) -> dict[str, str]:
    """Bring the stack ``name`` to ``template`` and give its outputs. ``log`` is told of each resource.

    Run again where nothing differs it changes nothing. The account's own identity provider for GitHub is used where
    there is one: an account takes only one. Raises AwsError; and Refused where the stack cannot be updated, or is
    another repository's, whose workflows would lose their roles to this one's.
    """
    body = json.dumps(template, separators=(",", ":"))
    if len(body.encode()) > BODY_LIMIT:
        raise Refused(
            f"the template has {len(body.encode())} bytes; CloudFormation takes {BODY_LIMIT} with the call",
            "write it into a file, without --deploy: aws cloudformation deploy --s3-bucket BUCKET takes it from there",
        )
    there = _stack(aws, name)
    status = str(there["StackStatus"]) if there else ""
    if status.endswith("_IN_PROGRESS"):
        raise Refused(f"the stack {name} is being changed: {status}", "wait until that has ended, then run it again")
    if status in ("ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED", "DELETE_FAILED"):
        hint = f"aws cloudformation delete-stack --stack-name {name}, then run it again"
        raise Refused(f"the stack {name} was never made whole: {status}", hint)
    owned, ours = (str(each.get("Description", "")) for each in (there or template, template))
    if owned.lower() != ours.lower():
        raise Refused(
            f"the stack {name} is another repository's: {owned}",
            "give the project another name in pipeline.yaml; where the repository was renamed: "
            f"aws cloudformation delete-stack --stack-name {name}, then run it again",
        )
    provider: dict[str, Any] = {"ParameterKey": _PROVIDER, "UsePreviousValue": True}
    if there is None:
        provider = {"ParameterKey": _PROVIDER, "ParameterValue": _provider(aws)}
    seen = {event["EventId"] for event in _events(aws, name)} if there else set()
    wanted = {"StackName": name, "TemplateBody": body, "Parameters": [provider], "Capabilities": [_NAMED]}
    try:
        if there:
            aws.ask("cloudformation", "update_stack", **wanted)
        else:
            aws.ask("cloudformation", "create_stack", **wanted)
    except AwsError as error:
        # https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/troubleshooting.html#troubleshooting-errors-no-updates-to-perform
        if there is None or "No updates are to be performed" not in error.message:
            raise
        log("stack unchanged", stack=name)
        return _outputs(there)
    return _outputs(_settled(aws, name, seen, log))


def _settled(aws: Aws, name: str, seen: set[str], log: Log) -> Mapping[str, Any]:
    """The stack once it is what was asked for. Raises AwsError with the first reason where it went back."""
    reason = ""
    while True:
        stack = _stack(aws, name)
        for event in [event for event in _events(aws, name) if event["EventId"] not in seen]:
            seen.add(event["EventId"])
            state, resource = str(event["ResourceStatus"]), str(event["LogicalResourceId"])
            if state.endswith("_FAILED"):
                reason = reason or f"{resource}: {event.get('ResourceStatusReason', state)}"
            if not state.endswith("_IN_PROGRESS"):
                log(state.lower().replace("_", " "), resource=resource)
        status = str(stack["StackStatus"]) if stack else "gone"
        if stack and status in ("CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"):
            return stack
        if not status.endswith("_IN_PROGRESS"):
            raise AwsError(f"the stack {name} was not deployed: {reason or status}", "mend that, then run it again")
        if aws.interrupted.wait(aws.limits.look * 20):
            raise KeyboardInterrupt


def _stack(aws: Aws, name: str) -> Mapping[str, Any] | None:
    """https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeStacks.html: a stack that does not
    exist is a ValidationError that says so."""
    try:
        (answer,) = aws.ask("cloudformation", "describe_stacks", StackName=name)["Stacks"]
    except AwsError as error:
        if error.code == "ValidationError" and "does not exist" in error.message:
            return None
        raise
    return dict(answer)


def _events(aws: Aws, name: str) -> list[Mapping[str, Any]]:
    """Oldest first; those of the newest page are enough to follow."""
    return list(reversed(aws.ask("cloudformation", "describe_stack_events", StackName=name)["StackEvents"]))


def _provider(aws: Aws) -> str:
    """The ARN of the account's identity provider for GitHub; empty where it has none."""
    listed = aws.ask("iam", "list_open_id_connect_providers")["OpenIDConnectProviderList"]
    return next((str(each["Arn"]) for each in listed if str(each["Arn"]).endswith(f"/{ISSUER}")), "")


def _outputs(stack: Mapping[str, Any]) -> dict[str, str]:
    return {each["OutputKey"]: each["OutputValue"] for each in stack.get("Outputs") or ()}
