"""Read-only: AWS -> Live. Only ResourceNotFound means absent; any other error is an error.

GetFunction answers nearly everything and has a quota of its own (100/s, all other calls share 15/s),
so a function that is as it should be costs that one call.
"""

from __future__ import annotations

import base64
import contextlib
import functools
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from ci import content, diff, record, service_model, settings
from ci.aws import Aws
from ci.errors import AbsentError, AwsError
from ci.model import File, Function, Live, LiveAlias, LiveFunction, LiveLayer, LiveVersion, Package, Secret, Stage
from ci.parallel import Track, each, quiet


def read(
    aws: Aws,
    stage: Stage,
    functions: Iterable[Function],
    packages: Mapping[str, Package] | None = None,
    aliases: bool = False,
    versions: bool = False,
    track: Track = quiet,
) -> Live:
    """What ``stage`` runs of each function; where that is asked for, also all its ``aliases`` and ``versions``.

    With ``packages``, the functions that differ from them are read in full: ``$LATEST``, aliases, versions and the
    files of the live package.
    """

    def one(function: Function) -> LiveFunction | None:
        found, answer = _running(aws, stage, function)
        if found is None:
            return None
        package = packages[function.name] if packages else None
        if package is None or diff.settled(function, package, found):
            return _listed(aws, function, found, aliases, versions)
        return _in_full(aws, function, package, _listed(aws, function, found, True, True), answer)

    wanted = list(functions)
    with track(f"reading {stage.name}", len(wanted)) as done:
        return Live(stage, dict(zip((f.name for f in wanted), each(one, wanted, aws.interrupted, done), strict=True)))


def compare(
    aws: Aws,
    stage: Stage,
    functions: Iterable[Function],
    targets: Mapping[str, str],
    known: Live | None = None,
    track: Track = quiet,
) -> tuple[Live, dict[str, LiveVersion | None]]:
    """What ``stage`` runs, and what AWS has under each function's version number (or alias) in ``targets``.

    Where the two are different versions, or the stage has a rollout, which may have left a canary, the function's
    aliases are read (unless they are in ``known``), and the files of both when the code differs. In one go, because
    aliases and the rest have quotas of their own.
    """

    def one(function: Function) -> tuple[LiveFunction | None, LiveVersion | None]:
        found, answer = _running(aws, stage, function)
        there = _get(aws, function.aws_name, targets[function.name]) if function.name in targets else None
        target = version(there) if there else None
        if found is None or there is None or target is None:
            return found, target
        before = known.functions[function.name] if known else None
        if before is not None:
            found = replace(found, aliases=before.aliases)
        elif found.running is None or found.running.version != target.version or stage.rollout:
            found = _listed(aws, function, found, True, False)
        if found.running is not None and found.running.code_sha256 != target.code_sha256:
            running = _with_files(aws, answer, found.running)
            found, target = replace(found, running=running), _with_files(aws, there, target)
        return found, target

    wanted = list(functions)
    with track(f"reading {stage.name}", len(wanted)) as done:
        pairs = dict(zip((f.name for f in wanted), each(one, wanted, aws.interrupted, done), strict=True))
    return Live(stage, {name: found for name, (found, _) in pairs.items()}), {n: v for n, (_, v) in pairs.items()}


def survey(
    aws: Aws, stages: Mapping[str, Stage], functions: Iterable[Function], track: Track = quiet
) -> tuple[dict[str, Live], dict[str, LiveVersion | None]]:
    """What each of ``stages`` runs, with all aliases, and ``$LATEST`` of each function.

    In one go, because aliases and the rest have quotas of their own.
    """

    def one(function: Function) -> tuple[LiveVersion | None, dict[str, LiveFunction | None]]:
        latest = _get(aws, function.aws_name)
        if latest is None:
            return None, dict.fromkeys(stages)
        bare = _listed(aws, function, _function(function, latest, running=None), True, False)
        found: dict[str, LiveFunction | None] = {}
        for name, stage in stages.items():
            answer = _get(aws, function.aws_name, stage.alias) if stage.alias in (bare.aliases or {}) else None
            found[name] = replace(bare, running=version(answer)) if answer else bare
        return version(latest), found

    wanted = list(functions)
    with track("reading", len(wanted)) as done:
        found = dict(zip((f.name for f in wanted), each(one, wanted, aws.interrupted, done), strict=True))
    lives = {
        stage: Live(stages[stage], {name: there[stage] for name, (_, there) in found.items()}) for stage in stages
    }
    return lives, {name: latest for name, (latest, _) in found.items()}


def versions(
    aws: Aws, functions: Iterable[Function], numbers: Mapping[str, str], track: Track = quiet
) -> dict[str, LiveVersion | None]:
    """What AWS has under each function's version number (or alias name); None where there is nothing."""

    def one(function: Function) -> LiveVersion | None:
        answer = _get(aws, function.aws_name, numbers[function.name])
        return version(answer) if answer else None

    wanted = [function for function in functions if function.name in numbers]
    with track("reading versions", len(wanted)) as done:
        return dict(zip((f.name for f in wanted), each(one, wanted, aws.interrupted, done), strict=True))


def package(aws: Aws, function: Function, qualifier: str) -> tuple[LiveVersion, bytes]:
    """A version, by its number or an alias, and the zip that it runs.

    Raises AwsError: there is none, its zip cannot be had, or what AWS hands out is not what the version runs.
    """
    answer = _get(aws, function.aws_name, qualifier)
    if answer is None:
        raise AbsentError(f"function {function.name}: AWS has no {qualifier} of it", "dollop status says what there is")
    found = version(answer)
    where = f"function {function.name}: version {found.version}"
    return found, _whole(aws, answer["Code"]["Location"], found.code_sha256, where)


def package_of_layer(aws: Aws, arn: str) -> bytes:
    """The zip of a layer's version. Raises AwsError as ``package`` does."""
    answer = aws.call("get_layer_version_by_arn", Arn=arn)["Content"]
    return _whole(aws, answer["Location"], answer["CodeSha256"], arn)


def _whole(aws: Aws, location: str, code_sha256: str, where: str) -> bytes:
    data, _ = aws.download(location, content.SIZE_LIMIT)
    if _sha256(data) != code_sha256:
        what = f"{where}: AWS handed out a zip that is not the version's"
        raise AwsError(what, "its sha256 differs; the embedded AWS has the newest zip only")
    return data


def _get(aws: Aws, name: str, qualifier: str | None = None) -> dict[str, Any] | None:
    parameters = {"FunctionName": name} | ({"Qualifier": qualifier} if qualifier else {})
    try:
        return aws.call("get_function", **parameters)
    except AbsentError:
        return None


def _running(aws: Aws, stage: Stage, function: Function) -> tuple[LiveFunction | None, Mapping[str, Any]]:
    """The function with what the stage runs of it, and GetFunction's own answer."""
    answer = _get(aws, function.aws_name, stage.alias)
    if answer is not None:
        return _function(function, answer, running=version(answer)), answer
    answer = _get(aws, function.aws_name)
    return (_function(function, answer, running=None), answer) if answer else (None, {})


def _function(function: Function, answer: Mapping[str, Any], running: LiveVersion | None) -> LiveFunction:
    if "TagsError" in answer:
        reason = answer["TagsError"].get("Message", "no reason given")
        raise AwsError(f"{function.aws_name}: GetFunction: tags could not be read: {reason}", "allow lambda:ListTags")
    return LiveFunction(
        arn=":".join(answer["Configuration"]["FunctionArn"].split(":")[:7]),
        running=running,
        tags=answer.get("Tags") or {},
        concurrency=answer.get("Concurrency", {}).get("ReservedConcurrentExecutions"),
    )


def _listed(aws: Aws, function: Function, found: LiveFunction, aliases: bool, versions: bool) -> LiveFunction:
    if aliases:
        listed = aws.pages("list_aliases", "Aliases", FunctionName=function.aws_name)
        found = replace(found, aliases={item["Name"]: _alias(item) for item in listed})
    if versions:
        listed = aws.pages("list_versions_by_function", "Versions", FunctionName=function.aws_name)
        published = (_configuration(item) for item in listed if item["Version"] != "$LATEST")
        found = replace(found, versions=tuple(sorted(published, key=lambda version: int(version.version))))
    return found


def _in_full(
    aws: Aws, function: Function, package: Package, found: LiveFunction, answer: Mapping[str, Any]
) -> LiveFunction:
    """With the workbench, and the files of the code that will be replaced. An update in progress is waited for."""
    settled = aws.settle(function.aws_name)
    latest, running = version(settled), found.running
    if running is None:
        latest = _with_files(aws, settled, latest)
    elif not diff.same_code(package, running):
        running = _with_files(aws, answer, running)
    return replace(found, running=running, latest=latest)


@functools.cache
def _members() -> Mapping[str, service_model.Shape]:
    return service_model.members("CreateFunction")


def _taken(member: str, value: Any) -> Any:
    """``value`` without the fields that AWS tells and CreateFunction does not take, such as VpcConfig.VpcId."""
    fields = _members()[member].members if member in _members() else None
    return {key: each for key, each in value.items() if key in fields} if fields and isinstance(value, dict) else value


def _alias(item: Mapping[str, Any]) -> LiveAlias:
    description, canary = record.read_canary(item.get("Description", ""))
    weights = item.get("RoutingConfig", {}).get("AdditionalVersionWeights") or {}
    ours = canary is not None and canary.before == item["FunctionVersion"] and {canary.version} == weights.keys()
    return LiveAlias(
        name=item["Name"],
        version=item["FunctionVersion"],
        revision=item["RevisionId"],
        description=description,
        record=record.read_alias(description),
        weights=weights,
        canary=canary if ours else None,
    )


def version(answer: Mapping[str, Any]) -> LiveVersion:
    """A version from GetFunction's answer."""
    found, state = _configuration(answer["Configuration"]), answer["Configuration"]
    failed = [f"{state.get(f'{key}Reason') or 'no reason given'} ({state.get(f'{key}ReasonCode')})" for key in _STATES
              if state.get(key) == "Failed"]
    return replace(found, failed=failed[0]) if failed else found


_STATES = ("State", "LastUpdateStatus")
"""https://docs.aws.amazon.com/lambda/latest/dg/functions-states.html"""


def _configuration(item: Mapping[str, Any]) -> LiveVersion:
    """A FunctionConfiguration in the words of the model, without what AWS adds to it."""
    environment = item.get("Environment") or {}
    if "Error" in environment:
        reason = environment["Error"].get("Message", "no reason given")
        raise AwsError(
            f"{item['FunctionName']}: its environment could not be read: {reason}", "allow kms:Decrypt on its key"
        )
    own, written = record.read_version(item.get("Description", ""))
    told = settings.from_aws(item, _members())
    return LiveVersion(
        version=item["Version"],
        settings={key: _taken(key, value) for key, value in told.items()} | {"Description": own},
        environment={name: Secret(value) for name, value in (environment.get("Variables") or {}).items()},
        code_sha256=item["CodeSha256"],
        size=item["CodeSize"],
        modified=item["LastModified"],
        revision=item.get("RevisionId", ""),
        description=item.get("Description", ""),
        record=written,
    )


def layer(aws: Aws, wanted: Package) -> LiveLayer:
    """The newest version of the layer that holds what is ``wanted``, by the digest in its description."""
    newest = 0
    try:
        for item in aws.pages("list_layer_versions", "LayerVersions", LayerName=wanted.function):
            newest = max(newest, item["Version"])
            if record.read_layer(item.get("Description", "")) == wanted.digest:
                return LiveLayer(item["LayerVersionArn"], newest)
    except AbsentError:
        pass
    return LiveLayer(None, newest)


def own_layers(aws: Aws, name: str) -> LiveLayer:
    """Every version of the layer that we published."""
    try:
        listed = list(aws.pages("list_layer_versions", "LayerVersions", LayerName=name))
    except AbsentError:
        listed = []
    ours = ((item["Version"], item["LayerVersionArn"]) for item in listed
            if record.read_layer(item.get("Description", "")) is not None)
    return LiveLayer(None, max((item["Version"] for item in listed), default=0), tuple(sorted(ours)))


def layers(aws: Aws, arns: Iterable[str]) -> dict[str, int | None]:
    """Bytes that each layer version unpacks to. None: somebody else's, that may be used and not looked at."""

    def one(arn: str) -> int | None:
        try:
            answer = aws.call("get_layer_version_by_arn", Arn=arn)["Content"]
            for length in _DIRECTORY:
                data, size = aws.download(answer["Location"], length)
                with contextlib.suppress(ValueError):
                    return sum(file.size for file in content.listed(data))
        except AwsError as error:
            if error.code and error.code != "AccessDeniedException":
                raise
        return None

    wanted = list(arns)
    return dict(zip(wanted, each(one, wanted, aws.interrupted), strict=True))


_WHOLE = 1 << 24
"""Bytes of zip up to which a package without a record of ours is read whole: that shows what is in it."""
_DIRECTORY = (1 << 18, 1 << 22)
"""Bytes in which a zip's directory is looked for, from its end: about 2,500 files, then 40,000."""


def _with_files(aws: Aws, answer: Mapping[str, Any], found: LiveVersion) -> LiveVersion:
    """With the files of its package; as it is when they cannot be had, or are not those of what the version runs.

    They only make a plan more telling: not every network that reaches Lambda reaches where it keeps packages.
    """
    known = found.record is not None and found.record.code_sha256 == found.code_sha256
    for length in _DIRECTORY if known or found.size > _WHOLE else (_WHOLE,):
        try:
            data, size = aws.download(answer["Code"]["Location"], length)
        except AwsError:
            return found
        whole = len(data) == size
        if size != found.size or (whole and _sha256(data) != found.code_sha256):
            return found
        try:
            if whole and not known:
                files = content.read(data, folders=True)
                return replace(found, files=files, content=content.digest(map(_as_built, files)))
            return replace(found, files=content.listed(data))
        except ValueError:
            continue
    return found


def _as_built(file: File) -> File:
    """With the mode that a build gives it, where that makes no difference to Lambda."""
    readable = file.mode & 0o004 or not file.mode
    return replace(file, mode=0o755 if file.mode & 0o100 else 0o644) if readable else file


def _sha256(data: bytes) -> str:
    return base64.b64encode(hashlib.sha256(data).digest()).decode()
