"""Plan -> AWS. The only code that changes anything.

A release lands whole or not at all: every function is prepared (nothing of that reaches a user), then
all aliases move, then the smoke tests run; when any of it fails, every alias of this release goes back.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from ci import diff, live, smoke
from ci.aws import Aws
from ci.errors import AbsentError, AwsError, DollopError, MovedError, ReleaseError
from ci.model import LiveVersion, Secret
from ci.parallel import each
from ci.plan.actions import (
    CreateFunction,
    DeleteVersion,
    FunctionPlan,
    Plan,
    PointAlias,
    Preparation,
    PublishVersion,
    PutConcurrency,
    Shift,
    TagFunction,
    UntagFunction,
    UpdateCode,
    UpdateConfiguration,
)
from ci.record import Release, Released, version_description
from ci.settings import log_group

Log = Callable[..., None]
"""``log("updated alias test", env="test", function="echo", version="8")``"""


def apply(plan: Plan, aws: Aws, log: Log) -> Release:
    """Carry out ``plan`` and return the record of what the stage then runs.

    Raises MovedError when live moved under the plan while preparing: no alias was touched. Raises
    ReleaseError when a later step failed; it says whether every alias is back. Other AwsErrors come
    from preparing, too: run again and it goes on from there.
    """
    release = _Release(plan, aws, log)
    versions = dict(zip((f.function for f in plan.functions), release.prepare(), strict=True))
    release.shift(versions)
    release.remove()
    return Release(
        plan.release,
        plan.stage,
        plan.origin.commit,
        plan.origin.run,
        plan.origin.at,
        {f.function: Released(versions[f.function], f.digest, f.code_sha256) for f in plan.functions},
    )


class _Release:
    def __init__(self, plan: Plan, aws: Aws, log: Log) -> None:
        self.plan = plan
        self.aws = aws
        self._log = log

    def log(self, message: str, function: FunctionPlan, **fields: str) -> None:
        self._log(message, env=self.plan.stage, function=function.function, **fields)

    # ------------------------------------------------------------ nothing of this reaches a user

    def prepare(self) -> list[str]:
        """The version that the stage is to run, for each function of the plan."""
        return each(self._prepare, self.plan.functions, self.aws.interrupted)

    def _prepare(self, function: FunctionPlan) -> str:
        if self.plan.verb not in ("prune", "delete"):
            self._announce(function)
        revision, version = function.revision, function.version or ""
        for action in function.prepare:
            if isinstance(action, PublishVersion):
                version = self._publish(function, action, revision)
            else:
                revision = self._write(function, action, revision)
        return next((s.version for s in function.shift if isinstance(s, PointAlias) and s.version), version)

    def _announce(self, function: FunctionPlan) -> None:
        kinds = {type(action) for action in function.prepare}
        if CreateFunction in kinds:
            self.log("creating function", function)
            return
        self.log("updating config" if UpdateConfiguration in kinds else "config unchanged", function)
        self.log("updating function" if UpdateCode in kinds else "code unchanged", function)

    def _write(self, function: FunctionPlan, action: Preparation, revision: str) -> str:
        """One write, and the revision of ``$LATEST`` once it has taken effect.

        A refusal may be the echo of our own call, sent again after its answer was lost: what counts is
        whether ``$LATEST`` is what was wanted.
        """
        name = function.aws_name
        refused: MovedError | None = None
        try:
            if isinstance(action, CreateFunction):
                self.aws.call("create_function", **_creation(name, action))
            elif isinstance(action, UpdateConfiguration):
                self.aws.call("update_function_configuration", **_update(name, action), RevisionId=revision)
            elif isinstance(action, UpdateCode):
                self.aws.call(
                    "update_function_code",
                    FunctionName=name,
                    ZipFile=action.package.path.read_bytes(),
                    Architectures=list(action.architectures),
                    RevisionId=revision,
                )
            elif isinstance(action, TagFunction):
                self.aws.call("tag_resource", Resource=function.arn, Tags=dict(action.tags))
                return revision
            elif isinstance(action, UntagFunction):
                self.aws.call("untag_resource", Resource=function.arn, TagKeys=list(action.keys))
                return revision
        except MovedError as error:
            refused = error
        latest = self._settled(name)
        if refused and not _has(latest, action):
            raise refused
        if not _has(latest, action):
            raise MovedError(f"{name}: live moved under the plan: $LATEST was changed meanwhile", "plan again")
        return latest.revision

    def _settled(self, name: str, qualifier: str | None = None) -> LiveVersion:
        answer = self.aws.settle(name, qualifier)
        state = answer["Configuration"]
        for key in ("State", "LastUpdateStatus"):
            if state.get(key) == "Failed":
                reason = state.get(f"{key}Reason") or "no reason given"
                raise AwsError(f"{name}: AWS could not make it ready: {reason} ({state.get(f'{key}ReasonCode')})")
        return live.version(answer)

    def _publish(self, function: FunctionPlan, action: PublishVersion, revision: str) -> str:
        answer = self.aws.call(
            "publish_version",
            FunctionName=function.aws_name,
            CodeSha256=action.record.code_sha256,
            Description=version_description(action.record, action.description),
            RevisionId=revision,
        )
        # An alias on a version that is still being made ready would answer with errors.
        self._settled(function.aws_name, answer["Version"])
        return str(answer["Version"])

    # ------------------------------------------------------------ this does

    def shift(self, versions: Mapping[str, str]) -> None:
        """Move every alias, then ask the functions that moved; on any failure move all of them back."""
        begun: list[tuple[FunctionPlan, Shift]] = []

        def one(function: FunctionPlan) -> None:
            for action in function.shift:
                begun.append((function, action))
                self._shift(function, action, versions[function.function])

        moving = [function for function in self.plan.functions if function.shift]
        try:
            each(one, moving, self.aws.interrupted)
            each(self._smoke, [function for function in moving if function.smoke], self.aws.interrupted)
        except BaseException as error:
            self.aws.interrupted.clear()
            raise self._restored(begun, error) from error
        for function in moving:
            done = "function created" if function.new else "function updated"
            self.log(done, function, name=function.aws_name, version=versions[function.function])

    def _shift(self, function: FunctionPlan, action: Shift, version: str) -> None:
        if isinstance(action, PutConcurrency):
            self._limit(function, action.after)
            return
        parameters: dict[str, Any] = {
            "FunctionName": function.aws_name,
            "Name": action.alias,
            "FunctionVersion": version,
            "Description": action.description,
        }
        try:
            if action.revision is None:
                self.aws.call("create_alias", **parameters)
            else:
                self.aws.call("update_alias", **parameters, RevisionId=action.revision, RoutingConfig=_NO_CANARY)
        except MovedError:
            # Our own call may have been sent again after its answer was lost.
            if not self._is_ours(function, action):
                raise
        verb = "created" if action.revision is None else "updated"
        self.log(f"{verb} alias {action.alias}", function, version=version)

    def _limit(self, function: FunctionPlan, wanted: int | None) -> None:
        if wanted is None:
            self.aws.call("delete_function_concurrency", FunctionName=function.aws_name)
        else:
            self.aws.call(
                "put_function_concurrency", FunctionName=function.aws_name, ReservedConcurrentExecutions=wanted
            )

    def _is_ours(self, function: FunctionPlan, action: PointAlias) -> bool:
        now = self._alias(function, action)
        return now is not None and now["Description"] == action.description

    def _alias(self, function: FunctionPlan, action: PointAlias) -> dict[str, Any] | None:
        try:
            return self.aws.call("get_alias", FunctionName=function.aws_name, Name=action.alias)
        except AbsentError:
            return None

    def _smoke(self, function: FunctionPlan) -> None:
        assert function.smoke is not None
        alias = next(action.alias for action in function.shift if isinstance(action, PointAlias))
        event = json.dumps(function.smoke.event).encode()
        answer = self.aws.invoke(function.aws_name, alias, event)
        smoke.check(function.function, function.smoke, answer)
        self.log("smoke test passed", function)

    def _restored(self, begun: list[tuple[FunctionPlan, Shift]], cause: BaseException) -> ReleaseError:
        """Put back every alias of this release, whether or not its own move was answered."""
        left: list[str] = []
        for function, action in reversed(begun):
            try:
                self._restore(function, action)
            except DollopError as error:
                left.append(f"{function.function}: {error.message}")
        reason = cause.message if isinstance(cause, DollopError) else "interrupted"
        if left:
            failed = "\n".join(left)
            return ReleaseError(
                f"{reason}\nand not every alias could be put back:\n{failed}",
                f"dollop status shows what each stage runs; dollop rollback {self.plan.stage} tries again",
                restored=False,
            )
        hint = getattr(cause, "hint", "") or "mend it and deploy again"
        return ReleaseError(f"{reason}\nevery alias of the release is back where it was", hint)

    def _restore(self, function: FunctionPlan, action: Shift) -> None:
        if isinstance(action, PutConcurrency):
            self._limit(function, action.before)
            return
        now = self._alias(function, action)
        if now is None or now["Description"] != action.description:
            return
        if action.before is None:
            self.aws.call("delete_alias", FunctionName=function.aws_name, Name=action.alias)
            self.log(f"removed alias {action.alias}", function)
            return
        self.aws.call(
            "update_alias",
            FunctionName=function.aws_name,
            Name=action.alias,
            FunctionVersion=action.before,
            Description=action.restore,
            RevisionId=now["RevisionId"],
            RoutingConfig=_NO_CANARY,
        )
        self.log(f"restored alias {action.alias}", function, version=action.before)

    # ------------------------------------------------------------ and this takes away

    def remove(self) -> None:
        """Delete versions and functions."""
        each(self._remove, [function for function in self.plan.functions if function.remove], self.aws.interrupted)

    def _remove(self, function: FunctionPlan) -> None:
        for action in function.remove:
            qualifier = {"Qualifier": action.version} if isinstance(action, DeleteVersion) else {}
            try:
                self.aws.call("delete_function", FunctionName=function.aws_name, **qualifier)
            except AbsentError:
                pass  # gone already, by an earlier run that broke off
            if isinstance(action, DeleteVersion):
                self.log("deleted version", function, version=action.version)
            else:
                self.log("deleted function", function, name=function.aws_name)


_NO_CANARY: dict[str, Any] = {"AdditionalVersionWeights": {}}


def _creation(name: str, action: CreateFunction) -> dict[str, Any]:
    settings = {key: _reveal(value) for key, value in action.settings.items()}
    parameters = {
        **{key: value for key, value in settings.items() if value not in ("", [])},
        "FunctionName": name,
        "Code": {"ZipFile": action.package.path.read_bytes()},
        "PackageType": "Zip",
        "Environment": {"Variables": _reveal(action.environment)},
        "Tags": dict(action.tags),
    }
    if not parameters["LoggingConfig"]["LogGroup"]:
        parameters["LoggingConfig"] = {**parameters["LoggingConfig"], "LogGroup": log_group(name)}
    for key, empty in _EMPTY.items():
        if parameters.get(key) == empty:
            del parameters[key]
    return parameters


_EMPTY: dict[str, Any] = {
    "VpcConfig": {"SubnetIds": [], "SecurityGroupIds": [], "Ipv6AllowedForDualStack": False},
    "DeadLetterConfig": {"TargetArn": ""},
}


def _update(name: str, action: UpdateConfiguration) -> dict[str, Any]:
    parameters = {"FunctionName": name, **{key: _reveal(value) for key, value in action.settings.items()}}
    logging = parameters.get("LoggingConfig")
    if logging and not logging["LogGroup"]:
        parameters["LoggingConfig"] = {**logging, "LogGroup": log_group(name)}
    if action.environment is not None:
        parameters["Environment"] = {"Variables": _reveal(action.environment)}
    return parameters


def _reveal(value: Any) -> Any:
    if isinstance(value, Secret):
        return value.reveal()
    if isinstance(value, Mapping):
        return {key: _reveal(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_reveal(item) for item in value]
    return value


def _has(latest: LiveVersion, action: Preparation) -> bool:
    """Whether ``$LATEST`` is what ``action`` makes of it."""
    if isinstance(action, UpdateCode):
        architectures = latest.settings["Architectures"] == list(action.architectures)
        return architectures and latest.code_sha256 == action.package.code_sha256
    if isinstance(action, (CreateFunction, UpdateConfiguration)):
        same = not diff.differing(action.settings, latest.settings)
        same = same and (action.environment is None or action.environment == latest.environment)
        return same and (isinstance(action, UpdateConfiguration) or latest.code_sha256 == action.package.code_sha256)
    return True
