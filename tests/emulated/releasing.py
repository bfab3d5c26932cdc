"""Releases without the command and without a build: three functions, two editions, and what may become of them."""

from __future__ import annotations

import base64
import hashlib
import io
import zipfile
import zlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import boto3
import botocore.loaders
import botocore.session

from ci import aws as _aws
from ci import live, local, settings
from ci.errors import DollopError
from ci.live import attachments
from ci.model import File, Function, Package, Secret, Stage
from ci.plan import deploy, promote
from ci.plan.plan import Origin, Plan
from ci.release import Released, amounting_to
from tests.emulated.conftest import REGION, Account

TEST, PROD = Stage("test", "test"), Stage("prod", "prod", "test")
IMPATIENT = _aws.Limits(
    answer=1.5, pause=0.01, quota=1.5, look=0.005, update=1.5, appear=0.2, watch=0.05, attempts=3, get_function=10_000,
    control=10_000,
)
NEW = "gamma"
"""Not in the first edition."""


@dataclass(frozen=True)
class Edition:
    """What a repository says at one commit."""

    number: int
    functions: tuple[Function, ...]
    packages: Mapping[str, Package]
    run: str = "run"

    @property
    def origin(self) -> Origin:
        return Origin(str(self.number) * 40, self.run, f"2026-01-0{self.number}T00:00:00Z")


def edition(
    number: int, folder: Path, names: Iterable[str] | None = None, changed: Iterable[str] | None = None
) -> Edition:
    """``alpha`` differs from edition to edition in code and configuration, ``beta`` in code; ``gamma`` comes in 2.

    With ``names`` and ``changed``: these functions, of which those differ in code.
    """
    default = ("alpha", "beta") if number == 1 else ("alpha", "beta", NEW)
    wanted = tuple(default if names is None else names)
    differ = set(wanted if changed is None else changed)
    folder.mkdir(parents=True, exist_ok=True)
    functions = tuple(function(name, 128 * (number if name == "alpha" else 1)) for name in wanted)
    packages = {name: package(name, number if name in differ else 1, folder) for name in wanted}
    return Edition(number, functions, packages)


def function(name: str, memory: int = 128) -> Function:
    said = {
        "Runtime": local.runtime(),
        "Architectures": [local.architecture()],
        "Handler": "main.handle",
        "Role": "arn:aws:iam::123456789012:role/lambda",
        "MemorySize": memory,
    }
    return Function(name, name, settings.complete(said), {"STAGE": Secret("none")}, Path("functions", name))


def package(name: str, number: int, folder: Path) -> Package:
    source = f"def handle(event, context):\n    return {name!r}, {number}\n".encode()
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(zipfile.ZipInfo("main.py", (1980, 1, 1, 0, 0, 0)), source)
    data = buffer.getvalue()
    path = folder / f"{name}-{number}.zip"
    path.write_bytes(data)
    digest = base64.urlsafe_b64encode(hashlib.sha256(source).digest()).decode().rstrip("=")
    code = base64.b64encode(hashlib.sha256(data).digest()).decode()
    file = File("main.py", 0, len(source), zlib.crc32(source), hashlib.sha256(source).hexdigest())
    return Package(name, path, digest, code, len(data), len(source), (file,))


def connect(account: Account, limits: _aws.Limits = IMPATIENT, region: str = REGION) -> _aws.Aws:
    """As ``ci.aws.connect`` does it; the SDK's data is loaded once for all of them."""
    session = botocore.session.get_session()
    session.register_component("data_loader", _data())
    made = boto3.Session(botocore_session=session, region_name=region, **account.credentials)
    return _aws.Aws(made, account.url, limits)


def account_of(aws: _aws.Aws) -> str:
    """The embedded AWS goes by the key."""
    credentials = aws._session.get_credentials()
    assert credentials
    return str(credentials.access_key)


@cache
def _data() -> Any:
    return botocore.loaders.create_loader()


def to_deploy(aws: _aws.Aws, wanted: Edition) -> Plan:
    found = live.read(aws, TEST, wanted.functions, wanted.packages)
    return deploy.deploy(TEST, REGION, wanted.functions, wanted.packages, found, wanted.origin)


def to_promote(aws: _aws.Aws, wanted: Edition, stage: Stage = PROD) -> Plan:
    targets = {function.name: TEST.alias for function in wanted.functions}
    found, versions = live.compare(aws, stage, wanted.functions, targets)
    found = attachments.around(aws, found, wanted.functions)
    released = {
        name: Released(version.version, version.record.digest, version.code_sha256)
        for name, version in versions.items()
        if version and version.record
    }
    release = amounting_to(TEST.name, released, wanted.origin.run, wanted.origin.at)
    return promote.promote(stage, REGION, wanted.functions, release, versions, found, wanted.origin)


def silent(message: str, **fields: str) -> None:
    pass


Aliases = dict[str, tuple[str, dict[str, float], str]]


def aliases(account: Account, stage: Stage, names: Iterable[str], region: str = REGION) -> Aliases:
    """Function -> version, weights and description of its alias, seen from outside."""
    client = account.client("lambda", region)
    found = {}
    for name in names:
        try:
            alias = client.get_alias(FunctionName=name, Name=stage.alias)
        except client.exceptions.ResourceNotFoundException:
            continue
        weights = alias.get("RoutingConfig", {}).get("AdditionalVersionWeights") or {}
        found[name] = (alias["FunctionVersion"], weights, alias["Description"])
    return found


def attempt(action: Callable[[], Any]) -> DollopError | KeyboardInterrupt | None:
    try:
        action()
    except (DollopError, KeyboardInterrupt) as error:
        return error
    return None


def without(settings: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {key: value for key, value in settings.items() if key not in names}
