"""An Apex project: project.json, functions/*/function.json, .apexignore.

https://github.com/apex/apex/blob/master/docs/projects.md and docs/functions.md, docs/hooks.md, docs/ignore.md there.
What Apex fills in by itself is written out, so that a project that is deployed is found as it is.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from ci.errors import UsageError
from ci.importer.draft import Draft, Entry, key, literal

_ALIAS = "current"
_RETAINED = 25
_SETTINGS = {
    "description": "description",
    "runtime": "runtime",
    "handler": "handler",
    "memory": "memory",
    "timeout": "timeout",
    "role": "role",
    "kms_arn": "kms_key",
    "deadletter_arn": "dead_letter",
    "retainedVersions": "retain",
}
_ELSEWHERE = {
    "profile": "the AWS profile {}: set AWS_PROFILE, or say --profile",
    "zip": "the finished zip {}: the package is built from the source",
    "shim": "the Node.js shim: only Python functions are built",
    "defaultEnvironment": "the Terraform environment {}: infrastructure stays with Terraform",
}
_PIP = re.compile(r"\s*(?:python[0-9.]*\s+-m\s+)?pip[0-9.]*\s+install\s.*?-r\s+(?P<file>[\w./-]+)(?P<more>.*)")


def read(folder: Path, root: Path, environment: str | None) -> Draft:
    """The project in ``folder``; paths become relative to ``root``. ``environment`` is what --env was for Apex.

    Raises UsageError for what is no Apex project.
    """
    ending = f".{environment}.json" if environment else ".json"
    file = folder / f"project{ending}"
    if not file.is_file() and (others := _environments(folder, "project")):
        raise UsageError(f"{file}: there is no such file", f"say --env: there is {', '.join(others)}")
    project = _json(file)
    name = project.get("name")
    if not isinstance(name, str) or not name:
        raise UsageError(f"{file}: name is missing")
    draft = Draft(key(name), _ALIAS, _names(project, file, name), defaults=_entry(project, Entry()))
    draft.defaults.keys.pop("description", None)
    _runtime(draft.defaults)
    draft.defaults.keys.setdefault("retain", _RETAINED)
    if others := [each for each in _environments(folder, "project") if each != environment]:
        draft.notes.append(_other_environments("project", others))
    ignored = _patterns(folder)
    for source in sorted(path for path in (folder / "functions").glob("*") if path.is_dir()):
        entry = _function(source, root, environment, ignored, project)
        if entry is None:
            draft.notes.append(f"Left out: functions/{source.name} is not a Python function.")
        else:
            _named(draft, source.name, entry)
    _place(draft)
    return draft


def _function(
    source: Path, root: Path, environment: str | None, ignored: list[str], project: dict[str, Any]
) -> Entry | None:
    files = [source / f"function.{environment}.json"] if environment else []
    file = next((path for path in (*files, source / "function.json") if path.is_file()), None)
    own = _json(file) if file else {}
    runtime = own.get("runtime") or project.get("runtime") or ("python" if (source / "main.py").is_file() else "")
    if not runtime.startswith("python"):
        return None
    entry = _entry(own, Entry())
    if runtime == "python":
        entry.keys.update(runtime="python2.7")
        entry.keys.setdefault("handler", project.get("handler") or "main.handle")
    if entry.keys.get("runtime", runtime).startswith("python2"):
        entry.note("AWS no longer takes changes to a Python 2.7 function: set a newer runtime before the next deploy.")
    if vpc := own.get("vpc"):
        entry.keys["vpc"] = _vpc({**(project.get("vpc") or {}), **vpc})
    _hooks(entry, {**(project.get("hooks") or {}), **(own.get("hooks") or {})}, source, root)
    entry.keys["source"] = source.resolve().relative_to(root.resolve()).as_posix()
    entry.keys["exclude"] = [".apexignore", "function.json", *ignored, *_patterns(source)]
    if others := [each for each in _environments(source, "function") if each != environment]:
        entry.note(_other_environments("function", others))
    return entry


def _entry(own: dict[str, Any], entry: Entry) -> Entry:
    for apex, ours in _SETTINGS.items():
        if own.get(apex) not in (None, ""):
            entry.keys[ours] = literal(own[apex])
    if own.get("vpc"):
        entry.keys["vpc"] = _vpc(own["vpc"])
    if own.get("environment"):
        entry.keys["environment"] = literal({name: str(value) for name, value in own["environment"].items()})
    if own.get("edge"):
        entry.keys["edge"] = True
    if own.get("region"):
        entry.keys["region"] = own["region"]
    for apex, note in _ELSEWHERE.items():
        if own.get(apex):
            entry.note(f"Not carried over: {note.format(own[apex])}.")
    return entry


def _runtime(defaults: Entry) -> None:
    """The runtime of a project may be one that none of its Python functions has."""
    runtime = defaults.keys.get("runtime", "python3")
    if not runtime.startswith("python"):
        del defaults.keys["runtime"]
    elif runtime == "python":
        defaults.keys["runtime"] = "python2.7"


def _vpc(vpc: dict[str, Any]) -> dict[str, Any]:
    return {"subnet_ids": vpc.get("subnets") or [], "security_group_ids": vpc.get("securityGroups") or []}


def _hooks(entry: Entry, hooks: dict[str, str], source: Path, root: Path) -> None:
    """Installing requirements is what we do by ourselves, and there is nothing to clean: hooks run in a copy."""
    for when, command in hooks.items():
        found = _PIP.fullmatch(command) if when == "build" else None
        if found and (source / found["file"]).is_file() and "&&" not in found["more"] and ";" not in found["more"]:
            entry.keys["requirements"] = (source / found["file"]).resolve().relative_to(root.resolve()).as_posix()
        elif when in ("build", "deploy"):
            entry.keys.setdefault("hooks", {})[when] = command
        elif when != "clean":
            entry.note(f"Not carried over: the {when} hook: {command}")


def _named(draft: Draft, name: str, entry: Entry) -> None:
    """With the two variables that Apex gives each function; one at the edge may have none."""
    ours = key(name)
    aws_name = draft.name.replace("{project}", draft.project).replace("{function}", ours)
    if entry.keys.pop("edge", None):
        entry.keys.pop("environment", None)
        entry.keys["region"] = "us-east-1"
        entry.note("Runs at the edge (Lambda@Edge): which distribution it serves is CloudFront's configuration.")
    else:
        given = {"APEX_FUNCTION_NAME": name, "LAMBDA_FUNCTION_NAME": aws_name}
        entry.keys["environment"] = {**given, **entry.keys.get("environment", {})}
    draft.functions[ours] = entry


def _place(draft: Draft) -> None:
    """One region for all: Apex could name another for a function."""
    regions = {entry.keys.pop("region", None) for entry in [draft.defaults, *draft.functions.values()]} - {None}
    draft.defaults.keys.pop("edge", None)
    if len(regions) == 1:
        draft.region = regions.pop()
    elif regions:
        listed = ", ".join(sorted(regions))
        draft.notes.append(f"Not carried over: the functions are in several regions ({listed}): a file for each.")


def _names(project: dict[str, Any], file: Path, name: str) -> str:
    template = str(project.get("nameTemplate") or "{{.Project.Name}}_{{.Function.Name}}")
    ours = re.sub(r"\{\{\s*\.Project\.Name\s*\}\}", "{project}" if key(name) == name else name, template)
    ours = re.sub(r"\{\{\s*\.Function\.Name\s*\}\}", "{function}", ours)
    if "{{" in ours:
        raise UsageError(
            f"{file}: nameTemplate {template!r} is not understood: the names in AWS would be others",
            "use .Project.Name and .Function.Name only",
        )
    return ours


def _environments(folder: Path, stem: str) -> list[str]:
    return sorted(path.name.split(".")[1] for path in folder.glob(f"{stem}.*.json"))


def _other_environments(stem: str, names: list[str]) -> str:
    files = ", ".join(f"{stem}.{name}.json" for name in names)
    return (
        f"Not carried over: {files}. A version carries its configuration from stage to stage; what differs belongs"
        " into code that asks for its stage, or into a pipeline.yaml of its own (dollop import apex --env)."
    )


def _patterns(folder: Path) -> list[str]:
    file = folder / ".apexignore"
    lines = file.read_text(encoding="utf-8").splitlines() if file.is_file() else []
    return [line.strip() for line in lines if line.strip() and not line.startswith("#")]


def _json(file: Path) -> dict[str, Any]:
    try:
        found = json.loads(file.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:
        raise UsageError(f"{file}: cannot be read: {getattr(error, 'strerror', None) or error}") from None
    if not isinstance(found, dict):
        raise UsageError(f"{file}: is not a JSON object")
    return found
