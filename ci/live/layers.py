"""The layers that AWS has."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable

from ci import content, record
from ci.aws import Aws
from ci.errors import AbsentError, AwsError
from ci.live.packages import DIRECTORY
from ci.model import LiveLayer, Package
from ci.parallel import each


def newest(aws: Aws, wanted: Package) -> LiveLayer:
    """The newest version of the layer that holds what is ``wanted``, by the digest in its description."""
    highest = 0
    try:
        for item in aws.pages("list_layer_versions", "LayerVersions", LayerName=wanted.function):
            highest = max(highest, item["Version"])
            if record.read_layer(item.get("Description", "")) == wanted.digest:
                return LiveLayer(item["LayerVersionArn"], highest)
    except AbsentError:
        pass
    return LiveLayer(None, highest)


def own(aws: Aws, name: str) -> LiveLayer:
    """Every version of the layer that we published."""
    try:
        listed = list(aws.pages("list_layer_versions", "LayerVersions", LayerName=name))
    except AbsentError:
        listed = []
    ours = ((item["Version"], item["LayerVersionArn"]) for item in listed
            if record.read_layer(item.get("Description", "")) is not None)
    return LiveLayer(None, max((item["Version"] for item in listed), default=0), tuple(sorted(ours)))


def sizes(aws: Aws, arns: Iterable[str]) -> dict[str, int | None]:
    """Bytes that each layer version unpacks to. None: somebody else's, that may be used and not looked at."""

    def one(arn: str) -> int | None:
        try:
            answer = aws.call("get_layer_version_by_arn", Arn=arn)["Content"]
            for length in DIRECTORY:
                data, size = aws.download(answer["Location"], length)
                with contextlib.suppress(ValueError):
                    return sum(file.size for file in content.listed(data))
        except AwsError as error:
            if error.code and error.code != "AccessDeniedException":
                raise
        return None

    wanted = list(arns)
    return dict(zip(wanted, each(one, wanted, aws.interrupted), strict=True))
