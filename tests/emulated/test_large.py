"""Packages that no request can hold: through S3, once, whole, and seen in the plan."""

from __future__ import annotations

import base64
import io
import os
import signal
import zipfile
from pathlib import Path

import pytest

from ci import local
from ci.aws.bucket import PART, checksum
from tests.build.index import Index, wheel
from tests.emulated import command
from tests.emulated.conftest import REGION, Account, Project
from tests.emulated.strict import Call, Strict

PIPELINE = f"""\
project: demo
stages: {{test: {{alias: test}}}}
defaults:
  runtime: {local.runtime()}
  architecture: {local.architecture()}
  role: arn:aws:iam::123456789012:role/lambda
  packaging: {{bucket: "packages-{{region}}"}}
functions:
  echo: {{handler: large.handle, source: functions/large, smoke: {{event: {{}}, expect: {{size: 53000000}}}}}}
  twin: {{handler: large.handle, source: functions/large}}
"""
CODE = """\
import os


def handle(event, context):
    return {"size": os.stat(os.path.join(os.path.dirname(__file__), "model.bin")).st_size}
"""
BUCKET = f"packages-{REGION}"


@pytest.fixture
def large(project: Project) -> Project:
    """Two functions with one package of more than 50 MB. Their bucket is there."""
    project.write("pipeline.yaml", PIPELINE)
    project.write("functions/large/large.py", CODE)
    (project.root / "functions/large/model.bin").write_bytes(os.urandom(53_000_000))
    project.commit("large")
    return project


def parts(strict: Strict) -> list[str]:
    """The uploads of S3 on the wire, without what differs."""
    sent = [call.operation.split("?")[0] for call in strict.calls if call.operation.startswith(("PUT /", "POST /"))]
    return [operation for operation in sent if "/dollop/" in operation]


def test_a_large_package_goes_through_s3(
    large: Project, through: Account, account: Account, strict: Strict
) -> None:
    """Without the bucket nothing is done. Broken off by a signal while it is uploaded: nothing is left. Run again: once
    for two functions, then deployed, invoked, and the next time neither uploaded nor anything else."""
    s3 = account.client("s3")
    failed = command.run("deploy", "test", environment=through.environment)
    assert 1 == failed.code
    assert f"  + package echo\n    bucket: {BUCKET}\n    key: dollop/" in failed.out
    assert f"{BUCKET}: there is no such bucket in {REGION}" in failed.err
    assert "packaging: {bucket: NAME}" in failed.err
    assert [] == [call for call in strict.writes() if not call.operation.startswith("GET /")]
    s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})

    process = command.spawn("deploy", "test", environment=through.environment, folder=large.root)
    strict.before = lambda call: process.send_signal(signal.SIGINT) if call.nth == 3 and _is_part(call) else None
    process.communicate(timeout=60)
    assert 130 == process.returncode
    assert 0 < len(parts(strict)) < 7 + 2
    assert [] == s3.list_multipart_uploads(Bucket=BUCKET).get("Uploads", [])
    assert 0 == s3.list_objects_v2(Bucket=BUCKET)["KeyCount"]

    strict.forget()
    done = command.run("deploy", "test", environment=through.environment)
    assert 0 == done.code, done.err
    assert 7 == len([operation for operation in parts(strict) if operation.startswith("PUT")])
    assert f"uploading package         bucket={BUCKET} env=test function=" in done.err
    assert f"package is in S3          bucket={BUCKET} env=test function=" in done.err
    [kept] = s3.list_objects_v2(Bucket=BUCKET)["Contents"]
    client = account.client("lambda")
    for name in ("echo", "twin"):
        hashed = client.get_function_configuration(FunctionName=name, Qualifier="test")["CodeSha256"]
        assert f"dollop/{base64.b64decode(hashed).hex()}.zip" == kept["Key"]

    strict.forget()
    again = command.run("deploy", "test", environment=through.environment)
    assert "nothing to do: 2 unchanged" in again.out
    assert [] == [call for call in strict.calls if call.operation != "GetFunction"]


LAYERED = f"""\
project: demo
stages: {{test: {{alias: test}}}}
functions:
  echo:
    runtime: {local.runtime()}
    architecture: {local.architecture()}
    role: arn:aws:iam::123456789012:role/lambda
    handler: echo.handle
    source: functions/echo
    requirements: requirements.txt
    packaging: {{layer: models, bucket: "packages-{{region}}"}}
    smoke: {{event: {{}}, expect: {{size: 53000000}}}}
"""
READING = """\
import os

import model


def handle(event, context):
    return {"size": os.stat(os.path.join(os.path.dirname(model.__file__), "model.bin")).st_size}
"""


def test_a_large_layer_goes_through_s3(
    project: Project, through: Account, account: Account, strict: Strict, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once; what changes beside it goes in the request, and a layer that is there is not sent again."""
    index = Index(project.root.parent / "index")
    wheel(index.folder, "model", {"model/__init__.py": "", "model/model.bin": os.urandom(53_000_000)})
    monkeypatch.setenv("UV_DEFAULT_INDEX", index.url)
    monkeypatch.setenv("UV_CACHE_DIR", str(project.root.parent / "uv"))
    project.write("pipeline.yaml", LAYERED)
    project.write("functions/echo/echo.py", READING)
    project.write("requirements.txt", "model==1.0\n")
    project.commit("a large layer")
    s3 = account.client("s3")
    s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})

    done = command.run("deploy", "test", environment=through.environment)
    assert 0 == done.code, done.err
    assert f"  + layer models\n    version: 1\n    size: 53 MB\n    bucket: {BUCKET}\n" in done.out
    published = account.client("lambda").get_layer_version(LayerName="models", VersionNumber=1)["Content"]
    [kept] = s3.list_objects_v2(Bucket=BUCKET)["Contents"]
    assert f"dollop/{base64.b64decode(published['CodeSha256']).hex()}.zip" == kept["Key"]
    assert kept["Size"] == published["CodeSize"]

    strict.forget()
    project.write("functions/echo/echo.py", f"{READING}\n\n# changed\n")
    done = command.run("deploy", "test", environment=through.environment)
    assert 0 == done.code, done.err
    assert [] == parts(strict)
    assert [] == [call.operation for call in strict.writes() if "Layer" in call.operation]


def _is_part(call: Call) -> bool:
    return call.operation.startswith("PUT /packages")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    made = tmp_path / "package.zip"
    made.write_bytes(os.urandom(PART + 1))
    return made


def test_what_is_there_and_not_whole_is_sent_again(account: Account, file: Path) -> None:
    """The checksum that S3 keeps is compared, not only the name."""
    s3, aws = account.client("s3"), account.connect()
    s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
    s3.put_object(Bucket=BUCKET, Key="dollop/a.zip", Body=os.urandom(PART + 1), ChecksumAlgorithm="SHA256")
    bucket = aws.bucket(BUCKET, account.id)
    assert not bucket.holds("dollop/a.zip", file)
    sent: list[int] = []
    bucket.put("dollop/a.zip", file, aws.interrupted, sent.append)
    assert PART + 1 == sum(sent)
    assert bucket.holds("dollop/a.zip", file)
    assert not bucket.holds("dollop/a", file)
    head = s3.head_object(Bucket=BUCKET, Key="dollop/a.zip", ChecksumMode="ENABLED")
    assert head["ChecksumSHA256"] == checksum(file)
    assert file.read_bytes() == s3.get_object(Bucket=BUCKET, Key="dollop/a.zip")["Body"].read()


def test_the_embedded_aws_makes_the_bucket(account: Account, file: Path) -> None:
    """Nobody else would."""
    bucket = account.connect().bucket(BUCKET, "")
    assert not bucket.holds("dollop/a.zip", file)
    assert BUCKET in {each["Name"] for each in account.client("s3").list_buckets()["Buckets"]}


def test_layers_count(project: Project, through: Account, account: Account, strict: Strict) -> None:
    """What a layer unpacks to is read off the layer itself: too much, and nothing is written."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as opened:
        opened.writestr("python/zeros.bin", bytes(262_144_000 - 500))
    layer = account.client("lambda").publish_layer_version(LayerName="zeros", Content={"ZipFile": stream.getvalue()})
    text = (project.root / "pipeline.yaml").read_text()
    project.write("pipeline.yaml", f"{text}    layers: [\"{layer['LayerVersionArn']}\"]\n")
    done = command.run("deploy", "test", "audit", environment=through.environment)
    assert 0 == done.code, done.err
    (project.root / "functions/audit/more.txt").write_text("x" * 500)
    strict.forget()
    failed = command.run("deploy", "test", "audit", environment=through.environment)
    assert 1 == failed.code
    assert "function audit: with its layers it is 262.1 MB unzipped, more than Lambda's 262.1 MB" in failed.err
    assert [] == strict.writes()
