"""The repository on a runner of its own: act runs the workflow files, on this host, with no network.

What is replaced, and why:
- the actions of others, by the composite stand-ins in ``actions/``: they would download themselves;
- ``uses: $/...`` by ``uses: ./...``, or in another repository by its name: act 0.2.89 does not know the first form,
  which means the repository of the file;
- the check command, by one that does not run these tests again.

Where the build is to have its container, the rest is real too: pip installs dollop in each job, from the index.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml

from tests.e2e.hub import BOT, OWNER, GitHub, token

ROOT = Path(__file__).parents[2]
SECRET = "not-to-be-told"
STAND_INS = Path(__file__).parent / "actions"
PIPELINE = """\
project: shop
region: eu-west-1
stages:
  test: {alias: test}
  prod: {alias: prod, from: test}
defaults:
  runtime: python3.13
  role: "arn:aws:iam::123456789012:role/lambda"
functions:
  echo:
    handler: echo.handle
    smoke: {event: {name: robert}, expect: {statusCode: 200}}
"""
HANDLER = '''def handle(event, context):
    return {{"statusCode": 200, "body": "{}"}}
'''


@dataclass(frozen=True)
class Outcome:
    """What a run left behind."""

    succeeded: bool
    log: str
    summary: str
    errors: str
    """The annotations."""
    jobs: Mapping[str, str]
    """Job -> success or failure; a job that was skipped is not in it."""


@dataclass
class Project:
    """A team's repository: dollop, its workflows, one function."""

    folder: Path
    github: GitHub
    aws: str
    account: str
    secret: str = SECRET
    runs: int = 0
    variables: dict[str, str] = field(default_factory=lambda: {"CHECK": "true", "BUILD_IMAGE": "none"})
    environment: dict[str, str] = field(default_factory=dict)
    called: dict[str, Path] = field(default_factory=dict)
    """Other repositories whose workflows it calls: ``owner/name@ref`` -> folder."""

    def git(self, *arguments: str) -> str:
        done = subprocess.run(["git", *arguments], cwd=self.folder, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    def commit(self, message: str, files: Mapping[str, str]) -> str:
        """A commit of ``files``; its hash."""
        for name, text in files.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", message)
        return self.git("rev-parse", "HEAD")

    def run(self, workflow: str, event: str, payload: Mapping[str, Any] | None = None, **inputs: str) -> Outcome:
        """Run a workflow to its end, as GitHub would for ``event``. Nothing waits for an approval."""
        begun = self.start(workflow, event, payload, **inputs)
        self.approve(begun)
        return begun.outcome()

    def approve(self, run: Run) -> None:
        """Let the job in the environment prod go on."""
        (self.folder.parent / "approvals" / str(run.number)).touch()

    def contain(self, image: str) -> None:
        """Build in a container of ``image``, in which the stand-ins and the artifacts are where they are here."""
        mounted = (STAND_INS, self.folder.parent / "artifacts", self.folder.parent / "caches")
        options = " ".join(f"--volume {folder}:{folder}" for folder in mounted)
        workflow = self.folder / ".github/workflows/build.yml"
        mapping = rf'container: {{image: "\1", options: "{options}"}}'
        workflow.write_text(re.sub(r"container: (\$\{\{.*?\}\})", mapping, workflow.read_text()))
        self.commit("Build in a container", {})
        self.variables["BUILD_IMAGE"] = image
        self.environment["DOLLOP_PYTHON"] = ""

    def call_no_workflow(self) -> None:
        """Let the job ``build`` of pull-request.yml be that of build.yml, instead of a call of it.

        act ends a run when a job of a called workflow fails; GitHub goes on with the jobs that are to run always.
        """
        folder = self.folder / ".github/workflows"
        called = (folder / "build.yml").read_text().replace("inputs.image", "vars.BUILD_IMAGE")
        pull_request = yaml.safe_load((folder / "pull-request.yml").read_text())
        pull_request["jobs"]["build"] = yaml.safe_load(called)["jobs"]["build"]
        pull_request["on"] = pull_request.pop(True)  # YAML takes the word for a truth value
        (folder / "pull-request.yml").write_text(yaml.safe_dump(pull_request))
        self.commit("Call no workflow", {})

    def start(self, workflow: str, event: str, payload: Mapping[str, Any] | None = None, **inputs: str) -> Run:
        """Start a workflow in a copy of what is checked out now."""
        self.runs += 1
        state = self.folder.parent / f"run-{self.runs}"
        shutil.copytree(self.folder, state / "work", symlinks=True)
        event_file = state / "event.json"
        event_file.write_text(json.dumps({**(payload or {}), **({"inputs": inputs} if inputs else {})}))
        environment = {
            "APPROVALS": str(self.folder.parent / "approvals"),
            "ARTIFACTS": str(self.folder.parent / "artifacts"),
            "ATTESTED": str(self.folder.parent / "attested"),
            "CACHES": str(self.folder.parent / "caches"),
            "DOLLOP_PYTHON": sys.executable,
            "GITHUB_API_URL": self.github.api,
            "GITHUB_REPOSITORY": self.github.name,
            "GITHUB_RUN_ID": str(self.runs),
            "STAND_INS": str(STAND_INS),
            "TEST_AWS": self.aws,
            **self.environment,
        }
        secrets = {"GITHUB_TOKEN": token(BOT), "AWS_ACCESS_KEY_ID": self.account, "AWS_SECRET_ACCESS_KEY": self.secret}
        act = Path(sys.executable).with_name("act")
        command = [act, event, "-W", f".github/workflows/{workflow}", "-e", event_file]
        command += ["-P", "ubuntu-latest=-self-hosted", "--pull=false", "--no-cache-server", "--json", "--actor", OWNER]
        command += ["--action-cache-path", state / "act"]
        for option, values in (("--env", environment), ("-s", secrets), ("--var", self.variables), ("--input", inputs)):
            command += [word for key, value in values.items() for word in (option, f"{key}={value}")]
        replaced = {action for folder in (self.folder, *self.called.values()) for action in stand_ins(folder)}
        replaced |= {f"{repository}={folder}" for repository, folder in self.called.items()}
        command += [word for action in sorted(replaced) for word in ("--local-repository", action)]
        keep = {key: os.environ[key] for key in ("PATH", "HOME", "LANG", "SSL_CERT_FILE") if key in os.environ}
        with (state / "log").open("wb") as log:
            process = subprocess.Popen(
                list(map(str, command)), cwd=state / "work", env=keep | {"TMPDIR": str(state)}, stdout=log, stderr=log
            )
        return Run(self.runs, state, process)


@dataclass(frozen=True)
class Run:
    """A workflow that runs."""

    number: int
    state: Path
    process: subprocess.Popen[bytes]

    def outcome(self) -> Outcome:
        """Wait for its end."""
        try:
            code = self.process.wait(180)
        except subprocess.TimeoutExpired:
            self.process.terminate()
            code = self.process.wait()
        return replace(self.so_far(), succeeded=code == 0)

    def so_far(self) -> Outcome:
        """What it has said up to now."""
        log = (self.state / "log").read_text()
        return Outcome(False, readable(log), told(log, "summary"), told(log, "error"), jobs(log))

    def cancel(self) -> None:
        """End it, as somebody does who does not approve."""
        self.process.terminate()
        self.process.wait(30)

    def done(self, job: str) -> bool:
        """Whether ``job`` has ended."""
        return job in jobs((self.state / "log").read_text())


def stand_ins(folder: Path) -> list[str]:
    """``owner/name@commit=folder`` for every action that the workflows use and that is not act's own."""
    texts = [path.read_text() for path in (folder / ".github").rglob("*.yml")]
    used = {match for text in texts for match in re.findall(r"uses: ([\w-]+/[\w-]+)[\w/-]*@(\w+)", text)}
    others = sorted((action, commit) for action, commit in used if action != "actions/checkout")
    return [f"{action}@{commit}={STAND_INS / action.split('/')[1]}" for action, commit in others]


def entries(log: str) -> list[dict[str, Any]]:
    """What act has said so far; a line that it is still writing is not counted."""
    whole = log[:log.rfind("\n") + 1]
    return [json.loads(line) for line in whole.splitlines() if line.startswith("{")]


def readable(log: str) -> str:
    return "\n".join(f"[{entry.get('jobID', '')}] {entry.get('msg', '')}".rstrip() for entry in entries(log))


def told(log: str, command: str) -> str:
    """What the steps said through the workflow command ``command``."""
    found = (entry for entry in entries(log) if entry.get("command") == command)
    return "\n".join(str(entry.get("content") or entry.get("raw", "")) for entry in found)


def jobs(log: str) -> dict[str, str]:
    return {entry["jobID"]: entry["jobResult"] for entry in entries(log) if "jobResult" in entry}


def project(folder: Path, github: GitHub, aws: str, account: str) -> Project:
    """A fresh repository in ``folder`` that holds dollop itself, with one commit."""
    dollop(folder / "work", "./")
    made = Project(folder / "work", github, aws, account)
    begin(made)
    return made


CALLER = """\
on: push
permissions: {{}}
jobs:
  check:
    permissions: {{contents: read}}
    uses: {dollop}/.github/workflows/check.yml@v1
    with: {{command: test -f functions/echo/echo.py}}
  build:
    permissions: {{contents: read}}
    uses: {dollop}/.github/workflows/build.yml@v1
    with: {{image: none}}
  use:
    needs: build
    runs-on: ubuntu-latest
    steps:
      - env: {{PACKAGES: "${{{{ needs.build.outputs.packages }}}}", REGION: "${{{{ needs.build.outputs.region }}}}"}}
        run: test -n "$PACKAGES" && test "$REGION" = eu-west-1
"""


def caller(folder: Path, github: GitHub) -> Project:
    """A fresh repository in ``folder`` that holds no dollop: it calls the workflows of one beside it."""
    name = f"{OWNER}/dollop"
    dollop(folder / "dollop", f"{name}/", "@v1")
    (folder / "work").mkdir()
    made = Project(folder / "work", github, "", "no account", called={f"{name}@v1": folder / "dollop"})
    begin(made, {".github/workflows/team.yml": CALLER.format(dollop=name)})
    return made


def dollop(folder: Path, here: str, ref: str = "") -> None:
    """The pipeline's own files, in which ``$/`` is what ``here`` and ``ref`` say to act."""
    for name in (".github", "ci"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "requirements.txt", folder)
    for path in (folder / ".github").rglob("*.yml"):
        path.write_text(re.sub(r"uses: \$/(\S+)", rf"uses: {here}\1{ref}", path.read_text()))


def begin(made: Project, files: Mapping[str, str] | None = None) -> None:
    """The first commit, and where its runs leave what they keep."""
    for state in ("approvals", "artifacts", "attested", "caches"):
        (made.folder.parent / state).mkdir()
    made.git("init", "--quiet", "--initial-branch", "master")
    for key, value in (("user.name", "Octo"), ("user.email", "octo@example.com"), ("commit.gpgsign", "false")):
        made.git("config", key, value)
    made.git("remote", "add", "origin", f"https://github.com/{made.github.name}.git")
    ignored = ".dollop/\ndist/\n"
    handler = HANDLER.format("one")
    own = {"pipeline.yaml": PIPELINE, "functions/echo/echo.py": handler, ".gitignore": ignored}
    made.commit("Begin", {**own, **(files or {})})
