"""Read-only: AWS -> Live. Only ResourceNotFound means absent; any other error is an error.

GetFunction answers nearly everything and has a quota of its own (100/s, all other calls share 15/s). A function that
is as it should be costs two of it: AWS tells tags and reserved concurrency of the function, not of its aliases.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any, TypeVar

from ci import diff
from ci.aws import Aws
from ci.errors import AbsentError, AwsError, Refused
from ci.live.answers import alias, configuration, version
from ci.live.packages import with_files
from ci.model import Function, Package, Stage
from ci.model.live import Live, LiveFunction, LiveVersion

Result = TypeVar("Result")


def read(
    aws: Aws,
    stage: Stage,
    functions: Iterable[Function],
    packages: Mapping[str, Package] | None = None,
    aliases: bool = False,
    versions: bool = False,
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
        return _in_full(aws, function, package, _listed(aws, function, found, aliases=True, versions=True), answer)

    return Live(stage, _of_each(aws, f"reading {stage.name}", functions, one))


def compare(
    aws: Aws,
    stage: Stage,
    functions: Iterable[Function],
    targets: Mapping[str, str],
    known: Live | None = None,
) -> tuple[Live, dict[str, LiveVersion | None]]:
    """What ``stage`` runs, and what AWS has under each function's version number (or alias) in ``targets``.

    Where the two are different versions, or the stage has a rollout, which may have left a canary, the function's
    aliases are read, and the files of both when the code differs. In one go, because aliases and the rest have quotas
    of their own. What is ``known`` of the stage, with its aliases, is not read again.
    """

    def one(function: Function) -> tuple[LiveFunction | None, LiveVersion | None]:
        found, answer = (known.functions[function.name], None) if known else _running(aws, stage, function)
        there = _get(aws, function.aws_name, targets[function.name]) if function.name in targets else None
        target = version(there) if there else None
        if found is None or there is None or target is None:
            return found, target
        moves = found.running is None or found.running.version != target.version
        if found.aliases is None and (moves or stage.rollout):
            found = _listed(aws, function, found, aliases=True)
        if found.running is not None and found.running.code_sha256 != target.code_sha256:
            answer = answer or _get(aws, function.aws_name, found.running.version)
            running = with_files(aws, answer, found.running) if answer else found.running
            found, target = replace(found, running=running), with_files(aws, there, target)
        return found, target

    pairs = _of_each(aws, f"reading {stage.name}", functions, one)
    return Live(stage, {name: found for name, (found, _) in pairs.items()}), {n: v for n, (_, v) in pairs.items()}


def survey(
    aws: Aws, stages: Mapping[str, Stage], functions: Iterable[Function]
) -> tuple[dict[str, Live], dict[str, LiveVersion | None]]:
    """What each of ``stages`` runs, with all aliases, and ``$LATEST`` of each function.

    In one go, because aliases and the rest have quotas of their own.
    """

    def one(function: Function) -> tuple[LiveVersion | None, dict[str, LiveFunction | None]]:
        latest = _get(aws, function.aws_name)
        if latest is None:
            return None, dict.fromkeys(stages)
        bare = _listed(aws, function, _function(function, latest, running=None), aliases=True)
        found: dict[str, LiveFunction | None] = {}
        for name, stage in stages.items():
            answer = _get(aws, function.aws_name, stage.alias) if stage.alias in (bare.aliases or {}) else None
            found[name] = replace(bare, running=version(answer)) if answer else bare
        return version(latest), found

    found = _of_each(aws, "reading", functions, one)
    lives = {
        stage: Live(stages[stage], {name: there[stage] for name, (_, there) in found.items()}) for stage in stages
    }
    return lives, {name: latest for name, (latest, _) in found.items()}


def versions(
    aws: Aws, functions: Iterable[Function], numbers: Mapping[str, str]
) -> dict[str, LiveVersion | None]:
    """What AWS has under each function's version number (or alias name); None where there is nothing."""

    def one(function: Function) -> LiveVersion | None:
        answer = _get(aws, function.aws_name, numbers[function.name])
        return version(answer) if answer else None

    wanted = [function for function in functions if function.name in numbers]
    return _of_each(aws, "reading versions", wanted, one)


def _of_each(
    aws: Aws, what: str, functions: Iterable[Function], one: Callable[[Function], Result]
) -> dict[str, Result]:
    """By function, what ``one`` reads of it; many at once."""
    wanted = list(functions)
    return dict(zip((function.name for function in wanted), aws.each(what, one, wanted), strict=True))


def _get(aws: Aws, name: str, qualifier: str | None = None) -> dict[str, Any] | None:
    parameters = {"FunctionName": name} | ({"Qualifier": qualifier} if qualifier else {})
    try:
        found = aws.call("get_function", **parameters)
    except AbsentError:
        return None
    if found["Configuration"].get("PackageType") == "Image":
        # It stays that: https://docs.aws.amazon.com/lambda/latest/dg/images-create.html
        hint = "give it another name in AWS (name: in pipeline.yaml), or delete what has this one"
        raise Refused(f"{name}: AWS has a container image by that name: no package can take its place", hint)
    return found


def _running(aws: Aws, stage: Stage, function: Function) -> tuple[LiveFunction | None, Mapping[str, Any]]:
    """The function with what the stage runs of it, and GetFunction's own answer."""
    whole = _get(aws, function.aws_name)
    if whole is None:
        return None, {}
    answer = _get(aws, function.aws_name, stage.alias)
    return _function(function, whole, running=version(answer) if answer else None), answer or whole


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


def _listed(
    aws: Aws, function: Function, found: LiveFunction, aliases: bool = False, versions: bool = False
) -> LiveFunction:
    if aliases:
        listed = aws.pages("list_aliases", "Aliases", FunctionName=function.aws_name)
        found = replace(found, aliases={item["Name"]: alias(item) for item in listed})
    if versions:
        listed = aws.pages("list_versions_by_function", "Versions", FunctionName=function.aws_name)
        published = (configuration(item) for item in listed if item["Version"] != "$LATEST")
        found = replace(found, versions=tuple(sorted(published, key=lambda version: int(version.version))))
    return found


def _in_full(
    aws: Aws, function: Function, package: Package, found: LiveFunction, answer: Mapping[str, Any]
) -> LiveFunction:
    """With the workbench, and the files of the code that will be replaced. An update in progress is waited for."""
    settled = aws.settle(function.aws_name)
    latest, running = version(settled), found.running
    if running is None:
        latest = with_files(aws, settled, latest)
    elif not diff.same_code(package, running):
        running = with_files(aws, answer, running)
    return replace(found, running=running, latest=latest)
