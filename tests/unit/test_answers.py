"""What AWS answers, in the words of the model."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ci.aws import connect
from ci.errors import AwsError
from ci.live import answers, packages
from ci.model.live import LiveVersion
from ci.plan import deploy, removal
from tests.unit import given
from tests.unit.given import REGION, TEST, found, function, package, version

DENIED = {"Error": {"ErrorCode": "AccessDeniedException", "Message": "the key is disabled"}}


def told(number: str, **more: Any) -> dict[str, Any]:
    """A version as GetFunction and ListVersionsByFunction tell it."""
    return {
        "FunctionName": "echo", "Version": number, "CodeSha256": package().code_sha256, "CodeSize": 641,
        "LastModified": "2026-01-31T09:00:00.000+0000", **given.REQUIRED, **more,
    }


def unread(number: str) -> LiveVersion:
    return replace(version(number), environment=answers.configuration(told(number, Environment=DENIED)).environment)


def test_the_variables_of_an_old_version_may_be_lost_for_good() -> None:
    """Its key was deleted, say: what does not look at them, deploying and pruning, goes on."""
    live = given.live({"echo": found(unread("6"), version("7"))})
    gone = removal.prune(REGION, [function()], live, given.origin(), retain=1)
    assert ["6"] == [action.version for action in gone.functions[0].remove if hasattr(action, "version")]
    built = {"echo": package({"echo.py": "v2"})}
    assert deploy.deploy(TEST, REGION, [function()], built, live, given.origin()).functions[0].prepare


def test_could_not_read_is_not_empty() -> None:
    """Where they count they are never taken for none: neither those that run nor those of the newest version."""
    with pytest.raises(AwsError, match="^echo: version 7: its environment could not be read: the key is disabled$"):
        answers.version({"Configuration": told("7", Environment=DENIED)})
    live = given.live({"echo": found(version("6"), unread("7"), aliases=(given.alias("6"),))})
    with pytest.raises(AwsError, match="could not be read"):
        deploy.deploy(TEST, REGION, [function()], {"echo": package({"echo.py": "v2"})}, live, given.origin())


def test_a_package_that_may_not_be_decrypted_is_not_compared() -> None:
    """AWS gives no address of it but a reason: what runs is known all the same."""
    keys = {"aws_access_key_id": "123456789012", "aws_secret_access_key": "test"}
    nowhere = connect(REGION, endpoint="http://127.0.0.1:9", credentials=keys)
    answer = {"Code": {"RepositoryType": "S3", "Error": {"ErrorCode": "AccessDenied", "Message": "kms:Decrypt"}}}
    assert version("7") == packages.with_files(nowhere, answer, version("7"))
