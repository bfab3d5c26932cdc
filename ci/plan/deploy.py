"""Deploy: what it takes until a stage runs the packages, with the configuration, of the repository."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import chain

from ci import diff, remembered
from ci.attachments import marks
from ci.errors import Refused
from ci.model import Function, Package, Stage
from ci.model.live import Live, LiveFunction, LiveVersion, VersionRecord
from ci.plan import attachments, point
from ci.plan.actions import (
    Attach,
    CreateFunction,
    Preparation,
    PublishVersion,
    PutConcurrency,
    Shift,
    StorePackage,
    TagFunction,
    UntagFunction,
    UpdateCode,
    UpdateConfiguration,
)
from ci.plan.changes import Change, CodeChange
from ci.plan.plan import FunctionPlan, Origin, Plan
from ci.plan.stored import store
from ci.settings import AT_CREATION, key_of


def deploy(
    stage: Stage,
    region: str,
    functions: Iterable[Function],
    packages: Mapping[str, Package],
    live: Live,
    origin: Origin,
    release: str = "",
) -> Plan:
    """``live`` must have been read with ``packages``, so that it has the detail of every function that differs.

    ``release`` names what lands in several sites.
    """
    ordered = sorted(functions, key=lambda function: function.name)
    release = release or name(ordered, packages, origin)
    plans = tuple(
        Deployment(stage, region, function, packages[function.name], release, origin).plan(
            live.functions[function.name]
        )
        for function in ordered
    )
    changed = (attachments.by_hand(function, stage, live.functions[function.name]) for function in ordered)
    notes = (*point.notes(stage, plans, live), *chain.from_iterable(changed))
    return Plan("deploy", stage.name, region, release, origin, plans, notes, point.rollout(stage, plans))


def name(functions: Iterable[Function], packages: Mapping[str, Package], origin: Origin) -> str:
    """What to call a release: equal for equal content, so that a deploy run again after a crash finishes the same one.

    Secrets are left out: a digest over a short secret gives it away.
    """
    content = {
        function.name: [_content(packages[function.name]), function.settings, sorted(function.environment)]
        for function in functions
    }
    text = json.dumps(content, sort_keys=True, default=repr)
    return f"{origin.commit[:7]}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"


def _content(package: Package) -> str:
    return f"{package.digest}{package.layer.digest if package.layer else ''}"


@dataclass(frozen=True)
class Deployment:
    """One function of a deploy: what all its steps need to know."""

    stage: Stage
    region: str
    function: Function
    package: Package
    release: str
    origin: Origin

    def plan(self, live: LiveFunction | None) -> FunctionPlan:
        """What it takes until the stage runs the function's package, and has around it what it should."""
        around = attachments.actions(self.function, self.stage, live)
        return replace(self._itself(live), attach=(*around, *self._landed(live or LiveFunction())))

    def _itself(self, live: LiveFunction | None) -> FunctionPlan:
        if live is None:
            return self._create()
        if diff.settled(self.function, self.package, live):
            return self._unchanged(live)
        return self._update(live)

    def _create(self) -> FunctionPlan:
        function, package = self.function, self.package
        stored, told = self._store(""), remembered.prepared(function, LiveFunction())
        tags = {**(function.tags or {}), **({marks.TAG: told} if told else {})}
        create = CreateFunction(function.settings, function.environment, tags, package, *stored)
        return FunctionPlan(
            function.name,
            function.aws_name,
            new=True,
            changes=diff.creation(function),
            code=CodeChange(0, package.size, None, ()),
            prepare=(*stored, create, self._publish(self._record(package.code_sha256), "1")),
            shift=(*self._limit(LiveFunction()), *self._point(LiveFunction(aliases={}), None, "1")),
            digest=package.digest,
            code_sha256=package.code_sha256,
            smoke=function.smoke,
        )

    def _unchanged(self, live: LiveFunction) -> FunctionPlan:
        assert live.running is not None
        weighted = point.weights(self.stage, live)
        return FunctionPlan(
            self.function.name,
            self.function.aws_name,
            shift=self._point(live, live.running.version, live.running.version) if weighted else (),
            arn=live.arn,
            version=live.running.version,
            digest=self.package.digest,
            code_sha256=live.running.code_sha256,
        )

    def _update(self, live: LiveFunction) -> FunctionPlan:
        assert live.latest is not None and live.versions is not None
        function, package, latest = self.function, self.package, live.latest
        baseline = live.running or latest
        prepare: tuple[Preparation, ...] = self._tags(live)
        shift: tuple[Shift, ...] = self._limit(live)
        unversioned = diff.unversioned(function, live)
        drift = tuple(remembered.by_hand(live, unversioned))
        code_sha256 = baseline.code_sha256
        newest = live.versions[-1] if live.versions else None
        if live.running is not None and self._runs(live.running):
            if point.weights(self.stage, live):
                shift = (*shift, *self._point(live, live.running.version, live.running.version))
        elif newest is not None and self._runs(newest):  # published by a release that broke off or was rolled back
            code_sha256 = newest.code_sha256
            shift = (*shift, *self._point(live, newest.version, newest.version))
        else:
            upload = self._upload(live.arn, latest, (*live.versions, baseline))
            code_sha256 = package.code_sha256 if upload else latest.code_sha256
            expected = str(int(newest.version) + 1 if newest else 1)
            written = self._record(code_sha256)
            mark = written if newest is not None and self._hides(newest, code_sha256) else None
            steps = (self._configure(latest, mark), upload)
            if package.size < latest.size and not latest.failed:
                # Code and layers must fit together in between, too. What leaves the package may come as a layer.
                steps = steps[::-1]
            prepare = (*prepare, *chain.from_iterable(steps), self._publish(written, expected))
            shift = (*shift, *self._point(live, None, expected))
            drift = (*self._drift(newest, latest, bool(upload)), *drift)
        return FunctionPlan(
            function.name,
            function.aws_name,
            changes=(*diff.configuration(function, baseline), *unversioned),
            code=None if diff.same_code(package, baseline) else diff.code(package, baseline),
            drift=drift,
            prepare=prepare,
            shift=shift,
            arn=live.arn,
            revision=latest.revision,
            version=live.running.version if live.running else None,
            digest=package.digest,
            code_sha256=code_sha256,
            smoke=function.smoke,
        )

    def _runs(self, version: LiveVersion) -> bool:
        return (
            version.version != diff.WORKBENCH
            and diff.same_code(self.package, version)
            and not diff.configuration(self.function, version)
        )

    def _hides(self, newest: LiveVersion, code_sha256: str) -> bool:
        """Whether AWS would give ``newest``, which somebody else published, once ``$LATEST`` is as wanted.

        https://docs.aws.amazon.com/lambda/latest/api/API_PublishVersion.html
        """
        same = {change.key for change in diff.configuration(self.function, newest)} <= {key_of("Description")}
        return same and newest.record is None and newest.code_sha256 == code_sha256

    def _configure(self, latest: LiveVersion, record: VersionRecord | None) -> tuple[Preparation, ...]:
        wanted = self.function.settings
        differing: Iterable[str] = diff.differing(wanted, latest.settings)
        if fixed := [key_of(name) for name in differing if name in AT_CREATION]:
            what = f"{self.function.name}: {', '.join(fixed)}: AWS sets it when it creates a function, and never after"
            raise Refused(what, f"take it back, or let it be created anew: dollop delete {self.function.name}")
        differing = wanted if latest.failed else differing
        members = [name for name in differing if name not in ("Architectures", *AT_CREATION)]
        if record is not None:
            members = [*dict.fromkeys((*members, "Description"))]
        same = self.function.environment == latest.environment and not latest.failed
        environment = None if same else self.function.environment
        if not members and environment is None:
            return ()
        return (UpdateConfiguration({name: wanted[name] for name in members}, environment, record),)

    def _upload(self, arn: str, latest: LiveVersion, versions: Iterable[LiveVersion]) -> tuple[Preparation, ...]:
        """Nothing when ``$LATEST`` has this content, by its hash or by the record of a version with that hash."""
        known = (version for version in versions if version.code_sha256 == latest.code_sha256)
        same = any(diff.same_code(self.package, version) for version in chain([latest], known))
        if same and self.function.settings["Architectures"] == latest.settings["Architectures"]:
            return ()
        stored = self._store(arn)
        return (*stored, UpdateCode(self.package, tuple(self.function.settings["Architectures"]), *stored))

    def _store(self, arn: str) -> tuple[StorePackage, ...]:
        stored = store(self.function, self.package, self.region, arn)
        return (stored,) if stored else ()

    def _record(self, code_sha256: str) -> VersionRecord:
        return VersionRecord(self.origin.commit, self.package.digest, code_sha256)

    def _publish(self, record: VersionRecord, expected: str) -> PublishVersion:
        wanted = self.function
        return PublishVersion(record, wanted.settings["Description"], expected, wanted.settings, wanted.environment)

    def _point(self, live: LiveFunction, version: str | None, expected: str) -> tuple[Shift, ...]:
        move = point.alias(self.stage, live, version, expected, self.release, self.origin)
        return point.steps(self.stage, live, move, self.function.settings, self.release, self.origin)

    def _limit(self, live: LiveFunction) -> tuple[Shift, ...]:
        wanted = self.function.concurrency
        if wanted is None or wanted == live.concurrency:
            return ()
        return (PutConcurrency(live.concurrency, wanted),)

    def _tags(self, live: LiveFunction) -> tuple[Preparation, ...]:
        """What goes makes room for what comes; that comes at once with what is remembered of it."""
        there = marks.own(live.tags)
        wanted = dict(there if self.function.tags is None else self.function.tags)
        if was := live.tags.get(marks.TAG):
            there[marks.TAG] = was
        if told := remembered.prepared(self.function, live):
            wanted[marks.TAG] = told
        new = {key: value for key, value in wanted.items() if there.get(key) != value}
        gone = tuple(sorted(there.keys() - wanted.keys()))
        return (*((UntagFunction(gone),) if gone else ()), *((TagFunction(new),) if new else ()))

    def _landed(self, live: LiveFunction) -> tuple[Attach, ...]:
        """What is remembered once the concurrency has reached users, and nothing of it is to go back."""
        now, then = remembered.prepared(self.function, live), remembered.landed(self.function, live)
        return (Attach("", marks.holding("", now), marks.holding("", then)),) if now != then else ()

    def _drift(self, newest: LiveVersion | None, latest: LiveVersion, upload: bool) -> tuple[Change, ...]:
        """Of what ``$LATEST`` has and the newest version has not, that which this deploy will overwrite."""
        if newest is None:
            return ()
        overwritten = {change.key for change in diff.configuration(self.function, latest)}
        changed = diff.configuration(latest, newest, self.function.settings)
        drift = tuple(change for change in changed if change.key in overwritten)
        if upload and latest.code_sha256 != newest.code_sha256:
            drift = (*drift, Change("code", verb="changed"))
        return drift
