"""What goes to AWS before any function does: layers, and what is too large for a request, into S3."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import replace

from ci.apply.job import Job
from ci.errors import AwsError
from ci.plan.actions import CreateFunction, Preparation, PublishLayer, PublishVersion, StorePackage, UpdateConfiguration
from ci.render.columns import si

Arns = Mapping[tuple[str, str], str]
"""Site and the ARN of a layer version that was planned -> the one that AWS gave it."""

_STEP = 1_000_000
"""Bytes of an upload, which are counted in MB."""


def publish(job: Job, action: PublishLayer) -> str:
    """The ARN of the new layer version.

    Raises AwsError when AWS holds other bytes than were sent.
    """
    aws, layer = job.sites[action.site], action.layer
    if action.stored:
        store(job, action.stored, layer.function, action.site)
        code: dict[str, object] = {"S3Bucket": action.stored.bucket, "S3Key": action.stored.key}
    else:
        code = {"ZipFile": layer.path.read_bytes()}
    answer = aws.call(
        "publish_layer_version",
        LayerName=layer.function,
        Description=action.description,
        Content=code,
        CompatibleRuntimes=[action.runtime],
        CompatibleArchitectures=[action.architecture],
    )
    if answer["Content"].get("CodeSha256", layer.code_sha256) != layer.code_sha256:
        raise AwsError(f"{layer.function}: PublishLayerVersion: AWS holds other bytes than were sent", "run it again")
    site = {"site": action.site} if action.site else {}
    job.say("published layer", layer=layer.function, version=str(answer["Version"]), **site)
    return str(answer["LayerVersionArn"])


def actual(action: Preparation, site: str, arns: Arns) -> Preparation:
    """``action`` with the layer versions that there are now, in the place of those that were expected."""
    if not isinstance(action, (CreateFunction, UpdateConfiguration, PublishVersion)) or "Layers" not in action.settings:
        return action
    layers = [arns.get((site, arn), arn) for arn in action.settings["Layers"]]
    return replace(action, settings={**action.settings, "Layers": layers})


def store(job: Job, action: StorePackage, name: str, site: str) -> None:
    """Only what is not there, whole: two functions may have one package, an earlier run may have sent it."""
    aws, path, size = job.sites[site], action.package.path, action.package.size
    bucket = aws.bucket(action.bucket, action.owner)
    if bucket.holds(action.key, path):
        job.say("package is in S3", bucket=action.bucket, function=name)
        return
    job.say("uploading package", bucket=action.bucket, function=name, size=si(size))
    with job.track(f"uploading {name}", -(-size // _STEP)) as done:
        bucket.put(action.key, path, aws.interrupted, _steps(done))


def _steps(done: Callable[[], None]) -> Callable[[int], None]:
    """Calls ``done`` for each ``_STEP`` of the bytes that it is told, by whichever thread."""
    lock, sent = threading.Lock(), 0

    def more(count: int) -> None:
        nonlocal sent
        with lock:
            steps = (sent + count) // _STEP - sent // _STEP
            sent += count
            for _ in range(steps):
                done()

    return more
