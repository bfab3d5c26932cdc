"""What the verbs start from: the pipeline, the functions and the stage that were asked for, the way to AWS."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from ci.errors import DollopError, UsageError
from ci.model import Function, Package, Pipeline, Secret, Site, Stage
from ci.parallel import Track, quiet

if TYPE_CHECKING:
    from ci.aws import Aws
    from ci.plan.plan import Origin, Plan

Result = TypeVar("Result")

STATE = Path(".dollop")
"""Everything that is kept between two runs, under the repository's root. Ignored by git."""

_LISTED = 20
"""Functions that are listed where none of them was named: what fits into a few lines."""


@dataclass(frozen=True)
class Workspace:
    """One run of the command. What is not asked for is not read."""

    folder: Path
    note: Callable[[str], None]
    progress: Callable[[str], None]
    region: str | None = None
    profile: str | None = None
    local: bool = False
    built: Path | None = None
    """A folder of packages to take instead of building."""
    track: Track = quiet
    variables: Mapping[str, Secret] = field(default_factory=dict)
    """Environment variables that go over those of pipeline.yaml."""
    _ways: dict[tuple[str | None, str | None], Aws] = field(default_factory=dict)

    @cached_property
    def _said(self) -> Pipeline:
        from ci import config

        return config.load(self.folder / "pipeline.yaml", os.environ, self.region)

    @cached_property
    def pipeline(self) -> Pipeline:
        """pipeline.yaml, checked. Raises ConfigError."""
        if not self._said.functions:
            self.note(f"{self._said.file} has no functions: dollop new NAME adds one")
        return self._embedded(self._said) if self.local else self._said

    def _embedded(self, pipeline: Pipeline) -> Pipeline:
        """The embedded AWS runs functions in its own Python: build them for that one."""
        from ci import local

        own = {"Runtime": local.runtime(), "Architectures": [local.architecture()]}
        functions = {
            name: replace(function, settings={**function.settings, **own})
            for name, function in pipeline.functions.items()
        }
        return replace(pipeline, functions=functions, region=pipeline.region or local.REGION)

    def _tell_what_differs(self, functions: Iterable[Function]) -> None:
        from ci import local

        for key, own in (("Runtime", local.runtime()), ("Architectures", [local.architecture()])):
            if any(self._said.functions[function.name].settings[key] != own for function in functions):
                self.note(f"the embedded AWS is {local.runtime()} on {local.architecture()}: built for that")
                return

    def stage(self, name: str | None) -> Stage:
        """The stage called ``name``; by default the first that is built, not promoted. Raises UsageError."""
        stages = self.pipeline.stages
        if name is None:
            return next(stage for stage in stages.values() if stage.source is None)
        if name not in stages:
            known = ", ".join(stages)
            raise UsageError(f"there is no stage {name!r} in {self.pipeline.file}", f"its stages are: {known}")
        return stages[name]

    def select(self, globs: Iterable[str]) -> list[Function]:
        """The functions whose name matches any of ``globs``; all of them when there is none. Raises UsageError."""
        functions = self.pipeline.functions
        wanted = list(globs)
        for glob in wanted:
            if not any(fnmatchcase(name, glob) for name in functions):
                raise UsageError(f"no function in {self.pipeline.file} matches {glob!r}", self._functions(glob))
        return [f for name, f in functions.items() if not wanted or any(fnmatchcase(name, glob) for glob in wanted)]

    def one(self, name: str) -> Function:
        """The function called ``name``. Raises UsageError."""
        if name not in self.pipeline.functions:
            raise UsageError(f"there is no function {name!r} in {self.pipeline.file}", self._functions(name))
        return self.pipeline.functions[name]

    def _functions(self, instead: str) -> str:
        """What could have been meant where ``instead`` is no function."""
        from ci.config.messages import similar

        names = list(self.pipeline.functions)
        more = f", and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
        stage = f"; {instead} is a stage" if instead in self.pipeline.stages else similar(instead, names)
        return f"its functions are: {', '.join(names[:_LISTED]) or 'none'}{more}{stage}"

    def expanded(self, functions: Iterable[Function]) -> list[Function]:
        """The same functions with every ``${env:}`` and ``${ssm:}`` looked up."""
        from ci.config.expand import expand

        names = [function.name for function in functions]
        pipeline = self.pipeline
        if self.variables:
            from ci.config.variables import over

            pipeline = over(pipeline, self.variables, names)
        pipeline = expand(pipeline, os.environ, self._parameter, names)
        return [pipeline.functions[name] for name in names]

    def _parameter(self, name: str) -> str:
        return self.aws.parameter(name)

    def packages(self, functions: Iterable[Function], cache: Path | None = None) -> dict[str, Package]:
        """Built, or from the cache, or from the folder that was named. Raises BuildError and UsageError."""
        from ci import build

        if self.built:
            from ci.build import folder

            self._check_uncommitted(self.built, self.built.absolute())
            return folder.load(self.built, functions)

        if self.local:
            self._tell_what_differs(functions)
        self._check_uncommitted(STATE, STATE)
        return build.build(self.pipeline, functions, cache or self.pipeline.root / STATE / "cache", self.progress)

    def _check_uncommitted(self, shown: Path, folder: Path) -> None:
        """Raises UsageError where ``folder``, from the repository's root, is committed: nobody reads it in a review."""
        from ci import git

        if git.has(self.pipeline.root, folder):
            raise UsageError(
                f"{shown} is in the repository: what is in it would be deployed unbuilt",
                f"take it out (git rm -r --cached {shown}), and look who put it there",
            )

    def run_deploy_hooks(self, functions: Iterable[Function]) -> None:
        """Each in a copy of its function's files. Raises BuildError when one fails."""
        from tempfile import TemporaryDirectory

        from ci.build import hooks, sources

        for function in functions:
            if function.hooks.deploy:
                with TemporaryDirectory() as folder:
                    hooks.lay_out(sources.collect(function, self.pipeline.root), Path(folder))
                    hooks.run(function, "deploy", function.hooks.deploy, Path(folder), self.progress)

    def sites(self, *stages: Stage) -> dict[str, Site]:
        """The sites of ``stages`` (of all when there is none) by name; one that is the only one has no name.

        With ``--region``, those there. Raises UsageError when there is none.
        """
        every = stages or tuple(self.pipeline.stages.values())
        named = {site.name: site for stage in every for site in stage.sites}
        if len(named) == 1:
            named = {"": site for site in named.values()}
        chosen = {name: site for name, site in named.items() if self.region in (None, site.region or self.region)}
        if not chosen:
            regions = ", ".join(sorted({str(site.region) for site in named.values()}))
            what = f"the stage {stages[0].name} is" if stages else "the stages are"
            raise UsageError(f"{what} not in the region {self.region}", f"there is: {regions}")
        return chosen

    def in_each(self, stages: Iterable[Stage], work: Callable[[Site], Result]) -> dict[str, Result]:
        """What ``work`` gives in each of the ``sites``, by name. Its errors tell in which."""
        results = {}
        for name, site in self.sites(*stages).items():
            try:
                results[name] = work(site)
            except DollopError as error:
                raise error.within(name)
        return results

    def stages_at(self, site: Site) -> dict[str, Stage]:
        """The stages that ``site`` is one of, by name; where a stage has several, by its name and that of the site."""
        stages = [stage for stage in self.pipeline.stages.values() if site.name in (each.name for each in stage.sites)]
        return {f"{stage.name} {site.name}" if len(stage.sites) > 1 else stage.name: stage for stage in stages}

    @property
    def aws(self) -> Aws:
        """The way to where the pipeline is: its parameters, and every stage that names neither region nor role."""
        return self.at(Site())

    def at(self, site: Site, writing: bool = False) -> Aws:
        """The way to ``site``, by the role that is for looking, or for ``writing``."""
        role = site.role if writing else site.plan_role or site.role
        return self._way(site.region or self.pipeline.region, role)

    def ways(self, plan: Plan) -> dict[str, Aws]:
        """By its name, the way to each site that ``plan`` writes to."""
        stages = () if plan.verb in ("prune", "delete") else (self.stage(plan.stage),)
        return {name: self.at(site, writing=True) for name, site in self.sites(*stages).items()}

    def _way(self, region: str | None, role: str | None) -> Aws:
        """Through the credential chain, or to the embedded AWS, which is started when it does not run."""
        from ci.aws import connect

        if (region, role) not in self._ways:
            endpoint, credentials = None, None
            if self.local:
                from ci import local

                self._check_uncommitted(STATE, STATE)
                endpoint = local.start(self.pipeline.root / local.STATE).url
                credentials = local.CREDENTIALS
            aws = connect(region, None if self.local else self.profile, endpoint, credentials, role=role)
            aws.track = self.track
            self._ways[region, role] = aws
        return self._ways[region, role]

    @cached_property
    def origin(self) -> Origin:
        """The commit, run and time of this release."""
        from ci.origin import origin

        return origin(self.pipeline.root, os.environ)
