"""pipeline.yaml -> Pipeline. Reads files and nothing else; the environment is an argument."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ci import service_model, settings
from ci.attachments import marks, resources
from ci.config import attachments, check, environment, handler, nodes, rollout, shape, sites, words
from ci.config.template import Template
from ci.errors import ConfigError, Problem, UsageError
from ci.model import Attachment, Function, Hooks, Packaging, Pipeline, Secret, Smoke, Stage

SIZE_LIMIT = 1_000_000
"""Bytes of pipeline.yaml. A thousand functions, each said at length, are half of that."""

_MERGED = ("environment", "tags", "packaging", "hooks")
_REQUIRED = ("Handler", "Role", "Runtime")


def load(path: Path, environ: Mapping[str, str] | None = None, region: str | None = None) -> Pipeline:
    """The pipeline that the file ``path`` describes.

    ``AWS_REGION`` in ``environ`` goes before its region, ``region`` before both; but not where stages say where they
    are: there, ``region`` is one of theirs.

    :raises UsageError: there is no such file, or AWS_REGION is not a region.
    :raises ConfigError: every problem of the file, and of the files it names.
    """
    chosen = region_of({"AWS_REGION": region}) if region else None
    loading = _Loading(path)
    pipeline = loading.pipeline(chosen, environ or {})
    if loading.problems:
        raise ConfigError(dict.fromkeys(loading.problems))
    return pipeline


def region_of(environ: Mapping[str, str]) -> str | None:
    """The region that the environment asks for.

    :raises UsageError: that is not the name of a region; it would become part of a host name.
    """
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        if region := environ.get(name):
            if not re.fullmatch(shape.REGION, region):
                raise UsageError(f"{name} is not the name of a region", "set it to one such as eu-west-1, or unset it")
            return region
    return None


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(SIZE_LIMIT + 1)
        if len(content) > SIZE_LIMIT:
            raise ConfigError([Problem(str(path), 1, "", f"is larger than {SIZE_LIMIT // 1000} kB")])
        return content.decode("utf-8-sig")
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
        self.naming = "{function}", ""
        self.node, self.problems = nodes.parse(_read(path), self.file)

    def problem(self, what: str, *path: str | int) -> None:
        self.problems.append(Problem(self.file, self.node.line_of(path), nodes.where(path), what))

    def pipeline(self, chosen: str | None, environ: Mapping[str, str]) -> Pipeline:
        refused = {problem.where for problem in self.problems}  # and has no value since
        said, wrong = check.document(self.node.value)
        for path, what in wrong:
            if what != words.NO_VALUE or nodes.where(path) not in refused:
                self.problem(what, *path)
        project, defaults, entries = said.get("project", ""), said.get("defaults", {}), said.get("functions", {})
        scattered = any(map(sites.named, said.get("stages", {}).values()))
        home = (not scattered and chosen) or region_of(environ) or said.get("region")
        if scattered and not home:
            regions = [next(iter(each.get("regions") or [each.get("region")])) for each in said["stages"].values()]
            home = regions[0]
            if not all(regions):
                self.problem("is missing: where stages name their own, the others need one too", "region")
        named = self.aws_names(said.get("name", "{function}"), project, entries)
        self.naming = said.get("name", "{function}"), project
        self.known = self.stages(said.get("stages", {}), home, entries, named)
        functions = {name: self.function(name, named[name], defaults, entry) for name, entry in entries.items()}
        for name, stage in self.known.items():
            if sites.named(said["stages"][name]):
                for what in sites.misplaced(stage, self.known, functions, home):
                    self.problem(what, "stages", name)
        return Pipeline(self.root, project, home, self.known, functions, self.file)

    def aws_names(self, template: str, project: str, functions: Iterable[str]) -> dict[str, str]:
        """The name of each function in AWS, from ``name``: "{project}-{function}"."""
        if re.search(r"[{}]", re.sub(r"\{(project|function)\}", "", template)):
            self.problem("may hold {project} and {function}, and no other braces", "name")
            template = "{function}"
        pattern = service_model.shape("FunctionName").pattern or ""
        names: dict[str, str] = {}
        owners: dict[str, str] = {}
        spellings: dict[str, str] = {}
        for function in functions:
            name = _filled(template, project, function)
            at = ("functions", function)
            if len(name) > shape.FUNCTION_NAME_LIMIT:
                self.problem(f"its name in AWS, {name}, is longer than {shape.FUNCTION_NAME_LIMIT} characters", *at)
            elif ":" in name or not re.fullmatch(pattern, name):
                self.problem(f"its name in AWS, {name!r}, may hold letters, digits, - and _ only", *at)
            if (other := owners.setdefault(name, function)) != function:
                self.problem(f"its name in AWS, {name}, is that of {other} too", *at)
            elif (other := spellings.setdefault(function.lower(), function)) != function:
                self.problem(f"differs from {other} in upper and lower case only: some disks cannot hold both", *at)
            names[function] = name
        return names

    def stages(
        self, said: Mapping[str, Any], home: str | None, functions: Mapping[str, Any], named: Mapping[str, str]
    ) -> dict[str, Stage]:
        sound = {name: entry for name, entry in said.items() if "alias" in entry}
        stages = {
            name: Stage(
                name,
                entry["alias"],
                entry.get("from"),
                rollout.rollout(entry.get("rollout"), self.naming[1]),
                sites.sites(entry, home, functions),
            )
            for name, entry in sound.items()
        }
        every = self.node.value.get("stages") if isinstance(self.node.value, dict) else None
        owners: dict[tuple[str, str], str] = {}
        for name, stage in stages.items():
            others = [owners.setdefault((site.name, stage.alias), name) for site in stage.sites]
            if others != [name] * len(others):
                other = next(each for each in others if each != name)
                self.problem(f"is the alias of {other} too", "stages", name, "alias")
            for path, what in sites.problems(sound[name], functions):
                self.problem(what, "stages", name, *path)
            entry = (every or {})[name]
            for path, what in rollout.problems(entry.get("rollout"), entry.get("role"), name, named.values()):
                self.problem(what, "stages", name, "rollout", *path)
            if stage.source is not None and isinstance(every, dict) and stage.source not in every:
                what = f"there is no stage {stage.source!r}" + words.similar(stage.source, every)
                self.problem(what, "stages", name, "from")
            elif name in _origins(stages, name):
                self.problem("leads back to this stage: nothing would ever be built for it", "stages", name, "from")
        return stages

    # ------------------------------------------------------------ a function

    def function(self, name: str, aws_name: str, defaults: Mapping[str, Any], entry: Mapping[str, Any]) -> Function:
        said = {**defaults, **entry}
        for key in _MERGED:
            if key in said:
                said[key] = defaults.get(key, {}) | entry.get(key, {})
        for member in _REQUIRED:
            key = settings.key_of(member)
            if member not in said and not self.origin(name, key):
                self.problem("is missing, here and in defaults", "functions", name, key)
        source = self.inside(said.get("source", f"functions/{name}"), Path.is_dir, "folder", name, "source")
        include = [
            self.inside(path, Path.exists, "file or folder", name, "include", index)
            for index, path in enumerate(said.get("include", ()))
        ]
        requirements = said.get("requirements")
        if requirements is not None:
            requirements = self.inside(requirements, Path.is_file, "file", name, "requirements")
        included = tuple(dict.fromkeys(path for path in include if path))
        self.ignore_patterns(said.get("exclude", ()), name, "exclude")
        self.ignore_patterns(said.get("packaging", {}).get("allow", ()), name, "packaging", "allow")
        for key in filter(marks.is_kept, said.get("tags", ())):
            self.problem("is reserved: AWS, or the pipeline, sets it itself", *self.origin(name, "tags", key))
        hooks = Hooks(**said.get("hooks", {}))
        if source and "Handler" in said and not hooks.build:  # what that makes is looked at when it is made
            beside = [self.root / path for path in included]
            more = bool(requirements or said.get("Layers"))
            for what in handler.problems(said["Handler"], said.get("Runtime"), self.root / source, beside, more):
                self.problem(what, "functions", name, "handler")
        return Function(
            name=name,
            aws_name=aws_name,
            settings=settings.complete({key: value for key, value in said.items() if shape.is_setting(key)}),
            environment=self.environment(said.get("environment", {}), name),
            source=source or Path(),
            include=included,
            exclude=tuple(said.get("exclude", ())),
            requirements=requirements,
            packaging=self.packaging(name, said),
            hooks=hooks,
            tags=said.get("tags"),
            concurrency=said.get("concurrency"),
            smoke=Smoke(**said["smoke"]) if "smoke" in said else None,
            retain=said.get("retain", Function.retain),
            max_size=said.get("max_size"),
            attachments=self.attachments(name, aws_name, said),
            line=self.node.line_of(("functions", name)),
        )

    def attachments(self, name: str, aws_name: str, said: Mapping[str, Any]) -> dict[str, tuple[Attachment, ...]]:
        """What is around the function in each stage. Stages of one site share a log group: who builds sees to it."""
        for stage in said.get("stages", {}):
            if stage not in self.known:
                what = f"there is no stage {stage!r}" + words.similar(stage, self.known)
                self.problem(what, *self.origin(name, "stages", stage))
        log_group = (said.get("LoggingConfig") or {}).get("LogGroup") or settings.log_group(aws_name)
        if "log_retention" in said and isinstance(log_group, Secret):
            self.problem("needs a log group that is not expanded", *self.origin(name, "log_retention"))
        found: dict[str, tuple[Attachment, ...]] = {}
        for stage in self.known.values():
            there = attachments.of_stage(said, stage.name)
            for what, (key, *rest) in attachments.problems(there):
                own = self.origin(name, "stages", stage.name, key, *rest[:1])
                self.problem(what, *(own[:-2] or ("functions", name)), key, *rest)
            source = self.known.get(stage.source or "")
            if source and {site.name for site in stage.sites} <= {site.name for site in source.sites}:
                there.pop("log_retention", None)
            if there:
                found[stage.name] = resources.wanted(aws_name, stage.alias, str(log_group), there)
        reserved, provisioned = said.get("concurrency"), sum(map(_provisioned, found.values()))
        if reserved is not None and provisioned > reserved:
            # https://docs.aws.amazon.com/lambda/latest/dg/provisioned-concurrency.html
            what = f"must be at least {provisioned}, what is provisioned in all stages"
            self.problem(what, *self.origin(name, "concurrency"))
        return found

    def origin(self, function: str, *key: str | int) -> tuple[str | int, ...]:
        """Where the file says ``key``, rightly or wrongly: in the function or in defaults. Empty: in neither."""
        for start in (("functions", function), ("defaults",)):
            if self.node.at((*start, *key)):
                return (*start, *key)
        return ()

    def inside(
        self, said: str, is_one: Callable[[Path], bool], kind: str, function: str, *key: str | int
    ) -> Path | None:
        """The path ``said``, relative to the root. None, and a problem, where that is not a ``kind`` inside of it."""
        path = Path(os.path.normpath(said))
        what = f"there is no {kind} {path}" if said.isprintable() else f"there is no such {kind}"
        try:
            real = (self.root / path).resolve()
            if path.is_absolute() or not real.is_relative_to(self.root):
                what = "leads outside of the repository"
            elif is_one(real):
                return path
        except OSError as error:
            what = f"cannot be looked up: {error.strerror}"
        except (RuntimeError, ValueError):  # a circle of links, a character that no name has
            pass
        self.problem(what, *(self.origin(function, *key) or ("functions", function, *key)))
        return None

    def ignore_patterns(self, said: Sequence[str], function: str, *key: str) -> None:
        if not said:
            return
        from pathspec import GitIgnoreSpec  # here: few functions need it, and it is slow to start

        for index, pattern in enumerate(said):
            try:
                GitIgnoreSpec.from_lines([pattern])
            except ValueError:
                self.problem("is not a pattern as .gitignore has them", *self.origin(function, *key, index))

    def packaging(self, function: str, said: Mapping[str, Any]) -> Packaging:
        """A layer gets the name in AWS that a function of that name would have."""
        values: dict[str, Any] = {
            key: tuple(value) if isinstance(value, list) else value for key, value in said.get("packaging", {}).items()
        }
        if "layer" in values:
            values["layer"] = _filled(*self.naming, values["layer"])
            if len(said.get("Layers", ())) >= shape.LAYERS_LIMIT:
                what = f"is one more than the {shape.LAYERS_LIMIT} layers that a function can have"
                self.problem(what, *self.origin(function, "packaging", "layer"))
        return Packaging(**values)

    def environment(self, said: Mapping[str, str | Template], function: str) -> dict[str, Secret]:
        for name in said:
            if name in environment.RESERVED:
                self.problem("is reserved: Lambda sets it itself", *self.origin(function, "environment", name))
        secrets = {name: value if isinstance(value, Template) else Secret(value) for name, value in said.items()}
        if not any(isinstance(value, Template) for value in secrets.values()):
            if what := environment.size_problem(secrets):
                self.problem(what, "functions", function, "environment")
        return secrets


def _provisioned(attached: Iterable[Attachment]) -> int:
    return sum(each.settings["ProvisionedConcurrentExecutions"] for each in attached if each.kind == "provisioned")


def _filled(template: str, project: str, function: str) -> str:
    return template.replace("{project}", project).replace("{function}", function)


def _origins(stages: Mapping[str, Stage], start: str) -> set[str]:
    """Every stage that ``start`` is promoted from, however far back."""
    origins: set[str] = set()
    name = stages[start].source
    while name is not None and name in stages and name not in origins:
        origins.add(name)
        name = stages[name].source
    return origins
