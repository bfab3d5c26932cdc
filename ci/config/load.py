"""pipeline.yaml -> Pipeline. Reads files and nothing else; the environment is an argument."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic_core import ErrorDetails, ValidationError

from ci import service_model, settings
from ci.config import handler, nodes, shape, words
from ci.config.template import Template
from ci.errors import ConfigError, Problem, UsageError
from ci.model import Function, Pipeline, Secret, Smoke, Stage

ENVIRONMENT_LIMIT = 4096
"""Bytes of all variables of a function, as JSON, which is how Lambda measures them.
https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html"""
RESERVED = frozenset(
    """_HANDLER _X_AMZN_TRACE_ID AWS_DEFAULT_REGION AWS_REGION AWS_EXECUTION_ENV AWS_LAMBDA_FUNCTION_NAME
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE AWS_LAMBDA_FUNCTION_VERSION AWS_LAMBDA_INITIALIZATION_TYPE
    AWS_LAMBDA_LOG_GROUP_NAME AWS_LAMBDA_LOG_STREAM_NAME AWS_ACCESS_KEY AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY
    AWS_SESSION_TOKEN AWS_LAMBDA_RUNTIME_API LAMBDA_TASK_ROOT LAMBDA_RUNTIME_DIR AWS_LAMBDA_MAX_CONCURRENCY
    AWS_LAMBDA_METADATA_API AWS_LAMBDA_METADATA_TOKEN""".split()
)
"""https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html"""

_MERGED = ("environment", "tags")
_REQUIRED = ("Handler", "Role", "Runtime")


def load(path: Path, environ: Mapping[str, str] | None = None) -> Pipeline:
    """The pipeline that the file ``path`` describes. ``AWS_REGION`` in ``environ`` goes before its region.

    :raises UsageError: there is no such file, or AWS_REGION is not a region.
    :raises ConfigError: every problem of the file, and of the files it names.
    """
    environ = environ or {}
    override = environ.get("AWS_REGION") or environ.get("AWS_DEFAULT_REGION")
    if override and not re.fullmatch(shape.REGION, override):
        raise UsageError("AWS_REGION is not the name of a region", "set it to one such as eu-west-1, or unset it")
    loading = _Loading(path)
    pipeline = loading.pipeline(override)
    if loading.problems:
        raise ConfigError(loading.problems)
    return pipeline


def _read(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8-sig")
    except (FileNotFoundError, NotADirectoryError):
        raise UsageError(
            f"there is no {path.name} in {path.parent.resolve()}",
            "go to the folder that has it, or name that folder: dollop -C DIR",
        ) from None
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise ConfigError([Problem(str(path), line, "", "is not UTF-8")]) from None


class _Loading:
    """One file on its way to a Pipeline: the document, and the problems found so far."""

    def __init__(self, path: Path) -> None:
        self.file = str(path)
        self.root = path.parent.resolve()
        self.node, self.problems = nodes.parse(_read(path), self.file)

    def problem(self, what: str, *path: str | int) -> None:
        self.problems.append(self.at(*path, what=what))

    def at(self, *path: str | int, what: str = "") -> Problem:
        return Problem(self.file, self.node.line_of(path), nodes.where(path), what)

    def pipeline(self, region: str | None) -> Pipeline:
        said = self.checked()
        project = said.get("project", "")
        defaults = said.get("defaults", {})
        entries = said.get("functions", {})
        named = self.aws_names(said.get("name", "{function}"), project, entries)
        return Pipeline(
            root=self.root,
            project=project,
            region=region or said.get("region"),
            stages=self.stages(said.get("stages", {})),
            functions={name: self.function(name, aws_name, defaults, entries[name]) for name, aws_name in named.items()},
            file=self.file,
        )

    # ------------------------------------------------------------ the document by its schema

    def checked(self) -> dict[str, Any]:
        """The document in AWS's names, without what is wrong in it: that is told, the rest is looked at further."""
        sound, errors = self.validated(self.node.value, required=True)
        told = {problem.where for problem in self.problems}
        for error in errors:
            path, value = self.place(error)
            if nodes.where(path) not in told:
                self.problem(words.of(error, value, _known(path)), *path)
        while errors:
            for error in errors:
                path, _ = self.place(error)
                sound = _without(sound, path[:-1] if error["type"] == "missing" else path)
            sound, errors = self.validated(sound, required=False)
        return dict(sound)

    def validated(self, value: Any, required: bool) -> tuple[Any, list[ErrorDetails]]:
        """``value`` translated; or as it is, with what is wrong in it."""
        try:
            return shape.document(required).validate_python(value), []
        except ValidationError as error:
            return value, error.errors(include_url=False, include_input=False)

    def place(self, error: ErrorDetails) -> tuple[tuple[str | int, ...], Any]:
        """Where ``error`` lies in the document (parts that the schema added left out), and the value there."""
        value: Any = self.node.value
        path: tuple[str | int, ...] = ()
        for part in error["loc"]:
            if not (part in value if isinstance(value, dict) else isinstance(value, list)):
                return (*path, part) if error["type"] == "missing" else path, value
            value, path = value[part], (*path, part)
        return path, value

    # ------------------------------------------------------------ what no schema can say

    def aws_names(self, template: str, project: str, functions: Iterable[str]) -> dict[str, str]:
        """The name of each function in AWS, from ``name``: "{project}-{function}"."""
        unknown = re.sub(r"\{(project|function)\}", "", template)
        if "{" in unknown or "}" in unknown:
            self.problem("may hold {project} and {function}, and no other braces", "name")
            template = "{function}"
        model = service_model.members("CreateFunction")["FunctionName"]
        names: dict[str, str] = {}
        for function in functions:
            name = template.replace("{project}", project).replace("{function}", function)
            at = ("functions", function)
            if len(name) > shape.FUNCTION_NAME_LIMIT:
                self.problem(f"its name in AWS, {name}, is longer than {shape.FUNCTION_NAME_LIMIT} characters", *at)
            elif ":" in name or not re.fullmatch(model.pattern or "", name):
                self.problem(f"its name in AWS, {name}, may hold letters, digits, - and _ only", *at)
            for other, taken in names.items():
                if taken == name:
                    self.problem(f"its name in AWS, {name}, is that of {other}", *at)
                elif other.lower() == function.lower():
                    self.problem(f"differs from {other} in upper and lower case only: some disks cannot hold both", *at)
            names[function] = name
        return names

    def stages(self, said: Mapping[str, Any]) -> dict[str, Stage]:
        stages = {name: Stage(name, entry["alias"], entry.get("from")) for name, entry in said.items()}
        every = self.node.value.get("stages", {}) if isinstance(self.node.value, dict) else {}
        taken: dict[str, str] = {}
        for name, stage in stages.items():
            if stage.alias in taken:
                self.problem(f"is the alias of {taken[stage.alias]} too", "stages", name, "alias")
            taken.setdefault(stage.alias, name)
            if stage.source is not None and stage.source not in every:
                what = f"there is no stage {stage.source}" + words.similar(stage.source, every)
                self.problem(what, "stages", name, "from")
            elif name in _chain(stages, name):
                self.problem("leads back to this stage: nothing would ever be built for it", "stages", name, "from")
        return stages

    def function(self, name: str, aws_name: str, defaults: Mapping[str, Any], entry: Mapping[str, Any]) -> Function:
        said = {**defaults, **entry}
        for key in _MERGED:
            if key in said:
                said[key] = defaults.get(key, {}) | entry.get(key, {})
        for member in _REQUIRED:
            key = settings.key_of(member)
            if member not in said and not self.tried(name, key):
                self.problem("is missing, here and in defaults", "functions", name, key)
        source = self.file_at(said.get("source", f"functions/{name}"), Path.is_dir, "folder", name, "source")
        include = [
            self.file_at(each, Path.exists, "file or folder", name, "include", *([i] if "include" in entry else []))
            for i, each in enumerate(said.get("include", []))
        ]
        requirements = said.get("requirements")
        if requirements is not None:
            requirements = self.file_at(requirements, Path.is_file, "file", name, "requirements")
        self.patterns(name, said.get("exclude", []))
        environment = self.environment(name, said.get("environment", {}))
        if source and "Handler" in said:
            at = self.at("functions", name, "handler")
            roots = [self.root / path for path in include if path]
            self.problems += handler.problems(said["Handler"], said.get("Runtime"), self.root / source, roots, at)
        return Function(
            name=name,
            aws_name=aws_name,
            settings=settings.complete({key: value for key, value in said.items() if key[0].isupper()}),
            environment=environment,
            source=source or Path(),
            include=tuple(dict.fromkeys(path for path in include if path)),
            exclude=tuple(said.get("exclude", ())),
            requirements=requirements,
            tags=said.get("tags"),
            concurrency=said.get("concurrency"),
            smoke=Smoke(**said["smoke"]) if "smoke" in said else None,
            retain=said.get("retain", Function.retain),
            max_size=said.get("max_size"),
            line=self.node.line_of(("functions", name)),
        )

    def tried(self, function: str, key: str) -> bool:
        """Whether ``key`` was said for ``function``, rightly or wrongly."""
        document = self.node.value
        places = [document.get("defaults"), document["functions"][function]]
        return any(isinstance(place, dict) and key in place for place in places)

    def file_at(
        self, said: str, is_one: Callable[[Path], bool], kind: str, function: str, *key: str | int
    ) -> Path | None:
        """The path ``said``, relative to the root. None, and a problem, where that is not a ``kind`` inside of it."""
        path = Path(os.path.normpath(said))
        try:
            real = (self.root / path).resolve()
            if path.is_absolute() or not real.is_relative_to(self.root):
                what = "leads outside of the repository"
            elif not is_one(real):
                what = f"there is no {kind} {path}"
            else:
                return path
        except (OSError, RuntimeError, ValueError):  # a circle of links, a name that no disk can hold
            what = "cannot be looked up"
        self.problem(what, "functions", function, *key)
        return None

    def patterns(self, function: str, said: Sequence[str]) -> None:
        if said:
            import pathspec  # here: few functions need it, and it is slow to start

            for pattern in said:
                try:
                    pathspec.GitIgnoreSpec.from_lines([pattern])
                except ValueError:
                    self.problem(f"{pattern} is not a pattern of .gitignore", "functions", function, "exclude")

    def environment(self, function: str, said: Mapping[str, Any]) -> dict[str, Secret]:
        for name in said:
            if name in RESERVED:
                self.problem("is reserved: Lambda sets it", "functions", function, "environment", name)
        environment = {name: value if isinstance(value, Secret) else Secret(value) for name, value in said.items()}
        if not any(isinstance(value, Template) for value in environment.values()):
            size = environment_size(environment)
            if size > ENVIRONMENT_LIMIT:
                what = f"takes {size} bytes as JSON; Lambda allows {ENVIRONMENT_LIMIT}"
                self.problem(what, "functions", function, "environment")
        return environment


def environment_size(environment: Mapping[str, Secret]) -> int:
    """Bytes of the variables as Lambda measures them: as compact JSON."""
    values = {name: value.reveal() for name, value in environment.items()}
    return len(json.dumps(values, separators=(",", ":"), ensure_ascii=False).encode())


def _chain(stages: Mapping[str, Stage], start: str) -> set[str]:
    """Every stage that ``start`` comes from, however far back."""
    chain: set[str] = set()
    name = stages[start].source
    while name is not None and name in stages and name not in chain:
        chain.add(name)
        name = stages[name].source
    return chain


def _known(path: Sequence[str | int]) -> Iterable[str]:
    """The keys that there could have been where ``path`` ends."""
    match path[:-1]:
        case []:
            return ("project", "region", "name", "stages", "defaults", "functions")
        case ["functions", _] | ["defaults"]:
            return shape.keys()
        case ["stages", _]:
            return ("alias", "from")
    return ()


def _without(value: Any, path: Sequence[str | int]) -> Any:
    """A copy of ``value`` without what lies at ``path``; without the whole list where that lies in one."""
    if not path:
        return {}
    key, rest = path[0], path[1:]
    if not isinstance(value, dict) or key not in value:
        return value
    if not rest or isinstance(rest[0], int):
        return {name: each for name, each in value.items() if name != key}
    return value | {key: _without(value[key], rest)}
