"""lambroll's function.json: CreateFunction's own JSON with templates in it, one folder a function.

https://github.com/fujiwara/lambroll/blob/v1/README.md. ``env``, ``must_env`` and ``ssm`` become ours where ours are
taken; where a value decides what is built or what a function is called, it is filled in now.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ci import service_model, settings
from ci.errors import UsageError
from ci.importer.draft import Draft, Entry, key, literal, said, variable

_ALIAS = "current"
_FILES = ("function.json", "function.jsonnet", "function_url.json", "function_url.jsonnet", ".lambdaignore")
_FIXED = frozenset({"FunctionName", "Runtime", "Handler", "Architectures", "PackageType"})
_ELSEWHERE = {
    "Code": "the bucket of the package: it is sent with the call",
    "ImageConfig": "the image's configuration",
    "PackageType": "the package type",
    "Publish": "Publish: every release publishes",
}

_TEMPLATE = re.compile(r"\{\{(?P<body>.*?)\}\}", re.DOTALL)
_CALL = re.compile(
    r"""-?\s*(?P<name>env|must_env|ssm)\s+[`"](?P<argument>[^`"]+)[`"]
        (?:\s+[`"](?P<default>[^`"]*)[`"])?\s*(?:\|\s*json_escape\s*)?-?""",
    re.VERBOSE,
)
_MARK = re.compile("\ue000(\\d+)\ue001")


def read(folder: Path, root: Path, environ: Mapping[str, str]) -> Draft:
    """The function in ``folder``, or those in the folders in it; paths become relative to ``root``.

    Raises UsageError for what is no function of lambroll's, and for a name that cannot be filled in.
    """
    found = [folder] if (folder / "function.json").is_file() else sorted(file.parent for file in _files(folder))
    if not found:
        if next(folder.glob("**/function.jsonnet"), None):
            raise UsageError(f"{folder}: Jsonnet is not read", "lambroll render > function.json renders it")
        raise UsageError(f"{folder}: there is no function.json in it, nor in the folders in it")
    draft = Draft(key(folder.resolve().name), _ALIAS)
    for source in found:
        name, entry = _Reading(source / "function.json", environ).function()
        if name in draft.functions:
            raise UsageError(f"{source}/function.json: a function is called {name} already", "import them one by one")
        if entry is None:
            draft.notes.append(f"Left out: {name} is not a Python function in a zip.")
            continue
        entry.keys["source"] = source.resolve().relative_to(root.resolve()).as_posix()
        entry.keys["exclude"] = [f"/{each}" for each in (*_FILES, ".terraform", "terraform.tfstate", *_ignored(source))]
        if (source / "function_url.json").is_file():
            entry.note("Not carried over: function_url.json. A URL of the alias is said with url: {auth_type: ...}")
        draft.functions[name] = entry
    return draft


def _files(folder: Path) -> list[Path]:
    return [*folder.glob("*/function.json"), *folder.glob("*/*/function.json")]


def _ignored(source: Path) -> list[str]:
    """Patterns of .lambdaignore: for the whole path, as Go's filepath.Match has it, hence anchored for us."""
    file = source / ".lambdaignore"
    lines = file.read_text(encoding="utf-8").splitlines() if file.is_file() else []
    return [line.strip().removeprefix("/") for line in lines if line.strip() and not line.startswith("#")]


@dataclass
class _Reading:
    """One function.json: its templates are taken out, so that it becomes JSON, and put back as ours."""

    file: Path
    environ: Mapping[str, str]
    bodies: list[str] = field(default_factory=list)
    entry: Entry = field(default_factory=Entry)

    def function(self) -> tuple[str, Entry | None]:
        """Its name in AWS; None where it is not Python in a zip."""
        document = self.document()
        fixed = {name: self.filled(value) for name, value in document.items() if name in _FIXED}
        name = fixed.get("FunctionName")
        if not isinstance(name, str) or not name:
            raise UsageError(f"{self.file}: FunctionName is missing")
        if not str(fixed.get("Runtime", "")).startswith("python") or fixed.get("PackageType", "Zip") != "Zip":
            return name, None
        members = service_model.members("CreateFunction")
        for member, value in (document | fixed).items():
            if member == "Environment":
                variables = (value or {}).get("Variables") or {}
                self.entry.keys["environment"] = {each: self.ours(text, name, each) for each, text in variables.items()}
            elif member == "Tags":
                self.entry.keys["tags"] = {each: self.filled(text) for each, text in (value or {}).items()}
            elif member in members and member not in settings.NOT_SETTINGS:
                ours, simple = said(member, value)
                self.entry.keys[ours] = simple if member in _FIXED else self.ours(simple, name, ours)
            elif member in _ELSEWHERE and (member, value) != ("PackageType", "Zip"):
                self.entry.note(f"Not carried over: {_ELSEWHERE[member]}.")
            elif member not in ("FunctionName", "PackageType"):
                self.entry.note(f"Not carried over: {member}, which CreateFunction does not have.")
        return name, self.entry

    def document(self) -> dict[str, Any]:
        """The JSON, each template in it as a mark; one outside of a string becomes a string by that."""
        try:
            text = self.file.read_text(encoding="utf-8-sig")
            found = json.loads(self.marked(text))
        except (OSError, ValueError, RecursionError) as error:
            raise UsageError(f"{self.file}: cannot be read: {getattr(error, 'strerror', None) or error}") from None
        if not isinstance(found, dict):
            raise UsageError(f"{self.file}: is not a JSON object")
        return found

    def marked(self, text: str) -> str:
        parts, end = [], 0
        for template in _TEMPLATE.finditer(text):
            before = text[end:template.start()]
            parts.append(before)
            inside = "".join(parts).replace("\\\\", "").replace('\\"', "").count('"') % 2
            mark = f"\ue000{len(self.bodies)}\ue001"
            parts.append(mark if inside else f'"{mark}"')
            self.bodies.append(template["body"].strip())
            end = template.end()
        return "".join([*parts, text[end:]])

    def ours(self, value: Any, *where: str) -> Any:
        """``value`` with our references. A number or a truth cannot be one: it is filled in now."""
        if isinstance(value, dict):
            return {name: self.ours(each, *where, name) for name, each in value.items()}
        if isinstance(value, list):
            return [self.ours(each, *where, str(index)) for index, each in enumerate(value)]
        if not isinstance(value, str) or not _MARK.search(value):
            return literal(value)
        if where[-1] in ("memory", "timeout", "size", "ephemeral_storage"):
            return json.loads(self.filled(value))
        parts = _MARK.split(value)
        return "".join(
            self.reference(self.bodies[int(part)], where) if index % 2 else literal(part)
            for index, part in enumerate(parts)
        )

    def reference(self, body: str, where: tuple[str, ...]) -> str:
        call = _CALL.fullmatch(body)
        if call is None:
            ours = variable(*where)
            self.entry.note(f"{'.'.join(where[1:])} was {{{{ {body} }}}}: give it as {ours[2:-1].replace(':', ' ')}.")
            return ours
        if call["name"] == "ssm":
            return f"${{ssm:{call['argument']}}}"
        if call["name"] == "env":
            default = call["default"] or ""
            self.entry.note(f"{call['argument']} must be set; lambroll took {json.dumps(default)} where it was not.")
        return f"${{env:{call['argument']}}}"

    def filled(self, value: Any) -> Any:
        """``value`` with what its templates give now."""
        if isinstance(value, list):
            return [self.filled(each) for each in value]
        if not isinstance(value, str):
            return value
        return _MARK.sub(lambda mark: self.now(self.bodies[int(mark[1])]), value)

    def now(self, body: str) -> str:
        call = _CALL.fullmatch(body)
        if call is None or call["name"] == "ssm":
            raise UsageError(f"{self.file}: {{{{ {body} }}}} cannot be filled in", "write the value in its place")
        name, default = call["argument"], call["default"]
        given = self.environ.get(name) or (default or "" if call["name"] == "env" else None)
        if given is None:
            raise UsageError(f"{self.file}: {{{{ {body} }}}}: {name} is not set", f"set {name} and import again")
        self.entry.note(f"Where function.json has {{{{ {body} }}}} this has what {name} gave when it was imported.")
        return given
