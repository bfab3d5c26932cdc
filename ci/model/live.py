"""What AWS runs, and what this tool has written there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ci.model.package import File
from ci.model.pipeline import Attachment, Secret, Settings, Stage


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
    """Why the last update of it came to nothing: AWS describes what was asked for, and runs what was before. Of a
    version that was published: why it cannot be called. A list of versions tells neither this nor the next."""
    inactive: bool = False
    """Not called for so long that AWS has to make it ready again: until then its calls fail."""

    @property
    def commit(self) -> str | None:
        """That it was built from; None where nobody wrote it down."""
        return self.record.commit if self.record else None

    @property
    def digest(self) -> str | None:
        """Content digest of its package; None where nobody wrote it down."""
        return self.record.digest if self.record else None


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

    def alias(self, name: str) -> LiveAlias | None:
        """The alias called ``name``; None where there is none, or where aliases were not read."""
        return (self.aliases or {}).get(name)


@dataclass(frozen=True)
class LiveLayer:
    """A layer as a plan sees it: ``arn`` of the newest version with the wanted content, None where there is none.

    ``newest`` is the number of the last version, 0 where there is none.
    """

    arn: str | None
    newest: int
    ours: tuple[tuple[int, str], ...] = ()
    """Number and ARN of each version that we published. Not read where ``arn`` is there."""
    size: int = 0
    files: tuple[File, ...] | None = None
    """Bytes of zip of the newest of ``ours``, and what is in it; 0 and None where that was not, or cannot be, read."""


@dataclass(frozen=True)
class Live:
    """What AWS runs now, seen from one stage. A function that AWS does not have maps to None."""

    stage: Stage
    functions: Mapping[str, LiveFunction | None]
