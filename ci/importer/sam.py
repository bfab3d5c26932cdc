"""An AWS SAM template: its functions, Globals, AutoPublishAlias; samconfig.toml beside it.

https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-resource-function.html and
https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/serverless-sam-cli-config.html.
What only CloudFormation knows (``!GetAtt``, ``!ImportValue``) becomes a variable that has to be given.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import yaml

from ci import service_model, settings
from ci.errors import UsageError
from ci.importer import cloudformation
from ci.importer.cloudformation import is_intrinsic
from ci.importer.draft import Draft, Entry, key, literal, said, variable
from ci.importer.sam_attachments import ATTACHED

_FUNCTION = "AWS::Serverless::Function"
_ALIAS = "live"
_FILES = ("template.yaml", "template.yml", "template.json")
_RENAMED: Mapping[str, Callable[[Any], tuple[str, Any]]] = {
    "KmsKeyArn": lambda value: ("KMSKeyArn", value),
    "Tracing": lambda value: ("TracingConfig", {"Mode": value}),
    "DeadLetterQueue": lambda value: ("DeadLetterConfig", {"TargetArn": value.get("TargetArn")}),
}
_OURS = frozenset({"FunctionName", "CodeUri", "AutoPublishAlias", "PackageType"})
_FIXED = ("FunctionName", "Handler", "Runtime", "CodeUri", "Architectures", "AutoPublishAlias", "PackageType")
_LINEAR = re.compile(r"Linear[0-9]+PercentEvery[0-9]+Minutes?")
_CANARY = re.compile(r"Canary(?P<share>[0-9]+)Percent(?P<minutes>[0-9]+)Minutes")


def read(path: Path, root: Path) -> Draft:
    """The template ``path``, or that in the folder ``path``; paths become relative to ``root``.

    Raises UsageError for what is no SAM template.
    """
    file = path
    if path.is_dir():
        file = next((path / name for name in _FILES if (path / name).is_file()), path / _FILES[0])
    template = _template(file)
    stack, region, overrides = _samconfig(file.parent)
    given = {
        name: str(parameter["Default"])
        for name, parameter in (template.get("Parameters") or {}).items()
        if "Default" in parameter and not parameter.get("NoEcho")
    }
    known = {**given, **overrides} | ({"AWS::Region": region} if region else {})
    known |= {"AWS::StackName": stack} if stack else {}
    common = (template.get("Globals") or {}).get("Function") or {}
    draft = Draft(key(stack or file.resolve().parent.name), "", region=region)
    aliases, rollouts = set(), []
    for logical, resource in (template.get("Resources") or {}).items():
        if isinstance(resource, dict) and resource.get("Type") == _FUNCTION:
            reading = _Reading(logical, _merged(common, resource.get("Properties") or {}), known, file.parent, root)
            name, entry = reading.function()
            if entry is None:
                draft.notes.append(f"Left out: {logical} is not a Python function whose code is in this repository.")
            else:
                draft.functions[name] = entry
                aliases.add(reading.alias)
                rollouts.append(reading.rollout)
    draft.alias = next(iter(sorted(each for each in aliases if each)), _ALIAS)
    if len(aliases) > 1 or None in aliases:
        draft.notes.append(
            f"Not every function had the alias {draft.alias} (AutoPublishAlias): the first deploy makes it."
        )
    if all(each == rollouts[0] for each in rollouts):
        draft.rollout = rollouts[0] if rollouts else {}
    else:
        draft.notes.append("Not carried over: DeploymentPreference, which differs from function to function.")
    draft.notes.append("The stack still holds the functions: take them out of it with DeletionPolicy: Retain.")
    if kinds := sorted({str(each.get("Type")) for each in (template.get("Resources") or {}).values()} - {_FUNCTION}):
        draft.notes.append(f"Stays with CloudFormation: {', '.join(kinds)}.")
    return draft


def _merged(common: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """Globals under a function's own: mappings are merged, lists are put together.

    https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-specification-template-anatomy-globals.html
    """
    result = dict(common)
    for name, value in own.items():
        before = result.get(name)
        if isinstance(before, dict) and isinstance(value, dict) and not is_intrinsic(value):
            result[name] = _merged(before, value)
        elif isinstance(before, list) and isinstance(value, list) and name != "Architectures":
            result[name] = [*before, *value]
        else:
            result[name] = value
    return result


class _Reading:
    """One function of a template."""

    def __init__(
        self, logical: str, properties: dict[str, Any], known: Mapping[str, str], folder: Path, root: Path
    ) -> None:
        self.logical = logical
        self.properties = properties
        self.known = known
        self.folder = folder
        self.root = root
        self.entry = Entry()
        self.alias: str | None = None
        self.rollout: dict[str, str] = {}

    def function(self) -> tuple[str, Entry | None]:
        """Its name in AWS; None where there is nothing of Python to build."""
        fixed = {name: self.now(self.properties[name]) for name in _FIXED if name in self.properties}
        self.alias = fixed.get("AutoPublishAlias")
        name = fixed.get("FunctionName")
        if not isinstance(name, str):
            name = self.logical
            self.entry.note(f"Its name in AWS is CloudFormation's choice: call the entry {name} by that name.")
        source = fixed.get("CodeUri", ".")
        runtime = str(fixed.get("Runtime", ""))
        if not isinstance(source, str) or "://" in source or not runtime.startswith("python"):
            return name, None
        if "InlineCode" in self.properties:
            return name, None
        code = (self.folder / source).resolve()
        if not code.is_relative_to(self.root.resolve()):
            return name, None
        self.settings(fixed, name)
        if "role" not in self.entry.keys:
            self.entry.keys["role"] = variable(name, "role")
            self.entry.note(f"SAM made its role: give the ARN as {variable(name, 'role')[6:-1]}.")
        self.entry.keys["source"] = code.relative_to(self.root.resolve()).as_posix()
        if (code / "requirements.txt").is_file():
            self.entry.keys["requirements"] = (code / "requirements.txt").relative_to(self.root.resolve()).as_posix()
        return name, self.entry

    def settings(self, fixed: Mapping[str, Any], name: str) -> None:
        members = service_model.members("CreateFunction")
        for property_, value in self.properties.items():
            if property_ == "Environment":
                variables = (value or {}).get("Variables") or {}
                found = {each: self.value(text, name, each) for each, text in variables.items()}
                self.entry.keys["environment"] = {each: _text(text) for each, text in found.items()}
            elif property_ == "Tags":
                tags = {each: str(self.now(text)) for each, text in value.items()}
                self.entry.keys["tags"] = {**tags, "lambda:createdBy": "SAM"}
            elif property_ == "ReservedConcurrentExecutions":
                self.entry.keys["concurrency"] = self.number(value)
            elif property_ == "DeploymentPreference":
                self.preference(value)
            elif property_ in ATTACHED:
                for note in ATTACHED[property_](self.now(value)):
                    self.entry.note(note)
            elif property_ in _OURS:
                continue
            elif property_ in _RENAMED or property_ in members and property_ not in settings.NOT_SETTINGS:
                member, taken = _RENAMED[property_](value) if property_ in _RENAMED else (property_, value)
                ours, simple = said(member, fixed.get(property_, taken))
                number = ours in ("memory", "timeout", "ephemeral_storage")
                self.entry.keys[ours] = self.number(simple) if number else self.value(simple, name, ours)
            else:
                self.entry.note(f"Not carried over: {property_}.")

    def preference(self, value: Any) -> None:
        """CodeDeploy's canary as one of ours, what it does in steps as it is.

        https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/automating-updates-to-serverless-apps.html
        """
        said = self.now(value) if isinstance(value, dict) else {}
        kind = str(self.now(said.get("Type", "")))
        found = _CANARY.fullmatch(kind)
        if found and said.get("Enabled", True) is True:
            self.rollout = {"canary": f"{found['share']}%", "for": f"{found['minutes']}m"}
        elif _LINEAR.fullmatch(kind) and isinstance(said.get("Role"), str) and said.get("Enabled", True) is True:
            self.rollout = {"codedeploy": kind, "role": said["Role"]}
        elif kind != "AllAtOnce":
            more = f"; rollout: {{codedeploy: {kind}}} does it, with a role for CodeDeploy" if kind else ""
            self.entry.note(f"Not carried over: DeploymentPreference {kind or value}{more}.")
        for part in ("Alarms", "Hooks"):
            if said.get(part):
                self.entry.note(f"Not carried over: {part} of DeploymentPreference; rollout takes names of alarms.")

    def number(self, value: Any) -> Any:
        found = self.now(value)
        return int(found) if isinstance(found, str) and found.isdecimal() else found

    def value(self, value: Any, *where: str) -> Any:
        """``value`` as pipeline.yaml has it; what only CloudFormation knows as a variable, with a note."""
        if is_intrinsic(value):
            found = self.now(value)
            if not is_intrinsic(found):
                return literal(found)
            ours = variable(*where)
            (what, argument), = value.items()
            shown = ".".join(map(str, argument)) if isinstance(argument, list) else argument
            self.entry.note(f"{'.'.join(where[1:])} was {what} {shown}: give it as {ours[6:-1]}.")
            return ours
        if isinstance(value, dict):
            return {name: self.value(each, *where, name) for name, each in value.items()}
        if isinstance(value, list):
            return [self.value(each, *where, str(index)) for index, each in enumerate(value)]
        return literal(value)

    def now(self, value: Any) -> Any:
        """``value`` with the parameters that are known; what is not stays an intrinsic function."""
        if isinstance(value, list):
            return [self.now(each) for each in value]
        if not is_intrinsic(value):
            return value
        (what, argument), = value.items()
        if what == "Ref" and argument in self.known:
            return self.known[argument]
        if what == "Fn::Sub" and isinstance(argument, str):
            names = re.findall(r"\$\{([^!}]+)\}", argument)
            if all(name in self.known for name in names):
                filled = re.sub(r"\$\{([^!}]+)\}", lambda found: self.known[found[1]], argument)
                return filled.replace("${!", "${")
        return value


def _text(value: Any) -> str:
    """An environment value as CloudFormation makes a string of it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _template(file: Path) -> dict[str, Any]:
    try:
        found = cloudformation.load(file.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError, RecursionError) as error:
        raise UsageError(f"{file}: cannot be read: {getattr(error, 'strerror', None) or error}") from None
    transforms = found.get("Transform") if isinstance(found, dict) else None
    if "AWS::Serverless-2016-10-31" not in (transforms if isinstance(transforms, list) else [transforms]):
        raise UsageError(f"{file}: is not a SAM template: it has no Transform: AWS::Serverless-2016-10-31")
    return dict(found)


def _samconfig(folder: Path) -> tuple[str | None, str | None, dict[str, str]]:
    """Stack, region and parameters with which sam deploy is run."""
    file = folder / "samconfig.toml"
    try:
        data = tomllib.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"{file}: cannot be read: {error}") from None
    default = data.get("default", {})
    said = {**default.get("global", {}).get("parameters", {}), **default.get("deploy", {}).get("parameters", {})}
    overrides = said.get("parameter_overrides") or []
    words = overrides if isinstance(overrides, list) else re.findall(r'[\w:]+=(?:"[^"]*"|\S+)', overrides)
    pairs = (word.partition("=") for word in words)
    return said.get("stack_name"), said.get("region"), {name: value.strip('"') for name, _, value in pairs}
