"""An entry of ``functions`` -> Function: defaults merged, paths looked up, what no single value tells checked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ci import settings
from ci.attachments import marks, resources
from ci.config import attachments, environment, handler, messages, shape, sites
from ci.config.document import Document
from ci.config.names import Naming
from ci.config.template import Template
from ci.model import Attachment, Function, Hooks, Packaging, Secret, Smoke, Stage

_MERGED = ("environment", "tags", "packaging", "hooks")
_REQUIRED = ("Handler", "Role", "Runtime")


@dataclass(frozen=True)
class Functions:
    """Makes each function. What is wrong becomes a problem of ``document``."""

    document: Document
    naming: Naming
    stages: Mapping[str, Stage]

    def function(self, name: str, aws_name: str, defaults: Mapping[str, Any], entry: Mapping[str, Any]) -> Function:
        """The function ``name``, of which pipeline.yaml says ``entry``."""
        said = _merged(defaults, entry)
        source = self.document.inside(said.get("source", f"functions/{name}"), Path.is_dir, "folder", name, "source")
        include = [
            self.document.inside(path, Path.exists, "file or folder", name, "include", index)
            for index, path in enumerate(said.get("include", ()))
        ]
        requirements = said.get("requirements")
        if requirements is not None:
            requirements = self.document.inside(requirements, Path.is_file, "file", name, "requirements")
        included = tuple(dict.fromkeys(path for path in include if path))
        self._ignore_patterns(said.get("exclude", ()), name, "exclude")
        self._ignore_patterns(said.get("packaging", {}).get("allow", ()), name, "packaging", "allow")
        for key in filter(marks.is_kept, said.get("tags", ())):
            self.document.problem_of(name, "is reserved: AWS, or the pipeline, sets it itself", "tags", key)
        for member in _REQUIRED:
            key = settings.key_of(member)
            if member not in said and not self.document.origin(name, key):
                self.document.problem("is missing, here and in defaults", "functions", name, key)
        hooks = Hooks(**said.get("hooks", {}))
        if source and "Handler" in said and not hooks.build:  # what that makes is looked at when it is made
            root, more = self.document.root, bool(requirements or said.get("Layers"))
            beside = [root / path for path in included]
            for what in handler.problems(said["Handler"], said.get("Runtime"), root / source, beside, more):
                self.document.problem(what, "functions", name, "handler")
        return Function(
            name=name,
            aws_name=aws_name,
            settings=settings.complete({key: value for key, value in said.items() if shape.is_setting(key)}, aws_name),
            environment=self._environment(said.get("environment", {}), name),
            source=source or Path(),
            include=included,
            exclude=tuple(said.get("exclude", ())),
            requirements=requirements,
            packaging=self._packaging(name, said),
            hooks=hooks,
            tags=said.get("tags"),
            concurrency=said.get("concurrency"),
            smoke=Smoke(**said["smoke"]) if "smoke" in said else None,
            retain=said.get("retain", Function.retain),
            max_size=said.get("max_size"),
            attachments=self._attachments(name, aws_name, said),
            line=self.document.node.line_of(("functions", name)),
        )

    def _attachments(self, name: str, aws_name: str, said: Mapping[str, Any]) -> dict[str, tuple[Attachment, ...]]:
        """What is around the function in each stage. Stages of one site share a log group: who builds sees to it."""
        for stage in said.get("stages", {}):
            if stage not in self.stages:
                what = f"there is no stage {stage!r}" + messages.similar(stage, self.stages)
                self.document.problem_of(name, what, "stages", stage)
        log_group = (said.get("LoggingConfig") or {}).get("LogGroup") or settings.log_group(aws_name)
        if "log_retention" in said and isinstance(log_group, Secret):
            self.document.problem_of(name, "needs a log group that is not expanded", "log_retention")
        found: dict[str, tuple[Attachment, ...]] = {}
        for stage in self.stages.values():
            there = attachments.of_stage(said, stage.name)
            for what, (key, *rest) in attachments.problems(there):
                own = self.document.origin(name, "stages", stage.name, key, *rest[:1])
                self.document.problem(what, *(own[:-2] or ("functions", name)), key, *rest)
            if {site.name for site in stage.sites} <= sites.shared(stage, self.stages):
                there.pop("log_retention", None)
            if there:
                found[stage.name] = resources.wanted(aws_name, stage.alias, str(log_group), there)
        reserved, provisioned = said.get("concurrency"), sum(map(_provisioned, found.values()))
        if reserved is not None and provisioned > reserved:
            # https://docs.aws.amazon.com/lambda/latest/dg/provisioned-concurrency.html
            what = f"must be at least {provisioned}, what is provisioned in all stages"
            self.document.problem_of(name, what, "concurrency")
        return found

    def _ignore_patterns(self, said: Sequence[str], function: str, *key: str) -> None:
        if not said:
            return
        from pathspec import GitIgnoreSpec  # here: few functions need it, and it is slow to start

        for index, pattern in enumerate(said):
            try:
                GitIgnoreSpec.from_lines([pattern])
            except ValueError:
                self.document.problem_of(function, "is not a pattern as .gitignore has them", *key, index)

    def _packaging(self, function: str, said: Mapping[str, Any]) -> Packaging:
        """A layer gets the name in AWS that a function of that name would have."""
        values: dict[str, Any] = {
            key: tuple(value) if isinstance(value, list) else value for key, value in said.get("packaging", {}).items()
        }
        if "layer" in values:
            values["layer"] = self.naming.of(values["layer"])
            if len(said.get("Layers", ())) >= shape.LAYERS_LIMIT:
                what = f"is one more than the {shape.LAYERS_LIMIT} layers that a function can have"
                self.document.problem_of(function, what, "packaging", "layer")
        return Packaging(**values)

    def _environment(self, said: Mapping[str, str | Template], function: str) -> dict[str, Secret]:
        for name in said:
            if name in environment.RESERVED:
                self.document.problem_of(function, "is reserved: Lambda sets it itself", "environment", name)
        secrets = {name: value if isinstance(value, Template) else Secret(value) for name, value in said.items()}
        if not any(isinstance(value, Template) for value in secrets.values()):
            if what := environment.size_problem(secrets):
                self.document.problem(what, "functions", function, "environment")
        return secrets


def _merged(defaults: Mapping[str, Any], entry: Mapping[str, Any]) -> dict[str, Any]:
    """``entry`` over ``defaults``; some mappings are put together key by key."""
    together = {key: defaults.get(key, {}) | entry.get(key, {}) for key in _MERGED if key in defaults or key in entry}
    return {**defaults, **entry, **together}


def _provisioned(attached: Iterable[Attachment]) -> int:
    return sum(each.settings["ProvisionedConcurrentExecutions"] for each in attached if each.kind == "provisioned")
