"""Promotion, site by site: where the source is an alias moves, elsewhere the version is published once more."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence

from ci import diff, live
from ci.errors import UsageError
from ci.live import attachments, codedeploy, layers
from ci.live.packages import whole
from ci.model import Function, Package, Site, Stage
from ci.model.live import LiveVersion
from ci.plan import carry, promote, room
from ci.plan.plan import Plan
from ci.release import Release, Released, amounting_to
from ci.workspace import STATE, Workspace

Versions = Mapping[str, LiveVersion | None]


class Promotion:
    """One promotion of ``functions``: of the release that was ``recorded``, or of what the source runs."""

    def __init__(
        self,
        workspace: Workspace,
        stage: Stage,
        functions: Sequence[Function],
        recorded: Release | None = None,
        allow_older: bool = False,
    ) -> None:
        self.workspace = workspace
        self.stage = stage
        self.functions = functions
        self.source = workspace.stage(stage.source)
        self.recorded = recorded
        self.allow_older = allow_older
        self.release = recorded

    def plan(self, site: Site) -> Plan:
        """What it takes in one site. The release is the same in all of them."""
        origin = next((each for each in self.source.sites if each.name == site.name), self.source.sites[0])
        if origin.name != site.name:
            return self._carry(site, origin)
        aws = self.workspace.at(site)
        found, versions = live.compare(aws, self.stage, self.functions, self._targets(origin))
        found = attachments.around(aws, found, self.functions)
        release, made_of = self._of(versions), self.workspace.origin
        plan = promote.promote(
            self.stage, aws.region, self.functions, release, versions, found, made_of, self.allow_older
        )
        return codedeploy.with_groups(aws, plan)

    def _targets(self, origin: Site) -> dict[str, str]:
        """Function -> the version number, or the alias, under which ``origin`` has what is promoted."""
        if self.recorded is None:
            return {function.name: self.source.alias for function in self.functions}
        if not self.recorded.sites:
            return {name: released.version for name, released in self.recorded.functions.items()}
        if origin.name not in self.recorded.sites:
            raise UsageError(f"release {self.recorded.id} tells no versions of {origin.name}", "deploy there, too")
        return dict(self.recorded.sites[origin.name])

    def _of(self, versions: Versions) -> Release:
        if self.release is None:
            released = {name: _released(version) for name, version in versions.items() if version is not None}
            made_of = self.workspace.origin
            self.release = amounting_to(self.source.name, released, made_of.run, made_of.at)
        return self.release

    def _carry(self, site: Site, origin: Site) -> Plan:
        workspace, here, there = self.workspace, self.workspace.at(origin), self.workspace.at(site)
        versions = live.versions(here, self.functions, self._targets(origin))
        release = self._of(versions)
        sound = carry.checked(self.functions, release, versions)
        wanted = [carry.wanted(function, sound[function.name], site) for function in self.functions]
        packages = {function.name: carry.unread(function, sound[function.name]) for function in wanted}
        rollout = self.stage.rollout is not None
        found = live.read(there, self.stage, wanted, packages, aliases=rollout)
        going = [each for each in wanted if not diff.settled(each, packages[each.name], found.functions[each.name])]
        found = attachments.around(there, found, wanted)
        known = [function for function in going if found.functions[function.name]]
        before = live.read(here, self.source, known, versions=True)
        packages |= self._packages(origin, going, sound, release)
        plan = carry.carry(
            self.stage, there.region, wanted, release, sound, packages, before, found, workspace.origin,
            self.allow_older,
        )
        plan = codedeploy.with_groups(there, plan)
        return room.checked(plan, wanted, packages, layers.sizes(there, room.layers(plan, wanted)))

    def _packages(
        self, origin: Site, functions: Sequence[Function], versions: Mapping[str, LiveVersion], release: Release
    ) -> dict[str, Package]:
        """The bytes: from the folder that was named, else from the source, whose version is exactly them."""
        from ci.build import folder

        if self.workspace.built:
            packages = folder.load(self.workspace.built, functions)
        else:
            packages = self._fetched(origin, functions, versions)
        return {name: carry.proven(package, versions[name], release) for name, package in packages.items()}

    def _fetched(
        self, origin: Site, functions: Sequence[Function], versions: Mapping[str, LiveVersion]
    ) -> dict[str, Package]:
        from ci.build import folder
        from ci.build.cache import Cache, sha256

        cache, aws = Cache(self.workspace.pipeline.root / STATE / "cache"), self.workspace.at(origin)

        def one(function: Function) -> Package:
            version = versions[function.name]
            code = base64.b64decode(version.code_sha256).hex()
            path = cache.path("released", f"{code}.zip")
            if sha256(path) != code:
                with cache.temporary() as beside:
                    (beside / "zip").write_bytes(whole(aws, function, version.version)[1])
                    cache.keep(beside / "zip", "released", path.name)
            return folder.read(path, function, folders=True)

        return {package.function: package for package in aws.each("fetching packages", one, functions)}


def _released(version: LiveVersion) -> Released:
    return Released(version.version, version.digest or "", version.code_sha256)
