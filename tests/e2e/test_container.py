"""The build in a container. Needs a Docker engine; pip reaches the index inside of it that this host reaches."""

from __future__ import annotations

import io
import shutil
import subprocess
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
BASE = "python:3.13-slim"


def docker(*arguments: str | Path) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(["docker", *map(str, arguments)], capture_output=True)


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The image of the root's Dockerfile, on a base that trusts the certificates that this host trusts."""
    if shutil.which("docker") is None or docker("info").returncode:
        pytest.skip("no Docker engine")
    if docker("image", "inspect", BASE).returncode and docker("pull", "--quiet", BASE).returncode:
        pytest.skip(f"no image {BASE}, and it cannot be pulled")
    folder = tmp_path_factory.mktemp("base")
    shutil.copy(CERTIFICATES, folder / "ca.crt")
    trusts = f"COPY ca.crt {CERTIFICATES}\nENV SSL_CERT_FILE={CERTIFICATES} PIP_CERT={CERTIFICATES}\n"
    (folder / "Dockerfile").write_text(f"FROM {BASE}\n{trusts}")
    for name, where, more in (("dollop-test-base", folder, ()), ("dollop-test", ROOT, ("IMAGE=dollop-test-base",))):
        options = [word for argument in more for word in ("--build-arg", argument)]
        done = docker("build", "--quiet", "--network", "host", "--tag", name, *options, where)
        assert 0 == done.returncode, done.stderr.decode()
    yield "dollop-test"
    docker("image", "rm", "dollop-test", "dollop-test-base")


def test_image_builds_a_package_to_stdout(image: str) -> None:
    """What was there when the image was built; nothing but the zip is on stdout."""
    done = docker("run", "--rm", "--network", "none", image, "dollop", "build", "echo")
    assert 0 == done.returncode, done.stderr.decode()
    assert "echo.py" in zipfile.ZipFile(io.BytesIO(done.stdout)).namelist()


def test_image_builds_what_is_mounted(image: str, tmp_path: Path) -> None:
    """A team's own folder, as any user; the same bytes as in the workflow and on a laptop."""
    (tmp_path / "functions/echo").mkdir(parents=True)
    (tmp_path / "functions/echo/echo.py").write_text("def handle(event, context):\n    return 1\n")
    role = "arn:aws:iam::123456789012:role/lambda"
    settings = f"{{handler: echo.handle, runtime: python3.13, role: '{role}'}}"
    stages = "{test: {alias: test}}"
    (tmp_path / "pipeline.yaml").write_text(f"project: shop\nstages: {stages}\nfunctions:\n  echo: {settings}\n")
    tmp_path.chmod(0o777)
    run = ("run", "--rm", "--network", "none", "--user", "1000", "--volume", f"{tmp_path}:/src", image)
    done = docker(*run, "dollop", "build", "echo")
    assert 0 == done.returncode, done.stderr.decode()
    assert ["echo.py"] == zipfile.ZipFile(io.BytesIO(done.stdout)).namelist()
