"""The build in a container. Needs a Docker engine; pip reaches the index inside of it that this host reaches."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.hub import GitHub
from tests.e2e.runner import project
from tests.e2e.test_workflows import about, comments, opened

ROOT = Path(__file__).parents[2]
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
IMAGE = "python:3.13-slim"


def docker(*arguments: str | Path) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(["docker", *map(str, arguments)], capture_output=True)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The image that is the default of the workflows; it trusts the certificates that this host trusts."""
    if shutil.which("docker") is None or docker("info").returncode:
        pytest.skip(os.environ.get("NO_ENGINE") or "no Docker engine: .ci/engine up starts one")
    if docker("image", "inspect", IMAGE).returncode and docker("pull", "--quiet", IMAGE).returncode:
        pytest.skip(os.environ.get("NO_ENGINE") or f"no image {IMAGE}: .ci/engine up pulls or makes one")
    folder = tmp_path_factory.mktemp("base")
    shutil.copy(CERTIFICATES, folder / "ca.crt")
    trusts = f"COPY ca.crt {CERTIFICATES}\nENV SSL_CERT_FILE={CERTIFICATES} PIP_CERT={CERTIFICATES}\n"
    (folder / "Dockerfile").write_text(f"FROM {IMAGE}\n{trusts}")
    yield built("dollop-test-base", folder)
    docker("image", "rm", "dollop-test-base")


@pytest.fixture(scope="module")
def image(base: str) -> Iterator[str]:
    """The image of the root's Dockerfile."""
    yield built("dollop-test", ROOT, "--build-arg", f"IMAGE={base}")
    docker("image", "rm", "dollop-test")


def built(name: str, folder: Path, *options: str) -> str:
    done = docker("build", "--quiet", "--network", "host", "--tag", name, *options, folder)
    assert 0 == done.returncode, done.stderr.decode()
    return name


def test_image_builds_a_package_to_stdout(image: str, tmp_path: Path) -> None:
    """What was there when the image was built; stdout is the zip to the byte that this host builds."""
    done = docker("run", "--rm", "--network", "none", image, "dollop", "build", "echo")
    assert 0 == done.returncode, done.stderr.decode()
    assert zipfile.ZipFile(io.BytesIO(done.stdout)).testzip() is None
    shutil.copy(ROOT / "pipeline.yaml", tmp_path)
    shutil.copytree(ROOT / "functions", tmp_path / "functions")
    here = subprocess.run([sys.executable, "-m", "ci", "-C", tmp_path, "build", "echo"], cwd=ROOT, capture_output=True)
    assert here.stdout == done.stdout


def test_image_builds_what_is_mounted(image: str, tmp_path: Path) -> None:
    """A team's own folder, as any user."""
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


@pytest.mark.network
def test_pull_request_is_built_in_a_container(base: str, github: GitHub, aws_url: str, tmp_path: Path) -> None:
    """As on GitHub: pip installs dollop, the packages leave the container, the comment has their plan."""
    team = project(tmp_path, github, aws_url, "700000008888")
    team.contain(base)
    pull = opened(team)
    done = team.run("pull-request.yml", "pull_request", about(pull, team.git("rev-parse", "HEAD"), team.github.name))
    assert done.succeeded, done.log
    assert f"docker run image={base}" in done.log
    (body,) = comments(pull)
    assert "### Deploy to `test`: 1 to create" in body


def test_no_engine_and_no_way_to_one(tmp_path: Path) -> None:
    """It is said why, in one line, and nothing fails: the tests above are skipped with that reason."""
    for name in ("bash", "id"):
        (tmp_path / name).symlink_to(str(shutil.which(name)))
    done = subprocess.run([ROOT / ".ci/engine", "up"], env={"PATH": str(tmp_path)}, capture_output=True, text=True)
    why = "it takes root to install one" if os.geteuid() else "there is no apt-get to install one with"
    assert (0, f"no Docker engine: {why}\n") == (done.returncode, done.stdout)
