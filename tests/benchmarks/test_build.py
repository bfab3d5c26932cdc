"""How long packages take, beside other tools on the same machine in the same run, and beside what no tool can avoid.

``make bench ARGS='tests/benchmarks/test_build.py -s'`` prints the table. Every time is that of whole processes, the
median of five runs after one that fills the tools' own caches; "CPU" is what the processes used, whatever else the
machine was doing. All tools get the same pinned requirements.
"""

from __future__ import annotations

import hashlib
import os
import resource
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from ci import local
from tests.benchmarks import peers
from tests.benchmarks.peers import BUCKET, HANDLER, PEERS, Peer, Unavailable
from tests.emulated.conftest import REGION, Account

RUNS = 5
API = """annotated-types==0.8.0
certifi==2026.10.18
charset-normalizer==3.5.2
idna==3.20
pydantic==2.14.3
pydantic-core==2.50.4
requests==2.34.2
typing-extensions==4.16.0
typing-inspection==0.4.5
urllib3==2.8.0
"""
SCI = """cffi==2.1.1
cryptography==50.0.2
numpy==2.2.6
pillow==12.2.0
pycparser==3.12
"""
FUNCTIONS = {"echo": "", "api": API, "sci": SCI}
IMPORTS = {"echo": "json", "api": "pydantic, requests", "sci": "numpy, PIL.Image, cryptography.fernet"}
"""What our handlers import: a build of ours may try that. The peers try nothing, so theirs import nothing."""
ONE = {"sci": SCI}
FROM_SOURCE, UNCHANGED = "sci from source", "all three, nothing changed"
FASTER = {FROM_SOURCE: 15, UNCHANGED: 10}
LARGER = 1.02
"""What is aimed at: so many times faster than the fastest peer, a zip at most so many times the smallest peer's."""


@dataclass(frozen=True)
class Row:
    """One tool at one work: medians in seconds, and what the zips have in bytes."""

    work: str
    tool: str
    wall: float
    cpu: float
    size: int

    HEAD = f"{'work':<28}{'tool':<22}{'wall s':>8}{'CPU s':>8}{'zip MB':>8}{'x ours':>8}"

    def beside(self, ours: Row) -> str:
        size = f"{self.size / 1e6:.2f}" if self.size else "-"
        return (
            f"{self.work:<28}{self.tool:<22}{self.wall:>8.3f}{self.cpu:>8.3f}{size:>8}{self.wall / ours.wall:>8.1f}"
        )


def run(commands: Sequence[tuple[Path, list[str]]], environment: Mapping[str, str]) -> None:
    """Each in its folder, one after the other."""
    environ = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    for folder, command in commands:
        done = subprocess.run(command, cwd=folder, env=environ | environment, capture_output=True, text=True)
        if done.returncode:
            raise Unavailable(f"{Path(command[0]).name} {command[1]}: {(done.stderr or done.stdout).strip()[-500:]}")


def measured(work: Callable[[], object], before: Callable[[], object]) -> tuple[float, float]:
    """Median seconds of ``work`` and of the processor time of its processes (or its own), ``before`` not counted."""
    walls, cpus = [], []
    for _ in range(RUNS):
        before()
        used, start = processor(), time.perf_counter()
        work()
        walls.append(time.perf_counter() - start)
        cpus.append(processor() - used)
    return statistics.median(walls), statistics.median(cpus)


def processor() -> float:
    """Seconds of processor time, of this process and of those that ended."""
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def nothing() -> None:
    """For work that needs no preparation."""


def lay(root: Path, functions: Mapping[str, str]) -> Path:
    """The functions as our own project."""
    head = (
        "project: bench\nregion: eu-west-1\nstages:\n  test: {alias: test}\ndefaults:\n"
        f"  runtime: {local.runtime()}\n  architecture: {local.architecture()}\n"
        '  role: "arn:aws:iam::123456789012:role/lambda"\nfunctions:\n'
    )
    lines = []
    for name, requirements in functions.items():
        folder = root / "functions" / name
        folder.mkdir(parents=True)
        (folder / "app.py").write_text(f"import {IMPORTS[name]}\n\n\n{HANDLER}")
        (folder / "requirements.txt").write_text(requirements)
        lines.append(f"  {name}: {{handler: app.handle, requirements: functions/{name}/requirements.txt}}\n")
    (root / "pipeline.yaml").write_text(head + "".join(lines))
    return root


def floor(paths: Sequence[Path], copied: Sequence[Path], out: Path) -> None:
    """Read and hash ``paths``, write the bytes of ``copied``."""
    for path in paths:
        hashlib.sha256(path.read_bytes()).digest()
    for number, path in enumerate(copied):
        (out / str(number)).write_bytes(path.read_bytes())


def ours(tmp_path: Path, root: Path) -> list[Row]:
    """``dollop build`` as a process, and the floor of each work."""
    command = [sys.executable, "-m", "ci", "build"]
    environment = {"PYTHONPATH": str(root)}
    rows = []
    for work, functions in ((FROM_SOURCE, ONE), ("all three from source", FUNCTIONS), (UNCHANGED, FUNCTIONS)):
        folder = lay(tmp_path / f"ours-{work}", functions)
        cache, dist, scratch = folder / ".dollop/cache", folder / "dist", folder / "scratch"
        scratch.mkdir()

        def build() -> None:
            run([(folder, command)], environment)

        def forget() -> None:
            """The built packages, and nothing else that is kept."""
            shutil.rmtree(cache / "packages")

        build()
        wall, cpu = measured(build, nothing if work == UNCHANGED else forget)
        zips = sorted(dist.glob("*.zip"))
        assert len(functions) == len(zips)
        rows.append(Row(work, "dollop build", wall, cpu, sum(path.stat().st_size for path in zips)))
        read = zips if work == UNCHANGED else sorted((cache / "wheels").iterdir())
        wall, cpu = measured(lambda: floor(read, zips, scratch), nothing)
        rows.append(Row(work, "(floor)", wall, cpu, 0))
    return rows


def theirs(peer: Peer, tmp_path: Path, root: Path, account: Account) -> list[Row]:
    """One peer, with caches that its first run filled. Raises Unavailable."""
    programs = peers.install(peer, root)
    environment = {**peers.environment(programs), **account.environment}
    s3 = account.client("s3")
    rows = []
    for work, functions in ((FROM_SOURCE, ONE), (UNCHANGED, FUNCTIONS)):
        folder = tmp_path / f"{peer.name}-{work}"
        folder.mkdir()
        peer.lay(folder, functions)
        commands = peer.commands(folder, programs)

        def package() -> None:
            run(commands, environment)

        package()
        before = nothing if work == UNCHANGED else lambda: peer.clear(folder)
        wall, cpu = measured(package, before)
        sizes = [path.stat().st_size for path in peer.zips(folder)]
        if not sizes:
            uploaded = s3.list_objects_v2(Bucket=BUCKET).get("Contents", [])
            newest = sorted(uploaded, key=lambda found: found["LastModified"])[-len(functions):]
            sizes = [found["Size"] for found in newest]
        rows.append(Row(work, peer.name, wall, cpu, sum(sizes)))
    return rows


@pytest.mark.network
def test_build(tmp_path: Path, root: Path, account: Account) -> None:
    """Packages are made many times faster than any peer makes them, and are not larger."""
    account.client("s3").create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
    rows = ours(tmp_path, root)
    unavailable = []
    for peer in PEERS:
        try:
            rows += theirs(peer, tmp_path, root, account)
        except Unavailable as error:
            unavailable.append(f"{peer.name} skipped: {error}")
    own = {row.work: row for row in rows if row.tool == "dollop build"}
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    print(f"\n{local.runtime()}, {os.cpu_count()} processors, load {load}\n{Row.HEAD}")
    for row in sorted(rows, key=lambda row: row.work):
        print(row.beside(own[row.work]))
    print(*unavailable, sep="\n")
    beside = {work: [row for row in rows if row.work == work and row.tool in {p.name for p in PEERS}] for work in own}
    for work, factor in FASTER.items():
        if beside[work]:
            assert factor * own[work].wall <= min(row.wall for row in beside[work]), work
    if beside[FROM_SOURCE]:
        assert own[FROM_SOURCE].size <= LARGER * min(row.size for row in beside[FROM_SOURCE])
