"""What the repository says: pipeline, stage, site, function.

Settings are kept in AWS's own shape and names (``{"MemorySize": 128}``), complete: a setting that
pipeline.yaml does not mention has AWS's default, so that a plan sees what was changed by hand.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
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
    """What it is to AWS: one of ``attachments.resources.KINDS``."""
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

    def at(self, site: Site) -> Function:
        """The function as it is in ``site``, with what it has there instead."""
        return replace(self, settings={**self.settings, **site.settings.get(self.name, {})})


@dataclass(frozen=True)
class Pipeline:
    """pipeline.yaml, checked."""

    root: Path
    project: str
    region: str | None
    stages: Mapping[str, Stage]
    functions: Mapping[str, Function]
    file: str = "pipeline.yaml"
