"""The JSON Schema of pipeline.yaml, for editors: generated from what ``shape`` checks. Slow to import (pydantic)."""

from __future__ import annotations

import json
import re
from html import unescape
from typing import Any

from pydantic.json_schema import GenerateJsonSchema

from ci import service_model, settings
from ci.config import shape

_OURS = {
    "project": "The name of the project.",
    "region": "The AWS region. AWS_REGION in the environment goes before it.",
    "name": "The name of each function in AWS. {project} and {function} are filled in.",
    "stages": "By name: an alias, and how it is reached. Of a function: what it has around it in that stage alone.",
    "alias": "The alias that this stage moves.",
    "from": "The stage that this one is promoted from. Without it, this stage is built and deployed.",
    "rollout": "What happens before the alias moves. Without it, the alias moves at once.",
    "canary": "The share of the calls that goes to the new version first: 1% to 99%.",
    "for": "How long: 90s, 5m. Then the alias moves.",
    "codedeploy": "In place of canary: CodeDeploy moves the alias, by this deployment configuration.",
    "alarms": "CloudWatch alarms. When one is in the state ALARM meanwhile, nothing moves.",
    "regions": "The regions that this stage is in, a list; or by name, with what functions have there instead.",
    "plan_role": "The role to take on while nothing is changed. Without it, role.",
    "defaults": "What every function gets that does not say otherwise. environment, tags, packaging and hooks are "
    "merged key by key.",
    "functions": "The functions, by name.",
    "architecture": "The instruction set of the processor.",
    "description": f"What the function does, in at most {settings.DESCRIPTION_LIMIT} characters.",
    "handler": "The function to call: module.function, such as echo.handle.",
    "memory": "Memory in MB. A share of the processor comes with it.",
    "runtime": "The version of Python.",
    "source": "The folder with the function's code. Default: functions/<name>.",
    "include": "Files and folders bundled beside the code, each under its own name.",
    "exclude": "Files to leave out, in the notation of .gitignore.",
    "requirements": "The file that names the dependencies: requirements.txt, pyproject.toml or a lock file. Without it "
    "there are none.",
    "packaging": "How the package is put together.",
    "hooks": "Commands for sh, run in a copy of the function's files, with a timeout in seconds (300).",
    "build": "Before the package is put together. What it leaves in the copy is packaged.",
    "deploy": "Before a deploy calls anything.",
    "groups": "Dependency groups of pyproject.toml, beside its own dependencies.",
    "extras": "Optional dependencies of pyproject.toml.",
    "binaries": "Where compiled dependencies may come from. A wheel is preferred, then lambda-packages, then a build.",
    "allow": "Files that look like secrets and are meant to be in the package, in the notation of .gitignore.",
    "slim": "Leave out what no function needs while it runs: true, or some of the kinds.",
    "layer": "The layer that the dependencies go into, by a name. Functions that name the same one share it.",
    "bucket": "The S3 bucket for packages over 50 MB zipped. {region} is filled in.",
    "provided": "Leave out what Lambda's runtime has itself: boto3, and what that requires.",
    "environment": "Environment variables. ${env:NAME} and ${ssm:/path} are filled in late and stay secret.",
    "tags": "Tags. Without this key, the pipeline leaves them alone.",
    "concurrency": "Reserved concurrent executions. Without this key, the pipeline leaves them alone.",
    "smoke": "One invocation after a release: event is sent, expect must be contained in the answer.",
    "url": "A URL of each stage's alias, with the fields of CreateFunctionUrlConfig.",
    "schedules": "By name: when EventBridge calls the alias. The expression alone may stand for all.",
    "schedule_expression": "rate(...) or cron(...).",
    "input": "What the function gets, as JSON. Default: EventBridge's own event.",
    "events": "By name: a queue or stream whose messages the alias gets, with the fields of CreateEventSourceMapping.",
    "permissions": "By name: who may invoke the alias, with the fields of AddPermission.",
    "provisioned_concurrency": "Execution environments that are kept ready for the alias.",
    "log_retention": "For how many days the function's log group keeps what is written to it.",
    "retain": "How many versions prune keeps.",
    "max_size": "The largest package allowed: bytes of zip, or a size such as 40 MB.",
}


class _Generator(GenerateJsonSchema):
    def field_title_should_be_set(self, schema: Any) -> bool:
        """No: a title that repeats the key tells nobody anything."""
        return False


def schema() -> dict[str, Any]:
    """The schema, draft 2020-12."""
    generated = _Generator(by_alias=True).generate(shape.document_schema(), mode="validation")
    return {"$schema": _Generator.schema_dialect, "title": "pipeline.yaml", **_portable(generated)}


def text() -> str:
    """The schema as the text of ``ci/schema.json``."""
    return json.dumps(schema(), indent=2) + "\n"


def _portable(value: Any) -> Any:
    """``value`` with descriptions, and with patterns that every editor's engine reads."""
    if isinstance(value, list):
        return [_portable(each) for each in value]
    if not isinstance(value, dict):
        return value
    made = {key: _portable(each) for key, each in value.items() if not (key == "pattern" and r"\p" in str(each))}
    if "patternProperties" in made:  # pydantic lets other names through
        [(pattern, each)] = made["patternProperties"].items()
        made["additionalProperties"] = each if r"\p" in pattern else False
        if r"\p" in pattern:
            del made["patternProperties"]
    for key, each in made.get("properties", {}).items():
        if description := _descriptions().get(key):
            made["properties"][key] = {"description": description, **each}
    return made


def _descriptions() -> dict[str, str]:
    """By key of pipeline.yaml: ours, and the first sentence of AWS's own for the other settings."""
    members = service_model.members("CreateFunction").keys() - settings.NOT_SETTINGS
    told = {member: service_model.documentation("CreateFunction", member) for member in members}
    return {settings.key_of(member): _sentence(html) for member, html in told.items()} | _OURS


def _sentence(html: str) -> str:
    plain = unescape(re.sub(r"<[^>]+>", "", html))
    return re.split(r"(?<=[.])\s+(?=[A-Z])", " ".join(plain.split()))[0]
