"""The connection to an account and region, through the ordinary credential chain."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import boto3
import botocore.exceptions as boto
import botocore.session

from ci.aws.client import Aws, Limits
from ci.aws.translation import WITHOUT_ACCOUNT
from ci.errors import CredentialsError


def connect(
    region: str | None,
    profile: str | None = None,
    endpoint: str | None = None,
    credentials: Mapping[str, str] | None = None,
    limits: Limits = Limits(),
) -> Aws:
    """A connection through the ordinary credential chain, or with ``credentials`` to ``endpoint``.

    The latter is the embedded AWS: whatever profile and proxy the environment names do not count.
    Raises CredentialsError when there is no region or there are no credentials; nothing is called.
    """
    chain: dict[str, Any] = {"profile_name": profile, "region_name": region, **(credentials or {})}
    try:
        if endpoint and credentials:
            chain["botocore_session"] = botocore.session.Session({"profile": (None, None, None, None)})
        session = boto3.Session(**chain)
        if not session.region_name:
            raise CredentialsError(
                "no region: neither pipeline.yaml nor AWS_REGION names one",
                "set region: in pipeline.yaml, or AWS_REGION",
            )
        if session.get_credentials() is None:
            raise CredentialsError(
                "no AWS credentials found (environment, profile, web identity, instance role)",
                f"set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; {WITHOUT_ACCOUNT}",
            )
        return Aws(session, endpoint, limits)
    except boto.ProfileNotFound as error:
        hint = f"aws configure list-profiles shows what there is; {WITHOUT_ACCOUNT}"
        raise CredentialsError(str(error), hint) from None
    except (boto.BotoCoreError, ValueError) as error:
        raise CredentialsError(f"AWS cannot be reached with this configuration: {error}") from None
