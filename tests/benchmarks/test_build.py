"""How long packages take, beside other tools on the same machine in the same run, and beside what no tool can avoid.

``make bench`` prints the table at its end; with ``ARGS='-k chalice'`` beside one peer. Every time is that of whole
processes, after a run that fills the tools' own caches, ours and theirs in turn:
the median of five runs, or of as many as go into DOLLOP_BENCH_SECONDS (20) for a slow peer. "CPU" is what the
processes used, whatever else the machine was doing. All tools get the same pinned requirements. Peers are installed
from the registries, once, below ``.dollop/peers``; what cannot be had is named at the end of the table.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from zipfile import ZipFile

import pytest
from uv import find_uv_bin

from ci import local
from tests.benchmarks import peers
from tests.benchmarks.measuring import (
    ABSENT,
    Failed,
    Row,
    Time,
    Work,
    alone,
    in_turn,
    median,
    most_memory,
    note,
    ratio,
    run,
)
from tests.benchmarks.peers import BUCKET, HANDLER, PEERS, Peer
from tests.emulated.conftest import REGION, Account

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
MANY = """certifi==2026.10.18
charset-normalizer==3.5.2
idna==3.20
requests==2.34.2
urllib3==2.8.0
"""
FUNCTIONS = {"echo": "", "api": API, "sci": SCI}
IMPORTS = {"echo": "json", "api": "pydantic, requests", "sci": "numpy, PIL.Image, cryptography.fernet"}
"""What our handlers import: a build of ours tries that. The peers try nothing, so theirs import nothing."""
ONE = {"sci": SCI}
FIRST = "sci, dependencies laid out anew"
SOURCE, CHANGED, UNCHANGED = "sci from source", "all three, one line of sci changed", "all three, nothing changed"
COLD = "sci, nothing fetched yet"
FASTER = {SOURCE: 15, CHANGED: 20, UNCHANGED: 10}
MANY_FASTER, SOON, MEMORY = 20, 0.3, 200
LARGER, SLOWER = 1.02, 1.3
"""What is aimed at: so many times faster than each peer, seconds for all three unchanged, MB; a zip at most so many
times the smallest peer's; cold, at most so many times what uv takes to install alone."""
COUNTS = (50, 100, 200)
SAMPLE = 20
"""Many functions are too many for the peers: they get these, and ten times that is taken for 200."""


@dataclass(frozen=True)
class Project:
    """Our own, with what it takes to run a build again: ``forget`` drops the packages and nothing else that is kept."""

    root: Path
    code: Path

    @property
    def cache(self) -> Path:
        return self.root / ".dollop/cache"

    @property
    def zips(self) -> list[Path]:
        return sorted(self.root.glob("dist/*.zip"))

    @property
    def wheels(self) -> list[Path]:
        return sorted((self.cache / "wheels").iterdir())

    def build(self, **environment: str) -> None:
        try:
            run([(self.root, [sys.executable, "-m", "ci", "build"])], {"PYTHONPATH": str(self.code), **environment})
        except Failed as error:
            raise AssertionError(error) from error  # a peer may fail, and is left out; ours may not

    def forget(self, *kinds: str) -> None:
        for kind in ("packages", *kinds):
            shutil.rmtree(self.cache / kind)

    def change(self) -> None:
        change(self.root / "functions/sci/app.py")


def change(file: Path) -> None:
    """One line more."""
    with file.open("a") as stream:
        stream.write(f"# {file.stat().st_size}\n")


def nothing() -> None:
    """For work that needs no preparation."""


def lay(root: Path, functions: Mapping[str, str], imports: Mapping[str, str] = IMPORTS) -> Path:
    """The functions as our own project."""
    head = (
        "project: bench\nregion: eu-west-1\nstages:\n  test: {alias: test}\ndefaults:\n"
        f"  runtime: {local.runtime()}\n  architecture: {local.architecture()}\n"
        '  role: "arn:aws:iam::123456789012:role/lambda"\nfunctions:\n'
    )
    lines = []
    for name, requirements in functions.items():
        peers.write(root / "functions", {name: requirements}, f"import {imports[name]}\n\n\n{HANDLER}")
        lines.append(f"  {name}: {{handler: app.handle, requirements: functions/{name}/requirements.txt}}\n")
    (root / "pipeline.yaml").write_text(head + "".join(lines))
    return root


def floor(read: Sequence[Path], written: Sequence[Path], out: Path) -> None:
    """Read and hash what a build starts from, write the bytes that it ends with."""
    for path in read:
        hashlib.sha256(path.read_bytes()).digest()
    for number, path in enumerate(written):
        (out / str(number)).write_bytes(path.read_bytes())


def size(paths: Sequence[Path]) -> int:
    return sum(path.stat().st_size for path in paths)


@pytest.fixture(scope="module")
def projects(tmp_path_factory: pytest.TempPathFactory, root: Path) -> dict[str, Project]:
    """Ours, for each work, built once."""
    made = {}
    for work, functions in ((SOURCE, ONE), (CHANGED, FUNCTIONS), (UNCHANGED, FUNCTIONS)):
        made[work] = Project(lay(tmp_path_factory.mktemp("ours"), functions), root)
        made[work].build()
        assert len(functions) == len(made[work].zips)
    return made


def before(work: str, project: Project) -> Work:
    return {SOURCE: project.forget, CHANGED: project.change, UNCHANGED: nothing}[work]


def test_ours(projects: dict[str, Project], tmp_path: Path) -> None:
    """Each work beside its floor; with nothing changed, all three take less than 0.3 s."""
    for work, project in projects.items():
        own = alone(project.build, before(work, project))
        said = f"below {SOON} s" if work == UNCHANGED else ""
        note(Row(work, "dollop build", median(own), len(own), size(project.zips), aim=said))
        read = {SOURCE: project.wheels, CHANGED: [*project.zips, *project.wheels], UNCHANGED: project.zips}[work]
        written = [] if work == UNCHANGED else [path for path in project.zips if path.stem == "sci"]
        least = alone(lambda: floor(read, written, tmp_path))
        note(Row(work, "(floor)", median(least), len(least)))
        if work == UNCHANGED:
            unchanged = median(own).wall
    project = projects[SOURCE]
    own = alone(project.build, lambda: project.forget("trees"))
    note(Row(FIRST, "dollop build", median(own), len(own)))
    assert unchanged < SOON


@pytest.mark.network
def test_cold(tmp_path: Path, root: Path) -> None:
    """With nothing fetched, a zip takes at most 1.3 times what uv takes to install the same alone."""
    project = Project(lay(tmp_path / "ours", ONE), root)
    requirements, caches = project.root / "functions/sci/requirements.txt", tmp_path / "caches"
    target = [find_uv_bin(), "pip", "install", "--quiet", "--python", sys.executable, "--target", "target"]

    def forget() -> None:
        for folder in (caches, tmp_path / "target", project.root / ".dollop"):
            shutil.rmtree(folder, ignore_errors=True)

    def install() -> None:
        run([(tmp_path, [*target, "-r", str(requirements)])], {"UV_CACHE_DIR": str(caches)})

    own, others = in_turn(lambda: project.build(UV_CACHE_DIR=str(caches)), install, forget, forget)
    times = ratio(own, others)
    note(Row(COLD, "dollop build", median(own), len(own), size(project.zips)))
    note(Row(COLD, "uv pip install", median(others), len(others), 0, 1 / times, f"at least {1 / SLOWER:.2f}"))
    assert times <= SLOWER


@pytest.fixture
def peer(request: pytest.FixtureRequest, root: Path, account: Account) -> tuple[Peer, Path]:
    """The tool and the folder of its programs, or a skip that the table names."""
    account.client("s3").create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
    try:
        return request.param, peers.install(request.param, root)
    except Failed as error:
        ABSENT.append(f"{request.param.name}: {error}")
        pytest.skip(str(error))


@pytest.mark.network
@pytest.mark.parametrize("peer", PEERS, ids=lambda peer: peer.name.split(" + ")[0].replace(" ", "-"), indirect=True)
def test_beside(
    peer: tuple[Peer, Path], projects: dict[str, Project], tmp_path: Path, account: Account
) -> None:
    """Packages are made many times faster than the peer makes them, and are not larger."""
    try:
        short = list(compared(*peer, projects, tmp_path, account))
    except Failed as error:
        ABSENT.append(f"{peer[0].name}: {error}")
        pytest.skip(str(error))
    assert [] == short


def compared(
    tool: Peer, programs: Path, projects: dict[str, Project], root: Path, account: Account
) -> Iterator[str]:
    """A row for each work; where an aim is not met, what is short of it. Raises Failed."""
    for works, functions in (((SOURCE,), ONE), ((UNCHANGED, CHANGED), FUNCTIONS)):
        folder = root / works[0].replace(" ", "-")
        package = prepared(tool, programs, folder, functions, account)
        for work in works:
            clear: dict[str, Work] = {
                SOURCE: lambda: tool.clear(folder), CHANGED: lambda: change(folder / "sci/app.py"), UNCHANGED: nothing,
            }
            project = projects[work]
            own, others = in_turn(project.build, package, before(work, project), clear[work])
            zips = [path.read_bytes() for path in tool.zips(folder)] or uploaded(account, work)
            total = sum(map(len, zips))
            times = ratio(others, own)
            note(Row(work, tool.name, median(others), len(others), total, times, f"{FASTER[work]}"))
            if times < FASTER[work]:
                yield f"{work}: {times:.1f} times faster than {tool.name}, not {FASTER[work]}"
            if work == SOURCE and size(project.zips) > LARGER * total and held(project.zips[0].read_bytes(), zips[0]):
                yield f"{work}: {size(project.zips)} bytes, {tool.name} has {total}"


def prepared(tool: Peer, programs: Path, folder: Path, functions: Mapping[str, str], account: Account) -> Work:
    """What packages the functions, after it did so once. Raises Failed."""
    environment = {**peers.environment(programs), **account.environment}

    def package() -> None:
        run(tool.commands(folder, programs), environment)

    folder.mkdir()
    tool.lay(folder, functions)
    package()
    return package


def uploaded(account: Account, work: str) -> list[bytes]:
    """The zip of ``sci`` in the bucket, where nothing else was built."""
    client = account.client("s3")
    there = client.list_objects_v2(Bucket=BUCKET).get("Contents", []) if work == SOURCE else []
    newest = max(there, key=lambda found: found["LastModified"], default=None)
    return [client.get_object(Bucket=BUCKET, Key=newest["Key"])["Body"].read()] if newest else []


def held(ours: bytes, theirs: bytes) -> bool:
    """Whether every library file of ours is in theirs: a tool may have taken other wheels, which are no measure."""
    files, others = (
        {(each.filename, each.CRC) for each in ZipFile(BytesIO(data)).infolist() if each.filename.count("/")}
        for data in (ours, theirs)
    )
    return {each for each in files if ".dist-info/" not in each[0]} <= others


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory, root: Path) -> dict[int, Time]:
    """For so many small functions with shared dependencies from source, with the wheels in the cache."""
    times = {}
    for count in COUNTS:
        functions = {f"f{number:03}": MANY for number in range(count)}
        project = Project(lay(tmp_path_factory.mktemp("many"), functions, dict.fromkeys(functions, "requests")), root)
        project.build()
        times[count] = median(alone(project.build, project.forget, 3))
        note(Row(f"{count} functions from source", "dollop build", times[count], 3, size(project.zips)))
    project.forget()
    assert peak([sys.executable, "-m", "ci", "build"], project.root, root) < MEMORY
    return times


def peak(command: list[str], folder: Path, code: Path) -> float:
    """MB of memory that the process had at most, itself."""
    process = subprocess.Popen(
        command, cwd=folder, env={**os.environ, "PYTHONPATH": str(code)}, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    most = most_memory(process)
    assert 0 == process.returncode
    note(Row(f"200 functions: {most:.0f} MB at most", "dollop build", Time(0, 0), 1, aim=f"below {MEMORY} MB"))
    return most


@pytest.mark.network
def test_many_grow(many: dict[int, Time]) -> None:
    """Each of 200 functions takes what each of 50 takes, of the processor."""
    least, most = COUNTS[0], COUNTS[-1]
    assert many[most].cpu / most <= 1.2 * many[least].cpu / least


@pytest.mark.network
@pytest.mark.parametrize(
    "peer", [peer for peer in PEERS if peer.many], indirect=True,
    ids=lambda peer: peer.name.split(" + ")[0].replace(" ", "-"),
)
def test_many(peer: tuple[Peer, Path], many: dict[int, Time], tmp_path: Path, account: Account) -> None:
    """200 functions take a twentieth of the peer's time. It packages 20 of them, and that is taken ten times."""
    tool, programs = peer
    functions = {f"f{number:03}": MANY for number in range(SAMPLE)}
    folder = tmp_path / "many"
    try:
        package = prepared(tool, programs, folder, functions, account)
        other = median(alone(package, lambda: tool.clear(folder), 1))
    except Failed as error:
        ABSENT.append(f"{tool.name}: {error}")
        pytest.skip(str(error))
    scaled = Time(other.wall * COUNTS[-1] / SAMPLE, other.cpu * COUNTS[-1] / SAMPLE)
    times = scaled.wall / many[COUNTS[-1]].wall
    work = f"{COUNTS[-1]} functions from source"
    note(Row(work, f"{tool.name} *", scaled, 1, 0, times, f"{MANY_FASTER} (* {SAMPLE} taken)"))
    assert times >= MANY_FASTER
