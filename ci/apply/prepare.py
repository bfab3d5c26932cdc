"""The first phase: functions get their configuration, code and a version of them. None of it reaches a user."""

from __future__ import annotations

import threading
from typing import Any

from ci import diff
from ci.apply import parameters
from ci.apply.job import Job
from ci.apply.layers import Arns, actual, publish, store
from ci.errors import AbsentError, AwsError, MovedError
from ci.live.answers import version
from ci.model.live import LiveVersion
from ci.plan.actions import (
    CreateFunction,
    PointAlias,
    PublishVersion,
    StorePackage,
    TagFunction,
    UntagFunction,
    UpdateCode,
    UpdateConfiguration,
)
from ci.plan.plan import FunctionPlan
from ci.record import version_description
from ci.settings import key_of

_WORKERS = 64
"""Nearly all of them wait for AWS to make a function ready, which takes seconds."""

_MOVED_HINT = "plan again, look, and deploy again"

Work = CreateFunction | UpdateConfiguration | UpdateCode


def prepare(job: Job) -> dict[str, str]:
    """Label -> the version that the stage is to run, for each function of the plan."""
    arns = {(layer.site, layer.arn): publish(job, layer) for layer in job.plan.layers}
    versions = job.each("preparing", _Preparation(job, arns).run, job.plan.functions, _WORKERS)
    return dict(zip((function.label for function in job.plan.functions), versions, strict=True))


class _Preparation:
    """Only when the first write of the first function is in do the others begin: two releases do not get that far."""

    def __init__(self, job: Job, arns: Arns) -> None:
        self.job = job
        self.arns = arns
        self.first = next((function for function in job.plan.functions if function.prepare), None)
        self.decided = threading.Event()
        self.ahead = False
        self.storing = threading.Lock()
        """One upload at a time: each is in many parts at once."""

    def run(self, function: FunctionPlan) -> str:
        if self.job.plan.verb not in ("prune", "delete"):
            self._announce(function)
        if function.prepare and function is not self.first:
            self._wait()
        try:
            return self._steps(function)
        except AbsentError as error:
            raise MovedError(f"{error.message}: live moved under the plan", _MOVED_HINT, error.code) from error
        finally:
            if function is self.first:
                self.decided.set()

    def _steps(self, function: FunctionPlan) -> str:
        revision, version = function.revision, function.version or ""
        for planned in function.prepare:
            action = actual(planned, function.site, self.arns)
            if isinstance(action, StorePackage):
                self._store(function, action)
                continue  # it carries no revision: who was first is not decided by it
            if isinstance(action, PublishVersion):
                version = self._publish(function, action, revision)
            elif isinstance(action, (TagFunction, UntagFunction)):
                self._tag(function, action)
            else:
                revision = self._write(function, action, revision)
            self._go_ahead()
        moved = next((s for s in function.shift if isinstance(s, PointAlias) and s.version), None)
        if moved is None or moved.version is None:
            return version
        if function.revision and moved.before != moved.version:
            # Published by a release that broke off, perhaps because it was not ready: no list tells that.
            self._ready(function, moved.version)
        return moved.version

    def _store(self, function: FunctionPlan, action: StorePackage) -> None:
        with self.storing:
            store(self.job, action, function.function, function.site)

    def _go_ahead(self) -> None:
        self.ahead = True
        self.decided.set()

    def _wait(self) -> None:
        while not self.decided.wait(0.1) and not self.job.interrupted.is_set():
            pass
        if not self.ahead:
            raise KeyboardInterrupt

    def _announce(self, function: FunctionPlan) -> None:
        kinds = {type(action) for action in function.prepare}
        if CreateFunction in kinds:
            self.job.log("creating function", function)
            return
        self.job.log("updating config" if UpdateConfiguration in kinds else "config unchanged", function)
        self.job.log("updating function" if UpdateCode in kinds else "code unchanged", function)

    def _tag(self, function: FunctionPlan, action: TagFunction | UntagFunction) -> None:
        if isinstance(action, TagFunction):
            self.job.aws(function).call("tag_resource", Resource=function.arn, Tags=dict(action.tags))
        else:
            self.job.aws(function).call("untag_resource", Resource=function.arn, TagKeys=list(action.keys))

    def _write(self, function: FunctionPlan, action: Work, revision: str) -> str:
        """One write, and the revision of ``$LATEST`` once it has taken effect.

        A refusal may be the echo of our own call, sent again after its answer was lost: what counts is
        whether ``$LATEST`` is what was wanted.
        """
        aws, name, refused = self.job.aws(function), function.aws_name, None
        try:
            if isinstance(action, CreateFunction):
                aws.call("create_function", **parameters.creation(name, action))
            elif isinstance(action, UpdateConfiguration):
                aws.call(
                    "update_function_configuration", **parameters.update(name, action), RevisionId=revision
                )
            else:
                aws.call("update_function_code", **parameters.upload(name, action), RevisionId=revision)
            self._go_ahead()
        except MovedError as error:
            refused = error
        latest = self._ready(function)
        if unlike := _unlike(latest, action):
            raise refused or _moved(name, f"$LATEST has another {unlike} than was written: it was changed meanwhile")
        return latest.revision

    def _ready(self, function: FunctionPlan, qualifier: str | None = None) -> LiveVersion:
        name = function.aws_name
        found = version(self.job.aws(function).settle(name, qualifier))
        if found.failed:
            raise AwsError(
                f"{name}: GetFunction: AWS could not make it ready: {found.failed}",
                "no alias was touched: remove the reason, then run it again",
            )
        return found

    def _publish(self, function: FunctionPlan, action: PublishVersion, revision: str) -> str:
        aws, name = self.job.aws(function), function.aws_name
        description = version_description(action.record, action.description)

        def publish() -> dict[str, Any]:
            return aws.call(
                "publish_version",
                FunctionName=name,
                CodeSha256=action.record.code_sha256,
                Description=description,
                RevisionId=revision,
            )

        try:
            number = (aws.appeared(publish) if function.new else publish())["Version"]
        except MovedError:
            number = self._published(function, description)
            if number is None:
                raise
        # An alias on a version that is still being made ready would answer with errors.
        version = self._ready(function, number)
        if unlike := _unlike(version, action):
            what = f"version {number} has another {unlike} than was planned: $LATEST was changed meanwhile"
            raise _moved(name, what)
        return version.version

    def _published(self, function: FunctionPlan, description: str) -> str | None:
        """The version of our own call, where its answer was lost."""
        listed = self.job.aws(function).pages("list_versions_by_function", "Versions", FunctionName=function.aws_name)
        return next((item["Version"] for item in listed if item.get("Description") == description), None)


def _moved(name: str, what: str) -> MovedError:
    return MovedError(f"{name}: live moved under the plan: {what}", _MOVED_HINT)


def _unlike(version: LiveVersion, action: Work | PublishVersion) -> str:
    """What ``version`` has otherwise than ``action`` makes it, by the keys of pipeline.yaml; empty where it is so."""
    found: list[str] = []
    if isinstance(action, UpdateCode):
        found += ["architecture"] * (version.settings["Architectures"] != list(action.architectures))
    else:
        found += map(key_of, diff.differing(action.settings, version.settings))
        found += ["environment"] * (action.environment not in (None, version.environment))
    if isinstance(action, PublishVersion):
        found += ["code"] * (version.code_sha256 != action.record.code_sha256)
    elif not isinstance(action, UpdateConfiguration):
        found += ["code"] * (version.code_sha256 != action.package.code_sha256)
    return " and ".join(found)
