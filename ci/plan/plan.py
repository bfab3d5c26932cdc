"""A plan as data: all that is to be done to the functions of one stage, and what that changes.

``render`` shows a plan, ``apply`` carries it out; both read this and nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from ci.model import Canary, CodeDeploy, Smoke, label
from ci.plan.actions import Action, Attach, DeleteLayer, Preparation, PublishLayer, Removal, Shift, StorePackage
from ci.plan.changes import Change, CodeChange


@dataclass(frozen=True)
class FunctionPlan:
    """What is to be done to one function, and what that changes for its users.

    ``prepare`` reaches no user; ``shift`` does, after every function is prepared; ``attach`` follows when all aliases
    have moved and the smoke tests have passed; ``remove`` deletes.
    ``changes`` and ``code`` compare with what the stage runs, the actions with the workbench, ``$LATEST``:
    after a crash in the middle the first is still the whole change, the second only the rest of the work.
    """

    function: str
    aws_name: str
    new: bool = False
    """AWS does not have the function."""
    changes: tuple[Change, ...] = ()
    code: CodeChange | None = None
    drift: tuple[Change, ...] = ()
    """What ``$LATEST`` has that the newest version has not: changed by hand, or by a release that broke off. Also tags
    and concurrency that no release left so: they are in ``changes`` too, which take them back."""
    prepare: tuple[Preparation, ...] = ()
    shift: tuple[Shift, ...] = ()
    attach: tuple[Attach, ...] = ()
    remove: tuple[Removal, ...] = ()
    arn: str = ""
    revision: str = ""
    """Of ``$LATEST``, that ``prepare`` was planned against."""
    version: str | None = None
    """What the stage runs now."""
    digest: str = ""
    """Content digest of what the stage will run."""
    code_sha256: str = ""
    """CodeSha256 of what the stage will run."""
    smoke: Smoke | None = None
    site: str = ""
    """Where, in a stage that has several sites."""

    @property
    def label(self) -> str:
        """The function, and where, in a stage that has several sites."""
        return label(self.function, self.site)

    @property
    def stored(self) -> StorePackage | None:
        """The package on its way through S3, where it goes there."""
        return next((action for action in self.prepare if isinstance(action, StorePackage)), None)

    @property
    def actions(self) -> tuple[Action, ...]:
        """All of them, in the order in which they happen."""
        return (*self.prepare, *self.shift, *self.attach, *self.remove)


@dataclass(frozen=True)
class Origin:
    """Who releases, from what and when. The clock and the environment are read by the caller."""

    commit: str
    run: str
    at: str


@dataclass(frozen=True)
class Plan:
    """The difference between what is wanted and what is live, for one stage: in all of its sites."""

    verb: str
    stage: str
    region: str
    release: str
    origin: Origin
    functions: tuple[FunctionPlan, ...]
    notes: tuple[str, ...] = field(default=())
    """What the reader must know beside the actions."""
    rollout: Canary | CodeDeploy | None = None
    """A canary: what comes between its beginning and the aliases' move, one watch over all. Or who moves them."""
    layers: tuple[PublishLayer, ...] = ()
    """What is published first, for the functions of the plan; it reaches no user."""
    old_layers: tuple[DeleteLayer, ...] = ()
    """What is deleted last."""

    @property
    def empty(self) -> bool:
        """Nothing to do."""
        return not self.old_layers and not any(plan.actions for plan in self.functions)
