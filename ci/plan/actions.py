"""What can be done. Each action is one write to AWS, no more and no less; what is not an action is not done."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ci.model import Attachment, Package, Secret, Settings
from ci.model.live import Handed, VersionRecord
from ci.plan.changes import CodeChange


STORED = "dollop"
"""The folder of a bucket that packages are stored in, under the sha256 of their zip."""


@dataclass(frozen=True)
class StorePackage:
    """A package that is too large for a request, put into S3; its key names its content, so that it goes there once.

    ``owner`` is the account that the bucket must belong to, empty where that is not known.
    """

    package: Package
    bucket: str
    key: str
    owner: str


@dataclass(frozen=True)
class CreateFunction:
    """A function that AWS does not have. ``stored``: its package is there, not in the request."""

    settings: Settings
    environment: Mapping[str, Secret]
    tags: Mapping[str, str]
    package: Package
    stored: StorePackage | None = None


@dataclass(frozen=True)
class UpdateConfiguration:
    """``settings`` holds only what differs; ``environment`` is None when it does not.

    ``record`` is appended to the description where AWS would see nothing to publish: a version of the same code and
    configuration is there, which somebody else published, with a description of his own.
    """

    settings: Settings
    environment: Mapping[str, Secret] | None
    record: VersionRecord | None = None


@dataclass(frozen=True)
class UpdateCode:
    """Upload of the package, or the use of it where it is ``stored``; carries the architecture, which AWS keeps with
    the code."""

    package: Package
    architectures: tuple[str, ...]
    stored: StorePackage | None = None


@dataclass(frozen=True)
class TagFunction:
    """Tags to set, new or changed."""

    tags: Mapping[str, str]

    @property
    def keys(self) -> tuple[str, ...]:
        return tuple(self.tags)


@dataclass(frozen=True)
class UntagFunction:
    """Tags to remove."""

    keys: tuple[str, ...]


@dataclass(frozen=True)
class PublishVersion:
    """``$LATEST`` becomes a version. ``expected`` is the number that AWS should give it.

    It gives another where a newer version, or the whole function, was deleted: no number is given twice.
    https://docs.aws.amazon.com/lambda/latest/dg/versioning-intro.html
    """

    record: VersionRecord
    description: str | Secret
    """The function's own; the record is appended to it."""
    expected: str
    settings: Settings = field(default_factory=dict)
    environment: Mapping[str, Secret] | None = None
    """What the version must then have. It is looked at before anything points to it."""


@dataclass(frozen=True)
class PutConcurrency:
    """Reserved concurrency. Reaches users at once, so it goes with the aliases."""

    before: int | None
    after: int


@dataclass(frozen=True)
class SplitAlias:
    """A canary begins: ``share`` percent of the alias's calls go to the new version, the others where they went.

    The fields are those of ``PointAlias``. ``before`` stays in the alias, so does its description, ``restore``.
    """

    alias: str
    before: str
    version: str | None
    expected: str
    share: int
    release: str
    revision: str
    restore: str
    weights: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class PointAlias:
    """Create or move an alias. ``version`` None means the one that this plan publishes.

    ``revision`` None means that the alias does not exist. ``restore`` and ``weights`` are the description and the
    canary to go back to.
    """

    alias: str
    before: str | None
    version: str | None
    expected: str
    description: str
    revision: str | None
    restore: str
    weights: Mapping[str, float] = field(default_factory=dict)
    begun: str | None = None
    """Since when a canary of this very version is under way: an earlier run began it, this one goes on from there."""
    at_once: str = ""
    """Why it moves at once, where the stage has a rollout."""
    handed: bool = False
    """Only its description is written: CodeDeploy moves it."""
    guard: Deployer | None = None
    """Who must have no deployment under way: an earlier release has handed it this alias."""


@dataclass(frozen=True)
class Deployer:
    """CodeDeploy's application, and the deployment group in it of one function in one stage."""

    application: str
    group: str


@dataclass(frozen=True)
class CreateApplication:
    """CodeDeploy's application for all functions of the project."""

    application: str


@dataclass(frozen=True)
class PutGroup:
    """A deployment group is created (no ``before``), or gets another service role."""

    deployer: Deployer
    before: str | None
    role: str


@dataclass(frozen=True)
class CreateDeployment:
    """CodeDeploy gets the move of the alias, whose description is written first.

    ``version`` None: the one that this plan publishes.
    """

    deployer: Deployer
    config: str
    alarms: tuple[str, ...]
    alias: str
    before: str
    version: str | None
    expected: str


@dataclass(frozen=True)
class StopDeployment:
    """What CodeDeploy has under way ends where it is; then the alias goes back. ``handed`` is what it is about."""

    deployer: Deployer
    handed: Handed


@dataclass(frozen=True)
class Attach:
    """One resource around ``alias`` is created (no ``before``), changed, or taken away (no ``after``).

    With no alias it is what the function itself remembers: see ``ci.remembered``.

    Turned round, it is its own way back.
    """

    alias: str
    before: Attachment | None
    after: Attachment | None

    @property
    def about(self) -> Attachment:
        """What is there afterwards, or was before."""
        found = self.after or self.before
        assert found is not None
        return found

    def reversed(self) -> Attach:
        """What takes this back."""
        return Attach(self.alias, self.after, self.before)


@dataclass(frozen=True)
class DeleteVersion:
    """``size`` is in bytes of zip, which no longer count against the account's code storage."""

    version: str
    size: int


@dataclass(frozen=True)
class DeleteFunction:
    """With all its versions. ``aliases`` is what stops answering: alias -> version."""

    aliases: Mapping[str, str]


@dataclass(frozen=True)
class PublishLayer:
    """A layer version with the dependencies of one or more functions. ``arn`` is what it will probably be.

    ``code`` compares it with the newest that is there, where that can be read.
    """

    layer: Package
    arn: str
    description: str
    runtime: str
    architecture: str
    stored: StorePackage | None = None
    site: str = ""
    code: CodeChange | None = None


@dataclass(frozen=True)
class DeleteLayer:
    """A layer version that no version of a function has any more."""

    layer: str
    version: int
    site: str = ""


Preparation = (
    StorePackage | CreateFunction | UpdateConfiguration | UpdateCode | TagFunction | UntagFunction | PublishVersion
)
Shift = (
    PutConcurrency | SplitAlias | PointAlias | CreateApplication | PutGroup | CreateDeployment | StopDeployment
)
Removal = DeleteVersion | DeleteFunction
Action = Preparation | Shift | Attach | Removal
