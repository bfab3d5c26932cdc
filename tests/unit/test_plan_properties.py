"""What holds for every plan, over generated pipelines and whatever has happened to the account before."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from hypothesis import assume, given as for_all, strategies as st

from ci import record
from ci.errors import Refused
from ci.model import Canary, Function, Package, Stage
from ci.plan import deploy, promote, removal, rollback
from ci.plan.actions import PointAlias, PutConcurrency, SplitAlias
from ci.plan.plan import Origin, Plan
from ci.render import data
from tests.unit import given, simulated
from tests.unit.given import PROD, REGION, TEST
from tests.unit.simulated import Account, Alias, Code

NAMES = ("api", "echo", "worker")
STAGES = {stage.name: stage for stage in (TEST, PROD)}


@dataclass(frozen=True)
class Said:
    """What pipeline.yaml and the source folder say of one function."""

    code: int = 0
    memory: int = 128
    greeting: str = "Guten tag"
    description: str = ""
    subnets: tuple[str, ...] = ()
    logging: str = "Text"
    architecture: str = "x86_64"
    owner: str | None = None
    concurrency: int | None = None
    zipped: str = ""
    role: str = given.ROLE

    def function(self, name: str) -> Function:
        return given.function(
            name,
            environment={"GREETING": self.greeting},
            tags=None if self.owner is None else {"owner": self.owner},
            concurrency=self.concurrency,
            Role=self.role,
            Description=self.description,
            MemorySize=self.memory,
            Architectures=[self.architecture],
            VpcConfig={"SubnetIds": list(self.subnets), "SecurityGroupIds": ["sg-1"] if self.subnets else []},
            LoggingConfig={"LogFormat": self.logging},
        )

    def package(self, name: str) -> Package:
        return given.package({"echo.py": f"v{self.code}"}, zipped=self.zipped, name=name)


SAID = st.builds(
    Said,
    code=st.integers(0, 2),
    memory=st.sampled_from((128, 256)),
    greeting=st.sampled_from(("Guten tag", "Hello")),
    description=st.sampled_from(("", "Greets people")),
    subnets=st.sampled_from(((), ("subnet-2", "subnet-1"))),
    logging=st.sampled_from(("Text", "JSON")),
    architecture=st.sampled_from(("x86_64", "arm64")),
    owner=st.sampled_from((None, "me", "you")),
    concurrency=st.sampled_from((None, 5, 9)),
    zipped=st.sampled_from(("", "by another compressor")),
    role=st.sampled_from((given.ROLE, given.ROLE, f"{given.ROLE}-2")),
)
CHANGES = st.dictionaries(st.sampled_from(NAMES), SAID, min_size=1)
CANARIES = st.sampled_from((None, Canary(10, 300)))
COMMITS = st.sampled_from(("1111111aaaa", "2222222bbbb"))
SOME = st.sets(st.sampled_from(NAMES)).map(sorted)


# ---------------------------------------------------------------- what may happen to an account


@dataclass(frozen=True)
class Deploy:
    changes: Mapping[str, Said]
    commit: str = "1111111aaaa"
    only: bool = False
    """Only what changes is selected, as ``dollop deploy test 'ec*'`` does."""


@dataclass(frozen=True)
class Promote:
    allow_older: bool = True


@dataclass(frozen=True)
class RollBack:
    stage: str = "test"
    names: Iterable[str] = ()


@dataclass(frozen=True)
class Prune:
    retain: int = 1


@dataclass(frozen=True)
class ByHand:
    """Somebody with the console."""

    name: str
    what: str


BY_HAND = (
    *("memory", "environment", "code", "tags", "concurrency", "publish", "alias", "workbench", "canary", "no alias"),
    *("unpublish", "delete"),
)
STEPS = st.one_of(
    st.builds(Deploy, CHANGES, COMMITS, st.booleans()),
    st.builds(Deploy, CHANGES, COMMITS, st.booleans()),
    st.builds(Promote, st.booleans()),
    st.builds(RollBack, st.sampled_from(tuple(STAGES)), SOME),
    st.builds(Prune, st.integers(1, 2)),
    st.builds(ByHand, st.sampled_from(NAMES), st.sampled_from(BY_HAND)),
)
HISTORIES = st.lists(STEPS, max_size=6)
OURS = st.lists(STEPS.filter(lambda step: not isinstance(step, ByHand)), max_size=6)


@dataclass
class World:
    """A repository, the account that it deploys to, and a clock."""

    said: dict[str, Said] = field(default_factory=dict)
    account: Account = field(default_factory=Account)
    minute: int = 0
    commit: str = ""
    canary: Canary | None = None
    """Of the stage test."""

    def origin(self) -> Origin:
        self.minute += 1
        return given.origin(given.moment(self.minute), self.commit)

    @property
    def functions(self) -> list[Function]:
        return [said.function(name) for name, said in self.said.items()]

    @property
    def packages(self) -> dict[str, Package]:
        return {name: said.package(name) for name, said in self.said.items()}

    def after(self, history: Iterable[Any]) -> World:
        for step in history:
            try:
                self.account.carry_out(self.plan(step))
            except Refused:
                pass
            except KeyError:
                assert isinstance(step, ByHand)
        return self

    def plan(self, step: Any) -> Plan:
        match step:
            case Deploy():
                self.said |= step.changes
                self.commit = step.commit
                return self.deploy([*step.changes] if step.only else None)
            case Promote():
                return self.promote(step.allow_older)
            case RollBack():
                return self.roll_back(STAGES[step.stage], step.names)
            case Prune():
                live = self.account.live(TEST, self.functions)
                return removal.prune(REGION, self.functions, live, self.origin(), step.retain)
            case ByHand():
                by_hand(self.account, step.name, step.what)
                return Plan("nothing", "test", REGION, "", self.origin(), ())
        raise NotImplementedError

    def deploy(self, names: Iterable[str] | None = None) -> Plan:
        functions = [one for one in self.functions if names is None or one.name in names]
        stage = replace(TEST, rollout=self.canary)
        live = self.account.live(stage, functions, self.packages)
        return deploy.deploy(stage, REGION, functions, self.packages, live, self.origin())

    def promote(self, allow_older: bool = False) -> Plan:
        release = self.account.release(TEST, self.functions)
        numbers = {name: one.version for name, one in release.functions.items()}
        versions = self.account.versions(self.functions, numbers)
        live = self.account.live(PROD, self.functions)
        return promote.promote(
            PROD, REGION, self.functions, release, versions, live, self.origin(), allow_older=allow_older
        )

    def roll_back(self, stage: Stage = TEST, names: Iterable[str] = ()) -> Plan:
        chosen = [function for function in self.functions if not names or function.name in names]
        live = self.account.live(stage, chosen)
        to = rollback.targets(stage, chosen, live, whole=not names)
        versions = self.account.versions(chosen, to)
        return rollback.rollback(stage, REGION, chosen, to, versions, live, self.origin())


def by_hand(account: Account, name: str, what: str) -> None:
    there = account.functions[name]
    latest = there.latest
    if what == "memory":
        there.latest = replace(latest, said=latest.said | {"MemorySize": 1024}, revision=account.revision())
    elif what == "environment":
        there.latest = replace(latest, environment={"GREETING": "by hand"}, revision=account.revision())
    elif what == "code":
        code = Code(given.code_sha256("by hand"), 99, (given.file("echo.py", "by hand"),))
        there.latest = replace(latest, code=code, revision=account.revision())
    elif what == "tags":
        there.tags = {"by": "hand", "aws:stack": "s"}
    elif what == "concurrency":
        there.concurrency = 7
    elif what == "publish":
        there.counter += 1
        there.versions[str(there.counter)] = replace(latest, revision=account.revision(), description="by hand")
    elif what == "unpublish":
        newest = [*there.versions][-1]
        if newest not in {number for one in there.aliases.values() for number in (one.version, *one.weights)}:
            del there.versions[newest]
    elif what == "delete":
        account.delete(name)
    elif what == "no alias":
        del there.aliases["test"]
    else:
        alias, oldest = there.aliases["test"], next(iter(there.versions))
        moved = {"alias": oldest, "workbench": "$LATEST", "canary": alias.version}[what]
        # UpdateAlias leaves the description as it is when none is given.
        weights = {oldest: 0.1} if what == "canary" and oldest != moved else {}
        there.aliases["test"] = Alias(moved, alias.description, account.revision(), weights)


# ---------------------------------------------------------------- what must be true whatever happened


def as_wanted(world: World, name: str) -> bool:
    """Whether the stage runs what is said, compared in AWS's own terms."""
    there = world.account.functions.get(name)
    said = world.said[name]
    if there is None or "test" not in there.aliases or there.aliases["test"].version == "$LATEST":
        return False
    running = there.versions[there.aliases["test"].version]
    own = {key: value for key, value in there.tags.items() if key != "dollop" and not key.startswith("aws:")}
    wanted = said.function(name)
    described, _ = record.read_version(running.said["Description"])
    return (
        running.said | {"Description": described} == simulated.revealed(wanted.settings)
        and running.environment == simulated.revealed(wanted.environment)
        and running.code.files == said.package(name).files
        and (said.owner is None or own == {"owner": said.owner})
        and (said.concurrency is None or there.concurrency == said.concurrency)
    )


@for_all(HISTORIES, CHANGES, COMMITS, CANARIES)
def test_plan_after_apply_is_empty(
    history: list[Any], changes: dict[str, Said], commit: str, canary: Canary | None
) -> None:
    """Whatever was there before: once a deploy has been carried out, with a canary or without, nothing is to do."""
    world = World(canary=canary).after([*history, Deploy(changes, commit)])
    plan = world.deploy()
    assert () == tuple(action for function in plan.functions for action in function.actions)
    assert all(as_wanted(world, name) for name in world.said)


@pytest.mark.parametrize("zipped", ["", "by another compressor"])
@pytest.mark.parametrize("description", ["", "Greets people"])
def test_what_somebody_published_hides_nothing(description: str, zipped: str) -> None:
    """A version by hand, that pipeline.yaml then says too: AWS would give just that, without our record, again."""
    world = World().after([Deploy({"echo": Said(description=description)}), ByHand("echo", "memory")])
    by_hand(world.account, "echo", "publish")
    world.after([Deploy({"echo": Said(description=description, memory=1024, zipped=zipped)})])
    assert as_wanted(world, "echo")
    assert {"echo": "3"} == world.account.pointed(TEST)
    assert world.deploy().empty


@for_all(HISTORIES, CHANGES)
def test_only_what_differs_has_actions(history: list[Any], changes: dict[str, Said]) -> None:
    """A function has actions exactly when the stage does not run what is said."""
    world = World().after(history)
    world.said |= changes
    plan = world.deploy()
    expected = {name: not as_wanted(world, name) for name in world.said}
    assert expected == {function.function: bool(function.actions) for function in plan.functions}


@for_all(HISTORIES, CHANGES, COMMITS)
def test_rollback_after_deploy_restores_every_alias(history: list[Any], changes: dict[str, Said], commit: str) -> None:
    """What the stage ran before the deploy it runs again; an alias that the deploy made stays."""
    world = World().after(history)
    before = {name: number for name, number in world.account.pointed(TEST).items() if number != "$LATEST"}
    release = world.plan(Deploy(changes, commit))
    world.account.carry_out(release)
    assume(moved(release) & before.keys())
    after = world.account.pointed(TEST)
    world.account.carry_out(world.roll_back())
    assert {**after, **before} == world.account.pointed(TEST)


@for_all(HISTORIES, CHANGES, COMMITS)
def test_rolling_back_twice_returns(history: list[Any], changes: dict[str, Said], commit: str) -> None:
    """The second rollback undoes the first."""
    world = World().after([*history, Deploy(changes, commit)])
    before = world.account.pointed(TEST)
    try:
        world.account.carry_out(world.roll_back())
    except Refused:
        return
    world.account.carry_out(world.roll_back())
    assert before == world.account.pointed(TEST)


@for_all(HISTORIES, CHANGES, st.randoms(use_true_random=False))
def test_order_of_functions_changes_nothing(history: list[Any], changes: dict[str, Said], random: Any) -> None:
    """The same functions in another order of the file give equal plans with equal digests."""
    world = World().after(history)
    world.said |= changes
    names = [*world.said]
    random.shuffle(names)
    other = copy.deepcopy(world)
    other.said = {name: world.said[name] for name in names}
    for step in (Deploy({}), Promote(), RollBack("test"), RollBack("prod"), Prune()):
        try:
            plan = world.plan(step)
        except Refused:
            with pytest.raises(Refused):
                other.plan(step)
        else:
            again = other.plan(step)
            assert plan == again
            assert data.digest(plan) == data.digest(again)


@for_all(HISTORIES, st.integers(1, 3))
def test_prune_keeps_what_is_needed(history: list[Any], retain: int) -> None:
    """After a prune every alias answers, every rollback that was possible is, and the newest versions are there."""
    world = World().after(history)
    aliases = copy.deepcopy({name: there.aliases for name, there in world.account.functions.items()})
    newest = {name: [*there.versions][-retain:] for name, there in world.account.functions.items()}
    plans = {(stage.name, name): rolled(world, stage, [name]) for stage in STAGES.values() for name in world.said}
    world.account.carry_out(world.plan(Prune(retain)))
    assert aliases == {name: there.aliases for name, there in world.account.functions.items()}
    assert newest == {name: [*there.versions][-retain:] for name, there in world.account.functions.items()}
    assert plans == {(stage, name): rolled(world, STAGES[stage], [name]) for stage, name in plans}


def moved(plan: Plan) -> set[str]:
    """The functions whose alias moves."""
    return {one.function for one in plan.functions if any(isinstance(action, PointAlias) for action in one.shift)}


def rolled(world: World, stage: Stage, names: Iterable[str]) -> Any:
    """What a rollback would do, or that it is refused."""
    try:
        plan = world.roll_back(stage, names)
    except Refused as refused:
        return refused.message
    return {one.function: [action.expected for action in one.shift] for one in plan.functions}


# ---------------------------------------------------------------- broken off, and run again


def state(account: Account) -> Any:
    """The account without its revisions and the time in its descriptions."""

    def alias(one: Alias) -> Any:
        written = record.read_alias(one.description)
        return one.version, written and (written.release, written.previous), one.weights

    def configuration(one: simulated.Configuration) -> Any:
        return one.said, one.environment, one.code, one.description

    return {
        name: (
            configuration(there.latest),
            {number: configuration(one) for number, one in there.versions.items()},
            {key: alias(one) for key, one in there.aliases.items()},
            there.tags,
            there.concurrency,
        )
        for name, there in account.functions.items()
    }


MANY_CHANGES = st.dictionaries(st.sampled_from(NAMES), SAID, min_size=2)


@for_all(OURS, MANY_CHANGES, COMMITS, st.booleans(), CANARIES)
def test_deploy_broken_off_is_finished(
    history: list[Any], changes: dict[str, Said], commit: str, backwards: bool, canary: Canary | None
) -> None:
    """Broken off after any action and planned again: the same release by the same name, undone by one rollback."""
    world = World(canary=canary).after(history)
    before = world.account.pointed(TEST)
    whole = copy.deepcopy(world)
    planned = whole.plan(Deploy(changes, commit))
    whole.account.carry_out(planned)
    for stop in range(len(simulated.steps(planned))):
        broken = copy.deepcopy(world)
        broken.account.carry_out(broken.plan(Deploy(changes, commit)), stop, backwards)
        again = broken.deploy()
        assert planned.release == again.release
        broken.account.carry_out(again)
        assert state(whole.account) == state(broken.account)
        if moved(planned) & before.keys():
            broken.account.carry_out(broken.roll_back())
            assert {**whole.account.pointed(TEST), **before} == broken.account.pointed(TEST)


@for_all(OURS, MANY_CHANGES, CHANGES, st.booleans())
def test_a_release_that_broke_off_is_nobody_s_hand(
    history: list[Any], changes: dict[str, Said], later: dict[str, Said], back: bool
) -> None:
    """Broken off after any action, or gone back: whatever the repository says next, tags and concurrency that are not
    so are not called changed by hand."""
    world = World().after(history)
    whole = copy.deepcopy(world).plan(Deploy(changes))
    steps = simulated.steps(whole)
    for stop in range(len(steps) + 1):
        broken = copy.deepcopy(world)
        broken.account.carry_out(broken.plan(Deploy(changes)), stop)
        for function, action in steps[:stop] if back and stop < len(steps) else ():
            if isinstance(action, PutConcurrency):
                broken.account.functions[function.aws_name].concurrency = action.before
        unversioned = {"tag owner", "concurrency"}
        assert set() == unversioned & {each.key for one in broken.plan(Deploy(later)).functions for each in one.drift}


@for_all(OURS, MANY_CHANGES, COMMITS, st.booleans())
def test_a_canary_broken_off_is_taken_back(
    history: list[Any], changes: dict[str, Said], commit: str, backwards: bool
) -> None:
    """Once a canary has begun, one rollback gives each alias that was there what it had, without any share."""
    world = World(canary=Canary(10, 300)).after(history)
    before = world.account.pointed(TEST)
    planned = copy.deepcopy(world).plan(Deploy(changes, commit))
    for stop in range(1, len(simulated.steps(planned))):
        done = simulated.steps(planned, backwards)[:stop]
        if any(isinstance(action, SplitAlias) for _, action in done):
            broken = copy.deepcopy(world)
            broken.account.carry_out(broken.plan(Deploy(changes, commit)), stop, backwards)
            broken.account.carry_out(broken.roll_back())
            after = broken.account.pointed(TEST)
            assert before == {name: number for name, number in after.items() if name in before}
            assert {} == {name: there.aliases["test"].weights for name, there in broken.account.functions.items()
                          if "test" in there.aliases and there.aliases["test"].weights}


@for_all(OURS, st.integers(1, 3), st.booleans(), st.sampled_from(tuple(STAGES.values())))
def test_rollback_broken_off_is_finished(history: list[Any], times: int, backwards: bool, stage: Stage) -> None:
    """A rollback, the undoing of it, and the undoing of that: broken off after any move, the same verb finishes it."""
    world = World().after(history)
    try:
        for _ in range(times - 1):
            world.account.carry_out(world.roll_back(stage))
        planned = world.roll_back(stage)
    except Refused:
        return
    expected = world.account.pointed(stage) | {
        function.function: function.shift[0].expected for function in planned.functions if function.shift
    }
    for stop in range(1, len(simulated.steps(planned))):
        broken = copy.deepcopy(world)
        broken.account.carry_out(broken.roll_back(stage), stop, backwards)
        broken.account.carry_out(broken.roll_back(stage))
        assert expected == broken.account.pointed(stage)


@for_all(HISTORIES)
def test_promotion_takes_exactly_what_test_runs(history: list[Any]) -> None:
    """Each alias of the stage gets the version that the stage before it runs, or none moves."""
    world = World().after(history)
    before = world.account.pointed(PROD)
    try:
        plan = world.promote(allow_older=True)
    except Refused:
        assert before == world.account.pointed(PROD)
        return
    world.account.carry_out(plan)
    assert {name: world.account.pointed(TEST)[name] for name in world.said} == world.account.pointed(PROD)
    assert world.promote(allow_older=True).empty
