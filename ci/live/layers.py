"""The layers that AWS has."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ci import content, record
from ci.aws import Aws
from ci.errors import AbsentError, AwsError
from ci.live.packages import DIRECTORY
from ci.model import File, Package
from ci.model.live import LiveLayer


def newest(aws: Aws, wanted: Package) -> LiveLayer:
    """The newest version of the layer that holds what is ``wanted``, by the digest in its description.

    One that holds other bytes than were sent is none. Where there is none, what the newest of ours holds: it only
    makes a plan more telling, and may be out of reach.
    """
    there = _listed(aws, wanted.function)
    for item in there:
        digest, code_sha256 = record.read_layer(item.get("Description", "")) or ("", "")
        if digest == wanted.digest and (not code_sha256 or _holds(aws, item["LayerVersionArn"], code_sha256)):
            return LiveLayer(item["LayerVersionArn"], max(item["Version"] for item in there))
    found = _ours(there)
    if found.ours:
        with contextlib.suppress(AwsError):
            size, files = _contents(aws, found.ours[-1][1])
            return replace(found, size=size, files=files)
    return found


def _holds(aws: Aws, arn: str, code_sha256: str) -> bool:
    try:
        return bool(code_sha256 == aws.call("get_layer_version_by_arn", Arn=arn)["Content"]["CodeSha256"])
    except AbsentError:  # deleted since it was listed
        return False


def own(aws: Aws, name: str) -> LiveLayer:
    """Every version of the layer that we published."""
    return _ours(_listed(aws, name))


def _listed(aws: Aws, name: str) -> list[dict[str, Any]]:
    try:
        return list(aws.pages("list_layer_versions", "LayerVersions", LayerName=name))
    except AbsentError:
        return []


def _ours(there: Sequence[Mapping[str, Any]]) -> LiveLayer:
    ours = ((item["Version"], item["LayerVersionArn"]) for item in there
            if record.read_layer(item.get("Description", "")) is not None)
    return LiveLayer(None, max((item["Version"] for item in there), default=0), tuple(sorted(ours)))


def sizes(aws: Aws, arns: Iterable[str]) -> dict[str, int | None]:
    """Bytes that each layer version unpacks to. None: somebody else's, that may be used and not looked at."""

    def one(arn: str) -> int | None:
        try:
            _, files = _contents(aws, arn)
        except AwsError as error:
            if error.code and error.code != "AccessDeniedException":
                raise
            return None
        return None if files is None else sum(file.size for file in files)

    wanted = list(arns)
    return dict(zip(wanted, aws.each("reading layers", one, wanted), strict=True))


def _contents(aws: Aws, arn: str) -> tuple[int, tuple[File, ...] | None]:
    """Bytes of zip, and its files; None where its directory is longer than any that is read. Raises AwsError."""
    answer = aws.call("get_layer_version_by_arn", Arn=arn)["Content"]
    for length in DIRECTORY:
        data, size = aws.download(answer["Location"], length)
        with contextlib.suppress(ValueError):
            return size, content.listed(data)
    return size, None
