"""Packages that are too large for a request, in S3. Their keys name their content: what is there is not sent again."""

from __future__ import annotations

import base64
import hashlib
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import botocore.exceptions as boto

from ci.aws.translation import translate
from ci.errors import AwsError

PART = 8_388_608
"""Bytes of a part of an upload; the checksum that S3 keeps is made of those of the parts."""
_AT_ONCE = 4
"""Parts."""
_LOOK = 0.1
"""Seconds."""


class Bucket:
    """A bucket that belongs to the account ``owner``, where that is known."""

    def __init__(self, client: Any, name: str, owner: str, embedded: bool) -> None:
        self._client = client
        self._name = name
        self._owner = {"ExpectedBucketOwner": owner} if owner else {}
        self._embedded = embedded

    def holds(self, key: str, path: Path) -> bool:
        """Whether the file at ``path`` is there under ``key``, whole, by the checksum that S3 made of it.

        It is looked for in the list: to ask for a key that is not there is forbidden to who may not list everything.
        https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html
        """
        try:
            found = self._client.list_objects_v2(Bucket=self._name, Prefix=key, MaxKeys=1, **self._owner)
            if key not in (item["Key"] for item in found.get("Contents", ())):
                return False
            there = self._client.head_object(Bucket=self._name, Key=key, ChecksumMode="ENABLED", **self._owner)
        except boto.ClientError as error:
            if self._embedded and _is_absent(error):
                self._client.create_bucket(
                    Bucket=self._name,
                    CreateBucketConfiguration={"LocationConstraint": self._client.meta.region_name},
                )
                return False
            raise self._translated(error, "list_bucket") from error
        except boto.BotoCoreError as error:
            raise self._translated(error, "list_bucket") from error
        return bool(there["ContentLength"] == path.stat().st_size and there.get("ChecksumSHA256") == checksum(path))

    def put(self, key: str, path: Path, stop: threading.Event, sent: Callable[[int], None]) -> None:
        """Upload the file in parts, each with its checksum; ``sent`` is told how many bytes more went out.

        Raises AwsError, and KeyboardInterrupt when ``stop`` is set: nothing is there then, and the parts are given up.
        What a killed process leaves of them, a lifecycle rule of the bucket removes.
        """
        from boto3.s3.transfer import ProgressCallbackInvoker, TransferConfig, create_transfer_manager
        from s3transfer.exceptions import CancelledError

        config = TransferConfig(
            multipart_threshold=PART, multipart_chunksize=PART, max_concurrency=_AT_ONCE,
            preferred_transfer_client="classic",
        )
        extra = {"ChecksumAlgorithm": "SHA256", **self._owner}
        try:
            with create_transfer_manager(self._client, config) as manager:
                upload = manager.upload(str(path), self._name, key, extra, [ProgressCallbackInvoker(sent)])
                while not upload.done():
                    if stop.wait(_LOOK):
                        upload.cancel()
                        break
                upload.result()
        except CancelledError:
            raise KeyboardInterrupt from None
        except (boto.BotoCoreError, boto.ClientError) as error:
            raise self._translated(error, "put_object") from error
        if not self.holds(key, path):
            raise AwsError(f"{self._name}: PutObject: {key} is not what was sent", "run it again")

    def _translated(self, error: Exception, operation: str) -> Exception:
        if isinstance(error, boto.ClientError) and _is_absent(error):
            what = f"{self._name}: there is no such bucket in {self._client.meta.region_name}"
            return AwsError(what, "create it, or name another: packaging: {bucket: NAME} in pipeline.yaml")
        return translate(error, operation, {"Name": self._name}, "s3")


def _is_absent(error: boto.ClientError) -> bool:
    return error.response.get("Error", {}).get("Code") in ("NoSuchBucket", "PermanentRedirect")


def checksum(path: Path) -> str:
    """What S3 says of a file that was uploaded in parts, base64 sha256 of those of the parts and their number.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html
    """
    with path.open("rb") as stream:
        parts = [hashlib.sha256(part).digest() for part in iter(lambda: stream.read(PART), b"")]
    if path.stat().st_size < PART:
        return base64.b64encode(parts[0]).decode()
    return f"{base64.b64encode(hashlib.sha256(b''.join(parts)).digest()).decode()}-{len(parts)}"
