"""Read-only: AWS -> Live. Only ResourceNotFound means absent; any other error is an error.

GetFunction answers nearly everything and has a quota of its own (100/s, all other calls share 15/s),
so a function that is as it should be costs that one call.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import io
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from ci import diff, record, service_model, settings
from ci.aws import Aws
from ci.errors import AbsentError, AwsError
from ci.model import File, Function, Live, LiveAlias, LiveFunction, LiveVersion, Package, Secret, Stage
from ci.parallel import each


def read(
    aws: Aws,
    stage: Stage,
    functions: Iterable[Function],
    packages: Mapping[str, Package] | None = None,
    detail: bool = False,
) -> Live:
    """What ``stage`` runs of each function.

    With ``packages``, the functions that differ from them are read in detail (``$LATEST``, aliases,
    versions, the files of the live package); with ``detail`` all are.
    """

    def one(function: Function) -> LiveFunction | None:
        found = _running(aws, stage, function)
        package = packages and packages[function.name]
        if found is None or not (detail or (package and not diff.settled(function, package, found))):
            return found
        return _detail(aws, function, found, package or None)

    wanted = list(functions)
    return Live(stage, dict(zip((f.name for f in wanted), each(one, wanted, aws.interrupted), strict=True)))


def versions(
    aws: Aws, functions: Iterable[Function], numbers: Mapping[str, str], files: bool = False
) -> dict[str, LiveVersion | None]:
    """What AWS has under each function's version number (or alias name); None where there is nothing."""

    def one(function: Function) -> LiveVersion | None:
        answer = _get(aws, function.aws_name, numbers[function.name])
        return version(answer, aws if files else None) if answer else None

    wanted = [function for function in functions if function.name in numbers]
    return dict(zip((f.name for f in wanted), each(one, wanted, aws.interrupted), strict=True))


def _get(aws: Aws, name: str, qualifier: str | None = None) -> dict[str, Any] | None:
    parameters = {"FunctionName": name} | ({"Qualifier": qualifier} if qualifier else {})
    try:
        return aws.call("get_function", **parameters)
    except AbsentError:
        return None


def _running(aws: Aws, stage: Stage, function: Function) -> LiveFunction | None:
    answer = _get(aws, function.aws_name, stage.alias)
    if answer is not None:
        return _function(function, answer, running=version(answer))
    answer = _get(aws, function.aws_name)
    return _function(function, answer, running=None) if answer else None


def _function(function: Function, answer: Mapping[str, Any], running: LiveVersion | None) -> LiveFunction:
    if function.tags is not None and "TagsError" in answer:
        reason = answer["TagsError"].get("Message", "no reason given")
        raise AwsError(f"{function.aws_name}: GetFunction: tags could not be read: {reason}", "allow lambda:ListTags")
    return LiveFunction(
        arn=":".join(answer["Configuration"]["FunctionArn"].split(":")[:7]),
        running=running,
        tags=answer.get("Tags") or {},
        concurrency=answer.get("Concurrency", {}).get("ReservedConcurrentExecutions"),
    )


def _detail(aws: Aws, function: Function, found: LiveFunction, package: Package | None) -> LiveFunction:
    """Everything a plan may need of a function that differs. An update in progress is waited for."""
    latest = aws.settle(function.aws_name)
    listed = aws.pages("list_versions_by_function", "Versions", FunctionName=function.aws_name)
    published = sorted(
        (_configuration(item) for item in listed if item["Version"] != "$LATEST"), key=lambda item: int(item.version)
    )
    aliases = aws.pages("list_aliases", "Aliases", FunctionName=function.aws_name)
    running = found.running
    if package and running and not diff.same_code(package, running):
        answer = aws.call("get_function", FunctionName=function.aws_name, Qualifier=running.version)
        running = version(answer, aws)
    return LiveFunction(
        arn=found.arn,
        running=running,
        latest=version(latest, aws if package and running is None else None),
        aliases={item["Name"]: _alias(item) for item in aliases},
        versions=tuple(published),
        tags=found.tags,
        concurrency=found.concurrency,
    )


@functools.cache
def _members() -> frozenset[str]:
    return frozenset(service_model.members("CreateFunction"))


def _alias(item: Mapping[str, Any]) -> LiveAlias:
    description = item.get("Description", "")
    return LiveAlias(
        name=item["Name"],
        version=item["FunctionVersion"],
        revision=item["RevisionId"],
        description=description,
        record=record.read_alias(description),
        weights=item.get("RoutingConfig", {}).get("AdditionalVersionWeights") or {},
    )


def version(answer: Mapping[str, Any], aws: Aws | None = None) -> LiveVersion:
    """A version from GetFunction's answer; with ``aws``, also the files of its package."""
    found = _configuration(answer["Configuration"])
    if aws is None:
        return found
    return replace(found, files=_files(aws.download(answer["Code"]["Location"]), found.code_sha256))


def _configuration(item: Mapping[str, Any]) -> LiveVersion:
    """A FunctionConfiguration in the words of the model, without what AWS adds to it."""
    environment = item.get("Environment") or {}
    if "Error" in environment:
        reason = environment["Error"].get("Message", "no reason given")
        raise AwsError(
            f"{item['FunctionName']}: its environment could not be read: {reason}", "allow kms:Decrypt on its key"
        )
    own, written = record.read_version(item.get("Description", ""))
    return LiveVersion(
        version=item["Version"],
        settings=settings.from_aws(item, _members()) | {"Description": own},
        environment={name: Secret(value) for name, value in (environment.get("Variables") or {}).items()},
        code_sha256=item["CodeSha256"],
        size=item["CodeSize"],
        modified=item["LastModified"],
        revision=item["RevisionId"],
        description=item.get("Description", ""),
        record=written,
    )


def _files(data: bytes, code_sha256: str) -> tuple[File, ...] | None:
    """The directory of a live package; None when what was sent is not the code that the version runs."""
    if base64.b64encode(hashlib.sha256(data).digest()).decode() != code_sha256:
        return None
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = [entry for entry in archive.infolist() if not entry.is_dir()]
    except zipfile.BadZipFile:
        return None
    files = (File(item.filename, item.external_attr >> 16 & 0o777, item.file_size, item.CRC, "") for item in entries)
    return tuple(sorted(files))
