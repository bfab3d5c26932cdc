"""The connection to an account and region, through the ordinary credential chain."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

import boto3
import botocore.exceptions as boto
import botocore.session
from botocore.credentials import (
    AssumeRoleCredentialFetcher,
    CredentialProvider,
    CredentialResolver,
    DeferredRefreshableCredentials,
)
from botocore.loaders import Loader, create_loader

from ci.aws.client import Aws
from ci.aws.translation import LOG_IN, WITHOUT_ACCOUNT, is_logged_out, translate
from ci.errors import CredentialsError


def connect(
    region: str | None,
    profile: str | None = None,
    endpoint: str | None = None,
    credentials: Mapping[str, str] | None = None,
    role: str | None = None,
) -> Aws:
    """A connection through the ordinary credential chain, or with ``credentials`` to ``endpoint``: to the embedded AWS,
    for which whatever profile and proxy the environment names do not count.

    With ``role``, the ARN of one, as that role: it is taken on with the first call, and again before it expires.
    Raises CredentialsError when there is no region or there are no credentials, AwsError when AWS gives none; beside
    what gives credentials, nothing is called.
    """
    chain: dict[str, Any] = {"profile_name": profile, "region_name": region, **(credentials or {})}
    try:
        chain["botocore_session"] = _bare() if endpoint and credentials else _sharing(botocore.session.Session())
        session = boto3.Session(**chain)
        if not session.region_name:
            raise CredentialsError(
                "no region: neither pipeline.yaml nor AWS_REGION names one",
                "set region: in pipeline.yaml, or AWS_REGION",
            )
        found = session.get_credentials()
        if found is None:
            raise CredentialsError(
                "no AWS credentials found (environment, profile, web identity, instance role)",
                f"set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; {WITHOUT_ACCOUNT}",
            )
        found.get_frozen_credentials()  # here, where a code can be asked for, not in a thread
        return Aws(_assumed(session, role, endpoint) if role else session, endpoint)
    except boto.ProfileNotFound as error:
        hint = f"aws configure list-profiles shows what there is; {WITHOUT_ACCOUNT}"
        raise CredentialsError(str(error), hint) from None
    except (boto.ClientError, boto.HTTPClientError) as error:
        raise translate(error, "assume_role", {}, "sts") from None
    except (boto.BotoCoreError, ValueError, OSError) as error:
        hint = LOG_IN if is_logged_out(error) else f"mend it; {WITHOUT_ACCOUNT}"
        raise CredentialsError(f"AWS cannot be reached with this configuration: {error}", hint) from None


def _bare() -> botocore.session.Session:
    """Whatever profile the environment names does not count."""
    return _sharing(botocore.session.Session({"profile": (None, None, None, None)}))


def _sharing(session: botocore.session.Session) -> botocore.session.Session:
    """What the SDK knows of its services is read once, not for each region and role."""
    session.register_component("data_loader", _data(session.get_config_variable("data_path")))
    return session


@functools.cache
def _data(path: str | None) -> Loader:
    return create_loader(path)


_SESSION = "dollop"
"""Under which the other account's CloudTrail has what was done there."""


def _assumed(session: boto3.Session, role: str, endpoint: str | None) -> boto3.Session:
    """A session of ``role`` in the region of ``session``, whose credentials take it on:
    https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html"""
    fetcher = AssumeRoleCredentialFetcher(
        client_creator=functools.partial(session.client, endpoint_url=endpoint),
        source_credentials=session.get_credentials(),
        role_arn=role,
        extra_args={"RoleSessionName": _SESSION},
    )
    bare = _bare()
    resolver = CredentialResolver([_Taken(fetcher)])
    bare.register_component("credential_provider", resolver)
    return boto3.Session(botocore_session=bare, region_name=session.region_name)


class _Taken(CredentialProvider):
    """Credentials of a role: none until they are needed."""

    METHOD = "assume-role"

    def __init__(self, fetcher: AssumeRoleCredentialFetcher) -> None:
        super().__init__()
        self._fetcher = fetcher

    def load(self) -> Any:
        return DeferredRefreshableCredentials(self._fetcher.fetch_credentials, self.METHOD)
