"""The nouns: pipeline, stage, function, package, live, plan, release. Frozen, no I/O.

Settings are kept in AWS's own shape and names (``{"MemorySize": 128}``), complete: a setting that
pipeline.yaml does not mention has AWS's default, so that a plan sees what was changed by hand.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Settings = Mapping[str, Any]


class Secret:
    """A value that must not be shown: every environment value and whatever ``${...}`` expands to.

    ``str``, ``repr`` and ``format`` give asterisks. Only what writes to AWS calls ``reveal``.
    """

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The value itself."""
        return self._value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._value == other._value

    def __hash__(self) -> int:
        return hash(self._value)

    def __repr__(self) -> str:
        return "***"


# ---------------------------------------------------------------- what the repository says


@dataclass(frozen=True)
class Smoke:
    """One invocation after a release: ``event`` is sent, ``expect`` must be contained in the answer."""

    event: Any
    expect: Any


@dataclass(frozen=True)
class Canary:
    """Before an alias moves, ``share`` percent of its calls go to the new version, for ``seconds``.

    When one of the CloudWatch ``alarms`` is in the state ALARM meanwhile, that ends and nothing moves.
    """

    share: int
    seconds: int
    alarms: tuple[str, ...] = ()


@dataclass(frozen=True)
class CodeDeploy:
    """AWS CodeDeploy moves the alias, as one of its deployment configurations says, and takes it back on an alarm.

    https://docs.aws.amazon.com/codedeploy/latest/userguide/deployment-configurations.html
    """

    config: str
    """As CodeDeploy calls it: ``CodeDeployDefault.LambdaCanary10Percent5Minutes``."""
    role: str
    """That CodeDeploy takes on."""
    application: str
    alarms: tuple[str, ...] = ()

    def group(self, stage: str, function: str) -> str:
        """The deployment group: CodeDeploy has one deployment under way in each, so every function has its own."""
        return f"{stage}-{function}"


@dataclass(frozen=True)
class Site:
    """A region, and the role through which an account is reached there. Neither is said: where the command acts."""

    region: str | None = None
    role: str | None = None
    plan_role: str | None = None
    """In place of ``role`` while nothing is changed."""
    settings: Mapping[str, Settings] = field(default_factory=dict)
    """Function -> what it has there instead: what belongs to a region or an account (role, layers, network)."""

    @property
    def name(self) -> str:
        """``us-east-1``, in another account ``us-east-1/222222222222``."""
        account = f"/{self.role.split(':')[4]}" if self.role else ""
        return f"{self.region or ''}{account}"


@dataclass(frozen=True)
class Stage:
    """An alias and how it is reached: built and deployed, or promoted from the stage ``source``."""

    name: str
    alias: str
    source: str | None = None
    rollout: Canary | CodeDeploy | None = None
    """None: the alias moves at once."""
    sites: tuple[Site, ...] = (Site(),)
    """All of them run the same release, or none does."""


SLIM = ("tests", "headers", "stubs", "metadata", "debug")
"""What of a dependency no function needs while it runs."""


def label(name: str, site: str) -> str:
    """A function, and where, in a stage that has several sites."""
    return f"{name} in {site}" if site else name


@dataclass(frozen=True)
class Packaging:
    """How a package is put together, beyond what goes into it."""

    groups: tuple[str, ...] = ()
    """Dependency groups of the requirements' pyproject.toml, beside its own dependencies."""
    extras: tuple[str, ...] = ()
    """Optional dependencies of it."""
    binaries: tuple[str, ...] = ("wheels", "lambda-packages", "build")
    """Where compiled dependencies may come from. They are tried in this order, whatever order they are said in."""
    allow: tuple[str, ...] = ()
    """Patterns as in .gitignore, over the paths of the package: files that look like secrets and are meant."""
    slim: tuple[str, ...] = ()
    """Rules by which files of dependencies are left out, of ``SLIM``."""
    provided: bool = False
    """Whether what Lambda's runtime has itself is left out."""
    bucket: str = ""
    """Where packages go that are too large for a request; ``{region}`` is filled in. Empty: nowhere."""
    layer: str = ""
    """The layer, by its name in AWS, that the dependencies go into. Empty: they are in the package."""


@dataclass(frozen=True)
class Hooks:
    """Commands for ``sh``, run in a copy of the function's files. What ``build`` leaves there is what is packaged."""

    build: str | None = None
    deploy: str | None = None
    """Before a deploy calls anything. When it fails, nothing is called."""
    timeout: int = 300
    """Seconds, for each."""


@dataclass(frozen=True)
class Attachment:
    """One resource around a function, as it is wanted or as AWS has it: a URL, an event source, a schedule's rule.

    A thing of pipeline.yaml may be several: a schedule is a rule, its target and a permission.
    """

    kind: str
    """What it is to AWS: one of ``attachments.KINDS``."""
    id: str
    """Tells it from others of its kind at the same alias."""
    key: str
    """The key of pipeline.yaml that it belongs to: ``schedules``."""
    name: str
    """Of the entry under that key; empty where there can be one only."""
    settings: Settings
    """In AWS's shape, complete, without what follows from function and alias."""
    reference: str = ""
    """What AWS calls it: an event source mapping's UUID, the address of a URL."""


@dataclass(frozen=True)
class Function:
    """One entry of pipeline.yaml, defaults merged. Paths are relative to ``Pipeline.root``."""

    name: str
    aws_name: str
    settings: Settings
    """Complete configuration as CreateFunction takes it, without FunctionName, Code, Environment, Tags."""
    environment: Mapping[str, Secret]
    source: Path
    include: tuple[Path, ...] = ()
    exclude: tuple[str, ...] = ()
    requirements: Path | None = None
    tags: Mapping[str, str] | None = None
    """None: pipeline.yaml does not manage them."""
    concurrency: int | None = None
    """Reserved concurrent executions. None: pipeline.yaml does not manage it."""
    smoke: Smoke | None = None
    retain: int = 10
    max_size: int | None = None
    """Largest package allowed, in bytes of zip. None: AWS's quotas alone."""
    packaging: Packaging = Packaging()
    hooks: Hooks = Hooks()
    attachments: Mapping[str, tuple[Attachment, ...]] = field(default_factory=dict)
    """Stage -> what its alias is to have around it."""
    line: int = 0
    """Line of the entry in pipeline.yaml, for messages."""

    @property
    def handler(self) -> str:
        return str(self.settings["Handler"])

    @property
    def runtime(self) -> str:
        return str(self.settings["Runtime"])

    @property
    def architecture(self) -> str:
        return str(self.settings["Architectures"][0])


@dataclass(frozen=True)
class Pipeline:
    """pipeline.yaml, checked."""

    root: Path
    project: str
    region: str | None
    stages: Mapping[str, Stage]
    functions: Mapping[str, Function]
    file: str = "pipeline.yaml"


# ---------------------------------------------------------------- what was built


REQUEST_LIMIT = 52_428_800
"""Bytes of zip that fit into a request."""
UNZIPPED_LIMIT = 262_144_000
"""Bytes of all files, with layers. Both: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html"""


@dataclass(frozen=True, order=True)
class File:
    """One file of a package. ``mode`` holds the permission bits, ``size`` is in bytes, unzipped."""

    path: str
    mode: int
    size: int
    crc32: int
    sha256: str
    """Hex. Empty where only a zip's directory was read."""


@dataclass(frozen=True, order=True)
class Dependency:
    """A distribution in a package. ``origin`` says where it came from: wheel, lambda-packages, build."""

    name: str
    version: str
    origin: str = "wheel"
    size: int = field(default=0, compare=False)
    """Bytes that its files take in the zip. 0 where only the zip's directory was read."""
    sha256: str = field(default="", compare=False)
    """Hex, of the wheel. Empty where it is not known."""
    licence: str = field(default="", compare=False)
    """As its author says it: an SPDX expression, or words. Empty where nothing is said."""


@dataclass(frozen=True)
class LeftOut:
    """What a rule kept out of a package: one of ``SLIM``, ``provided`` or ``exclude``. Bytes of zip, and unzipped."""

    rule: str
    files: int
    size: int
    unzipped: int


@dataclass(frozen=True)
class Package:
    """A function's built zip. Two packages are the same code if and only if their ``digest`` is equal."""

    function: str
    path: Path
    digest: str
    """Content digest: base64url sha256, unpadded (43 characters), over path, mode and sha256 of each file."""
    code_sha256: str
    """Base64 sha256 of the zip, as AWS's CodeSha256."""
    size: int
    unzipped: int
    files: tuple[File, ...]
    dependencies: tuple[Dependency, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    layer: Package | None = None
    """The dependencies, where they are in a layer. Its ``function`` is the name of the layer."""


# ---------------------------------------------------------------- what AWS runs


@dataclass(frozen=True)
class VersionRecord:
    """What this tool wrote into a published version's description."""

    commit: str
    digest: str
    code_sha256: str


@dataclass(frozen=True)
class AliasRecord:
    """What this tool wrote into an alias's description."""

    release: str
    run: str
    at: str
    """UTC, ISO 8601, to the second. Orders the releases of a stage."""
    previous: str | None
    """The version that the alias ran before, None when it was new."""
    version: str | None = None
    """The version that it was pointed to. Another tool that moves the alias leaves the description as it is."""
    since: str | None = None
    """A moment, as ``at``, that the whole release came after: what has its name and is older, is an earlier one."""


@dataclass(frozen=True)
class CanaryRecord:
    """What this tool appends to an alias's description while a share of its calls goes to another version."""

    before: str
    """The version that the alias points to."""
    version: str
    """The version that gets the share."""
    release: str
    """The last part of the release's name: a description is short."""
    at: str
    """When it began, UTC, ISO 8601, to the second."""


@dataclass(frozen=True)
class Handed:
    """What this tool appends to an alias's description when it hands its move to CodeDeploy, which writes none.

    With where the alias points, it tells how far CodeDeploy is, whoever watches.
    """

    before: str
    """The version that the alias points to until CodeDeploy is done."""
    version: str
    release: str
    run: str
    at: str
    """UTC, ISO 8601, to the second."""


@dataclass(frozen=True)
class LiveVersion:
    """One version of a function as AWS describes it; ``version`` may be ``$LATEST``."""

    version: str
    settings: Settings
    environment: Mapping[str, Secret]
    code_sha256: str
    size: int
    modified: str
    revision: str
    description: str = ""
    record: VersionRecord | None = None
    files: tuple[File, ...] | None = None
    """What is in its zip, where that was read."""
    content: str = ""
    """Content digest of its zip, where that was read whole, because no record tells it."""
    failed: str = ""
    """Why the last update of it came to nothing: AWS describes what was asked for, and runs what was before."""


@dataclass(frozen=True)
class LiveAlias:
    """An alias of a function. ``weights`` is a canary: version -> share of the traffic."""

    name: str
    version: str
    revision: str
    description: str = ""
    record: AliasRecord | None = None
    weights: Mapping[str, float] = field(default_factory=dict)
    canary: CanaryRecord | None = None
    """None also where another tool has set ``weights``."""
    handed: Handed | None = None
    """CodeDeploy has its move. Without ``weights`` it has not begun, or has taken it back. None once it is done."""

    @property
    def under_way(self) -> CanaryRecord | Handed | None:
        """The release that a share of the calls goes to."""
        return self.canary or (self.handed if self.weights else None)


@dataclass(frozen=True)
class LiveGroup:
    """CodeDeploy's deployment group of a function, and the application that it is in."""

    application: bool
    """Whether it is there."""
    role: str | None
    """None: there is no such group."""


@dataclass(frozen=True)
class LiveFunction:
    """What AWS has of one function. The parts that were not needed were not read and are None."""

    arn: str = ""
    """Unqualified."""
    running: LiveVersion | None = None
    """What the stage's alias runs. None: the stage has no such alias."""
    latest: LiveVersion | None = None
    """``$LATEST``, the workbench. Read only when something differs."""
    aliases: Mapping[str, LiveAlias] | None = None
    """Every alias, by name. Read only when something differs."""
    versions: tuple[LiveVersion, ...] | None = None
    """Published versions, oldest first. Read only when something differs."""
    tags: Mapping[str, str] = field(default_factory=dict)
    concurrency: int | None = None
    attached: Mapping[str, tuple[Attachment, ...]] = field(default_factory=dict)
    """Alias -> what is around it. Read only where there is something, or should be."""


@dataclass(frozen=True)
class LiveLayer:
    """A layer as a plan sees it: ``arn`` of the newest version with the wanted content, None where there is none.

    ``newest`` is the number of the last version, 0 where there is none.
    """

    arn: str | None
    newest: int
    ours: tuple[tuple[int, str], ...] = ()
    """Number and ARN of each version that we published. Read only to prune."""


@dataclass(frozen=True)
class Live:
    """What AWS runs now, seen from one stage. A function that AWS does not have maps to None."""

    stage: Stage
    functions: Mapping[str, LiveFunction | None]
