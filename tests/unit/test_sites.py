"""Where a stage is: what pipeline.yaml may say of it, and one plan for all of its sites."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from botocore.exceptions import ClientError

from ci import config
from ci.aws.translation import translate
from ci.errors import ConfigError
from ci.model import Pipeline, Site
from ci.plan import sites
from ci.plan.actions import PutConcurrency
from ci.plan.plan import FunctionPlan, Origin, Plan
from ci.release import Release, Released
from ci.render import markdown
from ci.render.links import Links
from ci.workspace import Workspace

ROLE, THERE = "arn:aws:iam::222222222222:role/deploy", "arn:aws:iam::222222222222:role/lambda"
HEAD = """\
project: demo
region: eu-west-1
defaults: {runtime: python3.13, handler: echo.handle, role: "arn:aws:iam::123456789012:role/lambda"}
functions:
  echo: {}
  audit: {source: functions/echo}
stages:
  test: {alias: test}
"""
LAYER = "arn:aws:lambda:eu-west-1:123456789012:layer:name:1"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "functions/echo").mkdir(parents=True)
    (tmp_path / "functions/echo/echo.py").write_text("def handle(event, context): ...")
    return tmp_path


def load(project: Path, prod: str, region: str | None = None, head: str = HEAD) -> Pipeline:
    (project / "pipeline.yaml").write_text(f"{head}  prod: {{alias: prod, from: test, {prod}}}\n")
    return config.load(project / "pipeline.yaml", {}, region)


def test_a_stage_that_says_nothing_is_where_the_pipeline_is(project: Path) -> None:
    """``--region`` moves the pipeline there, with all of it."""
    assert (Site("eu-west-1"),) == load(project, "").stages["prod"].sites
    assert (Site("us-east-1"),) == load(project, "", "us-east-1").stages["prod"].sites


def test_what_a_site_has_of_its_own(project: Path) -> None:
    """What is said of a region goes before what is said of the stage, what is said of a function before defaults."""
    own = f"defaults: {{role: '{THERE}'}}, functions: {{echo: {{kms_key: 'arn:aws:kms:us-east-1:2:key/k'}}}}"
    regions = f"regions: {{us-east-1: {{functions: {{echo: {{role: '{ROLE}'}}}}}}, eu-west-3: }}"
    first, second = load(project, f"{regions}, role: '{ROLE}'{', ' + own.split(', functions')[0]}").stages["prod"].sites
    assert ("us-east-1/222222222222", "eu-west-3/222222222222") == (first.name, second.name)
    assert {"echo": {"Role": ROLE}, "audit": {"Role": THERE}} == first.settings
    assert {"echo": {"Role": THERE}, "audit": {"Role": THERE}} == second.settings
    key = {"Role": THERE, "KMSKeyArn": "arn:aws:kms:us-east-1:2:key/k"}
    assert key == load(project, f"region: us-east-1, role: '{ROLE}', {own}").stages["prod"].sites[0].settings["echo"]


@pytest.mark.parametrize(
    ("prod", "where", "what"),
    [
        ("region: us-east-1, regions: [eu-west-1]", "stages.prod.regions", "goes not with region"),
        (f"plan_role: '{ROLE}'", "stages.prod.plan_role", "role, which changes things, is missing"),
        ("region: us-east-1, functions: {eco: {}}", "stages.prod.functions.eco", "is not a function of this pipeline"),
        ("regions: [Ireland]", "stages.prod.regions", "must be names of regions"),
        ("region: us-east-1, defaults: {memory: 256}", "stages.prod.defaults.memory", "is not a known key"),
        (f"role: '{ROLE}'", "stages.prod", "role of echo and 1 more is of another region or account than eu-west-1/2"),
        (f"region: us-east-1, defaults: {{layers: ['{LAYER}']}}", "stages.prod", "layers of echo and 1 more is of"),
        (f"regions: [eu-west-1, us-east-1], defaults: {{role: '{THERE}'}}", "stages.prod", "versions of test, with"),
    ],
)
def test_problems(project: Path, prod: str, where: str, what: str) -> None:
    """Each with its line; nothing is called."""
    with pytest.raises(ConfigError) as raised:
        load(project, prod)
    found = [problem for problem in raised.value.problems if problem.where == where]
    assert [(9, True)] == [(problem.line, what in problem.what) for problem in found]


def test_the_region_of_the_others_must_be_known(project: Path) -> None:
    """A profile may give a region, but not before anything is called."""
    with pytest.raises(ConfigError, match="pipeline.yaml:1: region: is missing"):
        load(project, "region: us-east-1", head=HEAD.replace("region: eu-west-1\n", ""))
    every = HEAD.replace("region: eu-west-1\n", "").replace("alias: test", "alias: test, regions: [eu-west-3]")
    assert "eu-west-3" == load(project, "region: us-east-1", head=every).region


def test_networks_are_of_one_region(project: Path) -> None:
    """A subnet's name does not say where it is: it has to be said anew, or taken away."""
    head = HEAD.replace("echo: {}", "echo: {vpc: {subnet_ids: [subnet-1], security_group_ids: [sg-1]}}")
    with pytest.raises(ConfigError, match="vpc of echo is of another region or account than us-east-1"):
        load(project, "region: us-east-1", head=head)
    load(project, "region: us-east-1, functions: {echo: {vpc: {}}}", head=head)


def test_event_sources_are_connected_in_their_own_region(project: Path) -> None:
    """As AWS has it: there is none that calls a function in another one."""
    queue = "events: {orders: {event_source_arn: 'arn:aws:sqs:eu-west-1:123456789012:orders'}}"
    head = HEAD.replace("echo: {}", f"echo: {{stages: {{prod: {{{queue}}}}}}}")
    load(project, "", head=head)
    with pytest.raises(ConfigError, match="an event source of echo is of another region than us-east-1"):
        load(project, "region: us-east-1", head=head)


def test_an_alias_is_of_one_stage_in_each_site(project: Path) -> None:
    """Two stages may call theirs alike where they never meet."""
    again = "alias: prod, from: test, region: us-east-1}\n  third: {alias: prod, from: test, region: eu-west-3"
    (project / "pipeline.yaml").write_text(f"{HEAD}  prod: {{{again}}}\n")
    assert 3 == len(config.load(project / "pipeline.yaml", {}).stages)
    (project / "pipeline.yaml").write_text(f"{HEAD}  prod: {{{again.replace('eu-west-3', 'us-east-1')}}}\n")
    with pytest.raises(ConfigError, match="is the alias of prod too"):
        config.load(project / "pipeline.yaml", {})


def test_the_example_of_the_readme(project: Path) -> None:
    """It is one that loads."""
    readme = (Path(__file__).parents[2] / "README.md").read_text()
    block = re.findall(r"```yaml\n(stages:\n.*?)```", readme, re.DOTALL)[0]
    (project / "pipeline.yaml").write_text(HEAD.split("stages:")[0] + block)
    prod = config.load(project / "pipeline.yaml", {}).stages["prod"]
    assert ["eu-west-1/222222222222", "us-east-1/222222222222"] == [site.name for site in prod.sites]


def test_a_region_chooses_among_those_that_stages_name(project: Path) -> None:
    """A stage that is not there is left out where all are looked at, and refused where it is asked for."""
    load(project, "regions: [us-east-1, eu-west-3]")
    quiet = (lambda text: None, lambda text: None)
    every = Workspace(project, *quiet)
    assert ["eu-west-1", "us-east-1", "eu-west-3"] == list(every.sites())
    assert ["us-east-1", "eu-west-3"] == list(every.sites(every.stage("prod")))
    assert [""] == list(every.sites(every.stage("test")))
    abroad = Workspace(project, *quiet, region="us-east-1")
    assert ["us-east-1"] == list(abroad.sites())
    assert ["prod us-east-1"] == list(abroad.stages_at(abroad.sites()["us-east-1"]))
    with pytest.raises(Exception, match="the stage test is not in the region us-east-1"):
        abroad.sites(abroad.stage("test"))


def test_a_role_that_cannot_be_taken_on_is_named() -> None:
    """Whichever call it was needed for: that one is not to blame."""
    said = f"User: arn:aws:sts::111111111111:assumed-role/plan/x is not authorized to perform: sts:AssumeRole on {ROLE}"
    error = ClientError({"Error": {"Code": "AccessDenied", "Message": said}}, "AssumeRole")
    told = translate(error, "get_function", {"FunctionName": "echo"})
    assert f"AssumeRole: {said} (AccessDenied)" == told.message
    assert "sts:AssumeRole" in told.hint and "trust" in told.hint


def test_one_plan_for_all_sites() -> None:
    """Of a single site it is that site's plan; of several, each function and note says where."""
    plan = Plan("deploy", "prod", "r", "id", Origin("c", "run", "at"), (FunctionPlan("echo", "echo"),), ("a note",))
    assert plan is sites.joined({"": plan})
    both = sites.joined({"us-east-1": plan, "eu-west-3": plan})
    assert ["echo in us-east-1", "echo in eu-west-3"] == [function.label for function in both.functions]
    assert ("us-east-1: a note", "eu-west-3: a note") == both.notes


def test_every_row_says_where() -> None:
    """In a plan for people, and in what became of it."""
    one = FunctionPlan("echo", "echo", shift=(PutConcurrency(None, 1),))
    plan = Plan("deploy", "prod", "r", "id", Origin("c", "run", "at"), (one,))
    both, links = sites.joined({"us-east-1": plan, "eu-west-3": plan}), Links("https://github.com/o/r", "7")
    shown = markdown.plan(both, links)
    assert "| `echo in us-east-1` |" in shown and "| `echo in eu-west-3` |" in shown
    versions = {"us-east-1": {"echo": "8"}, "eu-west-3": {"echo": "3"}}
    release = Release("id", "prod", "c", "run", "at", {"echo": Released("8", "", "")}, versions)
    assert "`echo in us-east-1` 8, `echo in eu-west-3` 3" in markdown.released("", release, links)
