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

HANDLER = "def handle(event, context):\n    return 'ok'\n"
_SECONDS = 600
"""What an installation may take."""
BUCKET = "peers"
"""Where those that package by uploading upload to."""


class Unavailable(Exception):
    """Why a peer cannot be measured here."""


@dataclass(frozen=True)
class Peer:
    """``lay`` writes the functions as the tool wants them, ``clear`` removes what was packaged and keeps every cache.

    ``commands`` package what ``lay`` wrote; ``zips`` finds what they left.
    """

    name: str
    requirement: str
    lay: Callable[[Path, Mapping[str, str]], None]
    commands: Callable[[Path, Path], list[tuple[Path, list[str]]]]
    clear: Callable[[Path], None]
    zips: Callable[[Path], list[Path]]


def install(peer: Peer, root: Path) -> Path:
    """The folder of the tool's programs. Raises Unavailable."""
    home = root / ".dollop/peers" / peer.requirement
    if not (home / "complete").exists():
        shutil.rmtree(home, ignore_errors=True)
        uv = find_uv_bin()
        for command in (
            [uv, "venv", "--quiet", "--seed", "--python", sys.executable, str(home)],
            [uv, "pip", "install", "--quiet", "--python", str(home / "bin/python"), peer.requirement],
        ):
            try:
                subprocess.run(command, check=True, capture_output=True, text=True, timeout=_SECONDS)
            except subprocess.CalledProcessError as error:
                raise Unavailable(f"{peer.name} does not install: {error.stderr.strip()[-300:]}") from error
            except subprocess.TimeoutExpired as error:
                raise Unavailable(f"{peer.name} does not install within {_SECONDS} s") from error
        (home / "complete").touch()
    return home / "bin"


def environment(programs: Path) -> dict[str, str]:
    """The tool's own Python comes first; nothing is reported to its makers."""
    return {
        "PATH": os.pathsep.join((str(programs), os.environ["PATH"])),
        "SAM_CLI_TELEMETRY": "0",
        "AWS_DEFAULT_REGION": "eu-west-1",
    }


def _lay_chalice(root: Path, functions: Mapping[str, str]) -> None:
    """One application for each function: its requirements are an application's."""
    for name, requirements in functions.items():
        folder = root / name
        (folder / ".chalice").mkdir(parents=True)
        head = f"from chalice import Chalice\n\napp = Chalice(app_name={name!r})\n\n\n@app.lambda_function()\n"
        (folder / "app.py").write_text(head + HANDLER)
        (folder / "requirements.txt").write_text(requirements)
        stage = {"manage_iam_role": False, "iam_role_arn": "arn:aws:iam::123456789012:role/lambda"}
        config = {"version": "2.0", "app_name": name, "stages": {"dev": stage}}
        (folder / ".chalice/config.json").write_text(json.dumps(config))


def _clear_chalice(root: Path) -> None:
    for folder in root.iterdir():
        shutil.rmtree(folder / ".chalice/deployments", ignore_errors=True)
        shutil.rmtree(folder / "out", ignore_errors=True)


def _lay_sam(root: Path, functions: Mapping[str, str]) -> None:
    resources = {}
    for name, requirements in functions.items():
        folder = root / name
        folder.mkdir(parents=True)
        (folder / "app.py").write_text(HANDLER)
        (folder / "requirements.txt").write_text(requirements)
        properties = {
            "CodeUri": f"{name}/", "Handler": "app.handle", "Runtime": local.runtime(),
            "Architectures": [local.architecture()],
        }
        resources[name.title()] = {"Type": "AWS::Serverless::Function", "Properties": properties}
    template = {"Transform": "AWS::Serverless-2016-10-31", "Resources": resources}
    (root / "template.yaml").write_text(json.dumps(template))


def _sam(root: Path, programs: Path) -> list[tuple[Path, list[str]]]:
    """The zips are made by ``package``, which uploads them: here to an emulator on loopback."""
    sam = str(programs / "sam")
    return [
        (root, [sam, "build", "--cached", "--parallel"]),
        (root, [sam, "package", "--s3-bucket", BUCKET, "--output-template-file", "packaged.yaml"]),
    ]


PEERS = (
    Peer(
        "chalice package", "chalice==1.34.0", _lay_chalice,
        lambda root, programs: [
            (folder, [str(programs / "chalice"), "package", "out"]) for folder in sorted(root.iterdir())
        ],
        _clear_chalice,
        lambda root: sorted(root.glob("*/out/deployment.zip")),
    ),
    Peer(
        "sam build + package", "aws-sam-cli==1.170.0", _lay_sam, _sam,
        lambda root: shutil.rmtree(root / ".aws-sam", ignore_errors=True),
        lambda root: [],
    ),
)
