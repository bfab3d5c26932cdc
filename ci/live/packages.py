"""The zips that AWS has: whole, or what is in them."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ci import content
from ci.aws import Aws
from ci.errors import AbsentError, AwsError
from ci.live.answers import version
from ci.model import File, Function
from ci.model.live import LiveVersion

_WHOLE = 1 << 24
"""Bytes of zip up to which a package without a record of ours is read whole: that shows what is in it."""
DIRECTORY = (1 << 18, 1 << 22)
"""Bytes in which a zip's directory is looked for, from its end: about 2,500 files, then 40,000."""


def whole(aws: Aws, function: Function, qualifier: str) -> tuple[LiveVersion, bytes]:
    """A version, by its number or an alias, and the zip that it runs.

    Raises AwsError: there is none, its zip cannot be had, or what AWS hands out is not what the version runs.
    """
    try:
        answer = aws.call("get_function", FunctionName=function.aws_name, Qualifier=qualifier)
    except AbsentError:
        what = f"function {function.name}: AWS has no {qualifier} of it"
        raise AbsentError(what, "dollop status says what there is") from None
    found = version(answer)
    where, code = f"function {function.name}: version {found.version}", answer["Code"]
    if "Location" not in code:
        reason = code.get("Error", {}).get("Message", "AWS does not say where it is")
        raise AwsError(f"{where}: its package could not be read: {reason}", "allow kms:Decrypt on the package's key")
    return found, _downloaded(aws, code["Location"], found.code_sha256, where)


def whole_layer(aws: Aws, arn: str) -> bytes:
    """The zip of a layer's version. Raises AwsError as ``whole`` does."""
    answer = aws.call("get_layer_version_by_arn", Arn=arn)["Content"]
    return _downloaded(aws, answer["Location"], answer["CodeSha256"], arn)


def _downloaded(aws: Aws, location: str, code_sha256: str, where: str) -> bytes:
    data, _ = aws.download(location, content.SIZE_LIMIT)
    if _sha256(data) != code_sha256:
        what = f"{where}: AWS handed out a zip that is not the version's"
        raise AwsError(what, "its sha256 differs; the embedded AWS has the newest zip only")
    return data


def with_files(aws: Aws, answer: Mapping[str, Any], found: LiveVersion) -> LiveVersion:
    """With the files of its package; as it is when they cannot be had, or are not those of what the version runs.

    They only make a plan more telling: not every network that reaches Lambda reaches where it keeps packages, and not
    everybody may decrypt one that has a key of its own (``Code.Error``).
    https://docs.aws.amazon.com/lambda/latest/api/API_FunctionCodeLocation.html
    """
    if "Location" not in answer["Code"]:
        return found
    known = found.record is not None and found.record.code_sha256 == found.code_sha256
    for length in DIRECTORY if known or found.size > _WHOLE else (_WHOLE,):
        try:
            data, size = aws.download(answer["Code"]["Location"], length)
        except AwsError:
            return found
        whole = len(data) == size
        if size != found.size or (whole and _sha256(data) != found.code_sha256):
            return found
        try:
            if whole and (not known or size <= DIRECTORY[0]):
                files = content.read(data, folders=True)
                digest = found.content if known else content.digest(map(_as_built, files))
                return replace(found, files=files, content=digest)
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
