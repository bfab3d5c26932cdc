"""Packages that no request can hold: where in S3 they go."""

from __future__ import annotations

import re
from base64 import b64decode

from ci.model import REQUEST_LIMIT, Function, Package
from ci.plan.actions import STORED, StorePackage

_ACCOUNT = re.compile(r"arn:[^:]+:(?:lambda|iam):[^:]*:([0-9]{12}):")


def account(arn: str) -> str:
    """The account of a function or a role; empty where it is not known."""
    found = _ACCOUNT.match(arn)
    return found[1] if found else ""


def store(function: Function, package: Package, region: str, arn: str = "") -> StorePackage | None:
    """None when a request can hold the package. The bucket is to be of the account that the function ``arn`` is in."""
    bucket = function.packaging.bucket.replace("{region}", region)
    if package.size <= REQUEST_LIMIT or not bucket:
        return None
    key = f"{STORED}/{b64decode(package.code_sha256).hex()}.zip"
    return StorePackage(package, bucket, key, account(arn or str(function.settings.get("Role", ""))))
