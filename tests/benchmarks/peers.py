"""Other tools that package Python functions, each in an environment of its own below ``.dollop/peers``."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from uv import find_uv_bin

from ci import local
from tests.benchmarks.measuring import Command, Failed, run

HANDLER = "def handle(event, context):\n    return 'ok'\n"
SECONDS = 600
"""What an installation may take."""
BUCKET = "peers"
"""Where those that package by uploading upload to."""
ACCOUNT = {"AWS_ACCESS_KEY_ID": "none", "AWS_SECRET_ACCESS_KEY": "none"}

Functions = Mapping[str, str]
"""Name -> requirements."""


@dataclass(frozen=True)
class Peer:
    """``lay`` writes the functions as the tool wants them, ``clear`` removes what was packaged and keeps every cache.

    ``commands`` package what ``lay`` wrote (code is ``<function>/app.py``), ``zips`` are what they left: none where
    they upload. ``many``: the tool takes many functions in one project.
    """

    name: str
    requirements: tuple[str, ...]
    lay: Callable[[Path, Functions], None]
    commands: Callable[[Path, Path], list[Command]]
    clear: Callable[[Path], None]
    zips: Callable[[Path], list[Path]] = lambda root: []
    npm: bool = False
    many: bool = False


def install(peer: Peer, root: Path) -> Path:
    """The folder of the tool's programs, installed from the registry once. Raises Failed."""
    home = root / ".dollop/peers" / "+".join(word.replace("==", "-") for word in peer.requirements)
    if not (home / "complete").exists():
        shutil.rmtree(home, ignore_errors=True)
        home.mkdir(parents=True)
        sys.__stderr__.write(f"installing {' and '.join(peer.requirements)}\n")
        for command in _npm(peer, home) if peer.npm else _pip(peer, home):
            try:
                subprocess.run(command, check=True, capture_output=True, text=True, timeout=SECONDS)
            except FileNotFoundError as error:
                raise Failed(f"{peer.name} does not install: {error}") from error
            except subprocess.CalledProcessError as error:
                raise Failed(f"{peer.name} does not install: {error.stderr.strip()[-300:]}") from error
            except subprocess.TimeoutExpired as error:
                raise Failed(f"{peer.name} does not install within {SECONDS} s") from error
        (home / "complete").touch()
    return home / ("node_modules/.bin" if peer.npm else "bin")


def _pip(peer: Peer, home: Path) -> list[list[str]]:
    uv = find_uv_bin()
    return [
        [uv, "venv", "--quiet", "--clear", "--seed", "--python", sys.executable, str(home)],
        [uv, "pip", "install", "--quiet", "--python", str(home / "bin/python"), *peer.requirements],
    ]


def _npm(peer: Peer, home: Path) -> list[list[str]]:
    return [["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(home), *peer.requirements]]


def environment(programs: Path) -> dict[str, str]:
    """The tool's own programs come first, then ours, for uv; nothing is reported to its makers."""
    return {
        **ACCOUNT,
        "NODE_PATH": str(programs.parent),  # where osls looks for its plugins
        "PATH": os.pathsep.join((str(programs), os.path.dirname(sys.executable), os.environ["PATH"])),
        "SAM_CLI_TELEMETRY": "0",
        "SLS_TELEMETRY_DISABLED": "1",
        "AWS_DEFAULT_REGION": "eu-west-1",
    }


def write(root: Path, functions: Functions, code: str = HANDLER) -> None:
    """A folder for each function."""
    for name, requirements in functions.items():
        folder = root / name
        folder.mkdir(parents=True)
        (folder / "app.py").write_text(code)
        (folder / "requirements.txt").write_text(requirements)


def _lay_chalice(root: Path, functions: Functions) -> None:
    """One application for each function: its requirements are an application's."""
    for name, requirements in functions.items():
        head = f"from chalice import Chalice\n\napp = Chalice(app_name={name!r})\n\n\n@app.lambda_function()\n"
        write(root, {name: requirements}, code=head + HANDLER)
        folder = root / name / ".chalice"
        folder.mkdir()
        stage = {"manage_iam_role": False, "iam_role_arn": "arn:aws:iam::123456789012:role/lambda"}
        config = {"version": "2.0", "app_name": name, "stages": {"dev": stage}}
        (folder / "config.json").write_text(json.dumps(config))


def _clear_chalice(root: Path) -> None:
    for folder in root.iterdir():
        shutil.rmtree(folder / ".chalice/deployments", ignore_errors=True)
        shutil.rmtree(folder / "out", ignore_errors=True)


def _lay_sam(root: Path, functions: Functions, **metadata: str) -> None:
    write(root, functions)
    resources = {}
    for name in functions:
        properties = {
            "CodeUri": f"{name}/", "Handler": "app.handle", "Runtime": local.runtime(),
            "Architectures": [local.architecture()],
        }
        resources[name.title()] = {"Type": "AWS::Serverless::Function", "Properties": properties, "Metadata": metadata}
    template = {"Transform": "AWS::Serverless-2016-10-31", "Resources": resources}
    (root / "template.yaml").write_text(json.dumps(template))


def _sam(root: Path, programs: Path, *options: str) -> list[Command]:
    """The zips are made by ``package``, which uploads them: here to an emulator on loopback."""
    sam = str(programs / "sam")
    return [
        (root, [sam, "build", "--cached", "--parallel", *options]),
        (root, [sam, "package", "--s3-bucket", BUCKET, "--output-template-file", "packaged.yaml"]),
    ]


def _clear_sam(root: Path) -> None:
    shutil.rmtree(root / ".aws-sam", ignore_errors=True)


def _lay_osls(root: Path, functions: Functions) -> None:
    write(root, functions)
    service = {
        "service": "bench",
        "provider": {
            "name": "aws", "runtime": local.runtime(), "architecture": local.architecture(), "region": "eu-west-1",
        },
        "plugins": ["serverless-python-requirements"],
        "custom": {
            "pythonRequirements": {"dockerizePip": False, "pythonBin": sys.executable, "cacheLocation": "../cache"},
        },
        "package": {"individually": True},
        "functions": {name: {"handler": "app.handle", "module": name} for name in functions},
    }
    (root / "serverless.yml").write_text(json.dumps(service))


def _lay_zappa(root: Path, functions: Functions) -> None:
    """It packages the environment that it finds: each function has one."""
    uv = find_uv_bin()
    for name, requirements in functions.items():
        write(root, {name: requirements})
        folder = root / name
        settings = {
            "app_function": "app.handle", "lambda_handler": "app.handle", "project_name": name,
            "runtime": local.runtime(), "s3_bucket": BUCKET, "aws_region": "eu-west-1", "exclude": ["venv", "*.zip"],
        }
        (folder / "zappa_settings.json").write_text(json.dumps({"dev": settings}))
        run(
            [
                (folder, [uv, "venv", "--quiet", "--python", sys.executable, "venv"]),
                (folder, [uv, "pip", "install", "--quiet", "--python", "venv/bin/python", "-r", "requirements.txt"]),
            ],
            {},
        )


def _zappa(root: Path, programs: Path) -> list[Command]:
    return [
        (folder, ["env", f"VIRTUAL_ENV={folder / 'venv'}", str(programs / "zappa"), "package", "dev", "-o", "out.zip"])
        for folder in sorted(root.iterdir())
    ]


def _clear_zappa(root: Path) -> None:
    for file in root.glob("*/out.zip"):
        file.unlink()


PEERS = (
    Peer(
        "sam build + package", ("aws-sam-cli==1.170.0",), _lay_sam, _sam, _clear_sam,
        many=True,
    ),
    Peer(
        "sam with uv + package", ("aws-sam-cli==1.170.0",),
        lambda root, functions: _lay_sam(root, functions, BuildMethod="python-uv"),
        lambda root, programs: _sam(root, programs, "--beta-features"), _clear_sam,
        many=True,
    ),
    Peer(
        "chalice package", ("chalice==1.34.0",), _lay_chalice,
        lambda root, programs: [
            (folder, [str(programs / "chalice"), "package", "out"]) for folder in sorted(root.iterdir())
        ],
        _clear_chalice,
        lambda root: sorted(root.glob("*/out/deployment.zip")),
    ),
    Peer(
        "osls package", ("osls@4.3.1", "serverless-python-requirements@6.1.2"), _lay_osls,
        lambda root, programs: [(root, [str(programs / "osls"), "package"])],
        lambda root: shutil.rmtree(root / ".serverless", ignore_errors=True),
        lambda root: sorted(root.glob(".serverless/*-bench-dev-*.zip")), npm=True, many=True,
    ),
    Peer(
        "zappa package", ("zappa==0.63.0",), _lay_zappa, _zappa, _clear_zappa,
        lambda root: sorted(root.glob("*/out.zip")),
    ),
)
