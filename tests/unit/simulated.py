"""AWS Lambda as its documentation describes it, in memory: what each action of a plan does, and what is then read.

It shares no code with ``ci/apply`` and ``ci/live``, so that a plan is judged by what AWS makes of it.
https://docs.aws.amazon.com/lambda/latest/api/API_Operations.html
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ci import diff, record, settings
from ci.model import File, Function, Package, Secret, Stage
from ci.model.live import CanaryRecord, Live, LiveAlias, LiveFunction, LiveVersion
from ci.plan.actions import (
    Action,
    Attach,
    CreateFunction,
    DeleteFunction,
    DeleteVersion,
    PointAlias,
    PublishVersion,
    PutConcurrency,
    SplitAlias,
    TagFunction,
    UntagFunction,
    UpdateCode,
    UpdateConfiguration,
)
from ci.plan.plan import FunctionPlan, Plan
from ci.release import Release, Released, amounting_to
from tests.unit import given

_MEMBERS = frozenset(setting.member for setting in settings.SETTINGS)


class Refusal(Exception):
    """AWS would not do it."""


@dataclass
class Code:
    sha256: str
    size: int
    files: tuple[File, ...]


@dataclass
class Configuration:
    said: dict[str, Any]
    environment: dict[str, str]
    code: Code
    revision: str
    description: str = ""

    def same(self, other: Configuration) -> bool:
        return (self.said, self.environment, self.code) == (other.said, other.environment, other.code)


@dataclass
class Alias:
    version: str
    description: str
    revision: str
    weights: dict[str, float] = field(default_factory=dict)
    planned: str = ""
    """The revision that a canary was planned against: whoever began it knows the new one, and goes on."""


@dataclass
class Deployed:
    """One function, and all that hangs on it."""

    name: str
    latest: Configuration
    versions: dict[str, Configuration] = field(default_factory=dict)
    aliases: dict[str, Alias] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    concurrency: int | None = None
    counter: int = 0
    """Version numbers are never used twice."""


class Account:
    """An account in one region."""

    def __init__(self) -> None:
        self.functions: dict[str, Deployed] = {}
        self.numbers: dict[str, int] = {}
        """Of each function that was deleted, its last version: no number is given twice."""
        self._revisions = 0

    def revision(self) -> str:
        self._revisions += 1
        return f"revision-{self._revisions}"

    # ------------------------------------------------------------ what the API does

    def carry_out(self, plan: Plan, stop: int | None = None, backwards: bool = False) -> None:
        """The actions of ``plan``, or the first ``stop`` of them; in the order of the functions, or against it."""
        published: dict[str, str] = {}
        known: dict[str, str] = {}
        for function, action in steps(plan, backwards)[:stop]:
            there = self.functions.get(function.aws_name)
            carries_revision = isinstance(action, (UpdateConfiguration, UpdateCode, PublishVersion))
            if carries_revision and not function.new:
                assert there is not None
                if known.get(function.function, function.revision) != there.latest.revision:
                    raise Refusal(f"{function.function}: PreconditionFailed: $LATEST has moved")
            number = self._do(function, action, published.get(function.function))
            if number:
                published[function.function] = number
            if carries_revision:
                known[function.function] = self.functions[function.aws_name].latest.revision

    def _do(self, function: FunctionPlan, action: Action, published: str | None) -> str | None:
        name = function.aws_name
        if isinstance(action, CreateFunction):
            if name in self.functions:
                raise Refusal(f"{name}: ResourceConflict: it exists")
            configuration = Configuration(
                revealed(action.settings), revealed(action.environment), _code(action.package), self.revision()
            )
            numbered = self.numbers.get(name, 0)
            self.functions[name] = Deployed(name, configuration, tags=dict(action.tags), counter=numbered)
            return None
        there = self.functions[name]
        match action:
            case UpdateConfiguration():
                environment = there.latest.environment if action.environment is None else revealed(action.environment)
                said = there.latest.said | revealed(action.settings)
                if action.record:
                    said["Description"] = record.version_description(action.record, said["Description"])
                there.latest = Configuration(said, environment, there.latest.code, self.revision())
            case UpdateCode():
                said = there.latest.said | {"Architectures": list(action.architectures)}
                there.latest = Configuration(said, there.latest.environment, _code(action.package), self.revision())
            case TagFunction():
                there.tags |= action.tags
            case UntagFunction():
                for key in action.keys:
                    del there.tags[key]
            case PublishVersion():
                return self._publish(there, action)
            case PutConcurrency():
                assert action.before == there.concurrency
                there.concurrency = action.after
            case Attach():
                assert "mark" == action.about.kind and action.after, "nothing else is around a function here"
                there.tags["dollop"] = action.after.settings["Value"]
            case SplitAlias():
                self._split(there, action, published)
            case PointAlias():
                self._point(there, action, published)
            case DeleteVersion():
                self._delete(there, action.version)
            case DeleteFunction():
                self.delete(name)
        return None

    def delete(self, name: str) -> None:
        """A whole function, by a plan or by hand."""
        self.numbers[name] = self.functions.pop(name).counter

    def _publish(self, there: Deployed, action: PublishVersion) -> str:
        """A version; the newest one when configuration and code have not changed since.

        https://docs.aws.amazon.com/lambda/latest/api/API_PublishVersion.html
        """
        if action.record.code_sha256 != there.latest.code.sha256:
            raise Refusal(f"{there.name}: InvalidParameterValue: CodeSHA256 differs")
        newest = list(there.versions)[-1:]
        if newest and there.versions[newest[0]].same(there.latest):
            return newest[0]
        there.counter += 1
        number = str(there.counter)
        description = record.version_description(action.record, action.description)
        if len(description) > 256:
            raise Refusal(f"{there.name}: the description is too long")
        there.versions[number] = replace(there.latest, revision=self.revision(), description=description)
        return number

    def _split(self, there: Deployed, action: SplitAlias, published: str | None) -> None:
        """https://docs.aws.amazon.com/lambda/latest/dg/configuring-alias-routing.html"""
        number, now = self._checked(there, action, action.version or published)
        assert now is not None
        both = [there.versions.get(one) for one in (now.version, number)]
        if None in both or len({str(_alike(one)) for one in both if one}) > 1:
            raise Refusal(f"{there.name}: InvalidParameterValue: no calls are split between these versions")
        left = CanaryRecord(now.version, number, record.token(action.release), given.moment(self._revisions % 1440))
        description = record.canary_description(now.description, left)
        weights = {number: action.share / 100}
        there.aliases[action.alias] = Alias(now.version, description, self.revision(), weights, action.revision)

    def _point(self, there: Deployed, action: PointAlias, published: str | None) -> None:
        number, _ = self._checked(there, action, action.version or published)
        if len(action.description) > 256:
            raise Refusal(f"{there.name}: the description is too long")
        description = action.description if action.version else _numbered(action, number)
        there.aliases[action.alias] = Alias(number, description, self.revision())

    def _checked(
        self, there: Deployed, action: SplitAlias | PointAlias, number: str | None
    ) -> tuple[str, Alias | None]:
        now = there.aliases.get(action.alias)
        if number is None or number not in there.versions:
            raise Refusal(f"{there.name}: ResourceNotFound: version {number}")
        if action.revision not in (now.revision, now.planned) if now else action.revision is not None:
            raise Refusal(f"{there.name}: PreconditionFailed: the alias has moved")
        assert action.before == (now.version if now else None), "the plan shows another version than the alias has"
        alike = action.expected == number or action.version is None
        assert alike, "the plan shows another version than the alias gets"
        assert action.restore == (record.read_canary(now.description)[0] if now else "")
        return number, now

    def _delete(self, there: Deployed, number: str) -> None:
        used = {one for alias in there.aliases.values() for one in (alias.version, *alias.weights)}
        if number in used:
            raise Refusal(f"{there.name}: ResourceConflict: an alias points to version {number}")
        del there.versions[number]

    # ------------------------------------------------------------ what is read

    def live(
        self, stage: Stage, functions: Iterable[Function], packages: Mapping[str, Package] | None = None
    ) -> Live:
        """As ``live.read`` says: with ``packages`` only what differs is read in detail, without them everything."""
        found = {function.name: self._found(stage, function) for function in functions}
        for function in functions:
            whole = found[function.name]
            if packages and whole and diff.settled(function, packages[function.name], whole):
                aliases = whole.aliases if stage.rollout else None
                found[function.name] = replace(whole, latest=None, aliases=aliases, versions=None)
        return Live(stage, found)

    def _found(self, stage: Stage, function: Function) -> LiveFunction | None:
        there = self.functions.get(function.aws_name)
        if there is None:
            return None
        alias = there.aliases.get(stage.alias)
        return LiveFunction(
            arn=given.ARN + there.name,
            running=_version(there, alias.version) if alias else None,
            latest=_version(there, "$LATEST"),
            aliases={
                name: _alias(name, one) for name, one in there.aliases.items()
            },
            versions=tuple(_version(there, number) for number in there.versions),
            tags=dict(there.tags),
            concurrency=there.concurrency,
        )

    def versions(self, functions: Iterable[Function], numbers: Mapping[str, str]) -> dict[str, LiveVersion | None]:
        """As ``live.versions`` says."""
        found: dict[str, LiveVersion | None] = {}
        for function in functions:
            number = numbers.get(function.name)
            if number is not None:
                there = self.functions.get(function.aws_name)
                exists = there is not None and (number == "$LATEST" or number in there.versions)
                found[function.name] = _version(there, number) if there and exists else None
        return found

    def release(self, stage: Stage, functions: Iterable[Function]) -> Release:
        """What ``stage`` runs, as the release that it amounts to."""
        running = {f.name: found.running for f in functions if (found := self._found(stage, f)) and found.running}
        released = {
            name: Released(one.version, one.record.digest if one.record else "", one.code_sha256)
            for name, one in running.items()
        }
        return amounting_to(stage.name, released, "1234", given.moment(0))

    def pointed(self, stage: Stage) -> dict[str, str]:
        """Function -> the version that its alias points to."""
        aliases = {name: there.aliases.get(stage.alias) for name, there in self.functions.items()}
        return {name: alias.version for name, alias in aliases.items() if alias}


def _numbered(action: PointAlias, number: str) -> str:
    """The alias tells the number that AWS gave, which need not be the one that was expected."""
    return action.description.replace(f" version={action.expected}", f" version={number}")


def steps(plan: Plan, backwards: bool = False) -> list[tuple[FunctionPlan, Action]]:
    """Every action in the order of the phases: all functions are prepared before any alias moves."""
    functions = plan.functions[::-1] if backwards else plan.functions

    def phases() -> Iterator[tuple[FunctionPlan, Action]]:
        yield from ((function, action) for function in functions for action in function.prepare)
        early = [(function, action) for function in functions for action in function.shift if _early(plan, action)]
        yield from early
        shift = ((function, action) for function in functions for action in function.shift)
        yield from ((function, action) for function, action in shift if not _early(plan, action))
        yield from ((function, action) for function in functions for action in function.attach)
        yield from ((function, action) for function in functions for action in function.remove)

    return list(phases())


def _early(plan: Plan, action: Action) -> bool:
    """Whether ``action`` comes before the time of a canary."""
    new = isinstance(action, PointAlias) and action.revision is None
    return plan.rollout is not None and (isinstance(action, SplitAlias) or new)


def revealed(value: Any) -> Any:
    if isinstance(value, Secret):
        return value.reveal()
    if isinstance(value, Mapping):
        return {key: revealed(item) for key, item in value.items()}
    if isinstance(value, list):
        return [revealed(item) for item in value]
    return value


def _code(package: Package) -> Code:
    return Code(package.code_sha256, package.size, package.files)


def _alias(name: str, one: Alias) -> LiveAlias:
    description, canary = record.read_canary(one.description)
    ours = canary if canary and one.weights else None
    return LiveAlias(
        name, one.version, one.revision, description, record.read_alias(description), one.weights, ours
    )


def _alike(one: Configuration) -> tuple[Any, Any]:
    """What must be the same in two versions, so that calls are split between them."""
    return one.said["Role"], one.said.get("DeadLetterConfig")


def _version(there: Deployed, number: str) -> LiveVersion:
    configuration = there.latest if number == "$LATEST" else there.versions[number]
    own, written = record.read_version(configuration.description)
    if number == "$LATEST":
        own, written = record.read_version(configuration.said.get("Description", ""))
    return LiveVersion(
        version=number,
        settings=settings.from_aws(told(there.name, configuration.said), _MEMBERS) | {"Description": own},
        environment=given.secrets(configuration.environment),
        code_sha256=configuration.code.sha256,
        size=configuration.code.size,
        modified="2026-01-31T09:00:00.000+0000",
        revision=configuration.revision,
        description=configuration.description,
        record=written,
        files=configuration.code.files,
    )


def told(name: str, said: Mapping[str, Any]) -> dict[str, Any]:
    """Settings as GetFunction tells them: nothing empty, with what AWS works out by itself, in an order of its own.

    https://docs.aws.amazon.com/lambda/latest/api/API_FunctionConfiguration.html
    """
    answer = {key: value for key, value in said.items() if value not in ("", [], {"TargetArn": ""})}
    vpc = dict(said.get("VpcConfig", {}))
    if vpc.get("SubnetIds"):
        orders = {key: sorted(vpc[key], reverse=True) for key in ("SubnetIds", "SecurityGroupIds")}
        answer["VpcConfig"] = vpc | orders | {"VpcId": "vpc-1"}
    else:
        answer.pop("VpcConfig", None)
    if "Layers" in answer:
        answer["Layers"] = [{"Arn": arn, "CodeSize": 1000} for arn in answer["Layers"]]
    if "SnapStart" in answer:
        answer["SnapStart"] = {**answer["SnapStart"], "OptimizationStatus": "Off"}
    logging = dict(said.get("LoggingConfig", {"LogFormat": "Text"}))
    logging["LogGroup"] = logging.get("LogGroup") or f"/aws/lambda/{name}"
    if logging["LogFormat"] == "JSON":
        logging = {"ApplicationLogLevel": "INFO", "SystemLogLevel": "INFO"} | logging
    return {**answer, "FunctionName": name, "LoggingConfig": logging}
