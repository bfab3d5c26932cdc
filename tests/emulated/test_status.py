"""What the stages run, and the versions behind them, as AWS tells it."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from tests.emulated import command
from tests.emulated.conftest import AUDIT, REGION, Account, Project

Dollop = Callable[..., command.Result]


@pytest.fixture
def dollop(account: Account, project: Project) -> Dollop:
    """The command, in ``project``."""
    return lambda *arguments: command.run(*arguments, environment=account.environment)


def out(result: command.Result) -> str:
    assert 0 == result.code, result.err
    return result.out


@pytest.fixture
def two_versions(dollop: Dollop, project: Project) -> tuple[str, str]:
    """prod runs audit 1, test runs audit 2; echo is on test only. The two commits."""
    first = project.git("rev-parse", "HEAD").strip()
    out(dollop("deploy", "test"))
    out(dollop("promote", "prod", "audit"))
    project.write("functions/audit/audit.py", AUDIT + "# more\n")
    second = project.commit()
    out(dollop("deploy", "test"))
    return first, second


def test_a_row_a_function_and_columns_for_each_stage(dollop: Dollop, two_versions: tuple[str, str]) -> None:
    """Version, commit, age and size; a stage that has not caught up is behind, one without the function is empty."""
    first, second = two_versions
    header, audit, echo = (line.split() for line in out(dollop("status")).splitlines())
    assert ["function", "test", "commit", "age", "size", "prod", "commit", "age", "size"] == header
    assert ["audit", "2", second[:7], "s", "B", "1", "(behind)", first[:7], "s", "B"] == [
        word for index, word in enumerate(audit) if index not in (3, 5, 10, 12)
    ]
    assert ["echo", "1", first[:7]] == echo[:3]
    assert "-" == echo[-1]


def test_json_has_it_all(dollop: Dollop, two_versions: tuple[str, str]) -> None:
    """Stage -> function -> version, whole commit, digest, place; null where there is none."""
    first, second = two_versions
    found = json.loads(out(dollop("status", "--json")))
    assert ("2", second, None) == tuple(found["stages"]["test"]["audit"][key] for key in ("version", "commit", "place"))
    assert ("1", first, "behind") == tuple(
        found["stages"]["prod"]["audit"][key] for key in ("version", "commit", "place")
    )
    assert 43 == len(found["stages"]["prod"]["audit"]["digest"])
    assert found["stages"]["prod"]["echo"] is None
    assert {} == found["drift"]


def test_a_stage_is_ahead_of_one_that_was_rolled_back(
    dollop: Dollop, two_versions: tuple[str, str]
) -> None:
    """What prod runs is then ahead of test; the workbench, newer than test, was not changed by hand."""
    out(dollop("promote", "prod", "audit"))
    out(dollop("rollback", "test", "audit"))
    found = json.loads(out(dollop("status", "--json", "audit")))
    assert ("1", "2", "ahead") == (
        found["stages"]["test"]["audit"]["version"],
        found["stages"]["prod"]["audit"]["version"],
        found["stages"]["prod"]["audit"]["place"],
    )
    assert {} == found["drift"]
    out(dollop("rollback", "prod", "audit"))
    assert {} == json.loads(out(dollop("status", "--json", "audit")))["drift"]


def test_what_was_changed_by_hand_is_told_without_values(
    dollop: Dollop, two_versions: tuple[str, str], account: Account
) -> None:
    """The settings by name; an environment value is a secret."""
    client = account.client("lambda")
    client.update_function_configuration(
        FunctionName="audit", MemorySize=512, Environment={"Variables": {"TOKEN": "hunter2"}}
    )
    shown = out(dollop("status"))
    assert "! audit: changed by hand, the next deploy puts it right: memory, TOKEN" == shown.splitlines()[-1].strip()
    assert "hunter2" not in shown
    assert {"audit": ["memory", "TOKEN"]} == json.loads(out(dollop("status", "--json")))["drift"]


def test_tfvars_are_what_terraform_reads(dollop: Dollop, two_versions: tuple[str, str], account: Account) -> None:
    """The function's ARN, and for each stage that has it the alias's ARN and the version."""
    arn = f"arn:aws:lambda:{REGION}:{account.id}:function:audit"
    assert f"""\
dollop_functions = {{
  "audit" = {{
    "arn" = "{arn}"
    "stages" = {{
      "test" = {{
        "arn" = "{arn}:test"
        "version" = "2"
      }}
      "prod" = {{
        "arn" = "{arn}:prod"
        "version" = "1"
      }}
    }}
  }}
}}
""" == out(dollop("status", "audit", "--tfvars"))
    assert 2 == dollop("status", "--tfvars", "--json").code


def test_versions_are_listed_with_commits_and_aliases(
    dollop: Dollop, two_versions: tuple[str, str], account: Account
) -> None:
    """Newest first; one that another tool published has no commit, a canary shows its share."""
    first, second = two_versions
    client = account.client("lambda")
    client.update_function_configuration(FunctionName="audit", MemorySize=256)
    client.get_waiter("function_updated_v2").wait(FunctionName="audit")
    client.publish_version(FunctionName="audit")
    client.update_alias(
        FunctionName="audit", Name="prod", RoutingConfig={"AdditionalVersionWeights": {"2": 0.1}}
    )
    rows = out(dollop("status", "--versions", "audit")).splitlines()
    assert [["audit", "3", "?"], ["audit", "2", second[:7]], ["audit", "1", first[:7]]] == [
        row.split()[:3] for row in rows[1:]
    ]
    assert ["prod 10%, test", "prod 90%"] == [row.split("  ")[-1] for row in rows[2:]]
    found = json.loads(out(dollop("status", "--versions", "--json", "audit")))["audit"]
    assert [(None, {}), (second, {"prod": 0.1, "test": 1}), (first, {"prod": 0.9})] == [
        (version["commit"], version["aliases"]) for version in found
    ]


def test_report_lists_releases_and_makes_a_page(
    dollop: Dollop, two_versions: tuple[str, str], account: Account
) -> None:
    """Two commits, two releases, newest first, with what runs them; the page is whole, and tells no secret."""
    first, second = two_versions
    rows = [line.split("  ") for line in out(dollop("report")).splitlines()]
    cells = [[cell.strip() for cell in row if cell.strip()][1:] for row in rows]
    assert ["commit", "versions", "runs on"] == cells[0]
    assert [[second[:7], "audit 2", "test"], [first[:7], "audit 1, echo 1", "test, prod"]] == cells[1:]

    client = account.client("lambda")
    client.update_function_configuration(FunctionName="audit", Environment={"Variables": {"TOKEN": "hunter2"}})
    page = out(dollop("report", "--html"))
    assert page.startswith("<!DOCTYPE html>") and page.endswith("</html>\n")
    assert second[:7] in page and "behind" in page and "<code>TOKEN</code>" in page
    assert "hunter2" not in page


def test_tags_and_concurrency_by_hand_and_by_the_repository(
    dollop: Dollop, project: Project, two_versions: tuple[str, str], account: Account
) -> None:
    """They belong to no version: what the last release left is remembered, and what is not so is named by its field.

    A change of pipeline.yaml is none by hand; nor is anything where nothing is remembered.
    """
    text = (project.root / "pipeline.yaml").read_text()

    def says(concurrency: int, team: str) -> None:
        said = f"audit.handle\n    concurrency: {concurrency}\n    tags: {{team: {team}}}"
        project.write("pipeline.yaml", text.replace("audit.handle", said))

    def status() -> tuple[object, object]:
        found = json.loads(out(dollop("status", "--json")))
        return found["drift"], found["unlike"]

    client = account.client("lambda")
    arn = client.get_function(FunctionName="audit")["Configuration"]["FunctionArn"]
    client.put_function_concurrency(FunctionName="audit", ReservedConcurrentExecutions=7)
    says(2, "green")
    nobody = {"audit": {
        "tag team": {"live": None, "pipeline": "green"}, "concurrency": {"live": "7", "pipeline": "2"},
    }}
    assert ({}, nobody) == status()
    out(dollop("deploy", "test"))
    assert ({}, {}) == status()

    says(3, "blue")
    ours = {"audit": {
        "tag team": {"live": "green", "pipeline": "blue"}, "concurrency": {"live": "2", "pipeline": "3"},
    }}
    assert ({}, ours) == status()
    planned = out(dollop("plan", "test"))
    assert "    tag team: green -> blue\n    concurrency: 2 -> 3\n" in planned
    assert "by hand" not in planned
    assert "! audit: tags and concurrency are not part of a version: a rollback leaves them" in planned
    out(dollop("deploy", "test"))
    out(dollop("promote", "prod"))
    out(dollop("rollback", "prod", "audit"))
    assert 0 == dollop("drift").code

    client.put_function_concurrency(FunctionName="audit", ReservedConcurrentExecutions=2)
    client.tag_resource(Resource=arn, Tags={"team": "red", "owner": "me"})
    assert ({"audit": ["tag owner", "tag team", "concurrency"]}, {}) == status()
    assert "! audit: changed by hand, the next deploy puts it right: tag owner, tag team, concurrency" in out(
        dollop("status")
    )
    told = (
        "    tag owner: me -> none\n    tag team: red -> blue\n    concurrency: 2 -> 3\n"
        "    by hand: tag owner: added\n    by hand: tag team: changed\n    by hand: concurrency: 3 -> 2\n"
    )
    assert told in out(dollop("plan", "test"))
    result = dollop("drift")
    assert 1 == result.code and told in result.out

    says(4, "blue")
    assert "concurrency: 2 -> 4\n    by hand: tag owner: added\n" in out(dollop("plan", "test"))
    out(dollop("deploy", "test"))
    assert ({}, {}) == status()
    assert "nothing to do" in out(dollop("plan", "test"))


def test_an_alias_that_was_moved_or_split_by_hand_is_told(
    dollop: Dollop, two_versions: tuple[str, str], account: Account
) -> None:
    """By status, by its stage; and by the plan that moves it back, told apart from what the repository changed."""
    assert [] == json.loads(out(dollop("status", "--json")))["strays"]
    client = account.client("lambda")
    client.update_alias(FunctionName="audit", Name="test", FunctionVersion="1")
    client.update_alias(
        FunctionName="audit", Name="prod", RoutingConfig={"AdditionalVersionWeights": {"2": 0.25}}
    )
    shown = out(dollop("status"))
    assert "! audit: alias test was pointed to version 1 by hand" in shown
    assert "! audit: alias prod sends 25% to version 2" in shown
    assert 2 == len(json.loads(out(dollop("status", "--json")))["strays"])
    planned = out(dollop("plan", "test"))
    assert "! audit: the alias test was moved from version 2 to 1 by hand: that ends" in planned
    assert "by hand" not in out(dollop("plan", "test", "echo"))


def test_a_function_that_was_deleted_by_hand_is_not_there(
    dollop: Dollop, two_versions: tuple[str, str], account: Account
) -> None:
    """No stage runs it; the plan makes it anew."""
    account.client("lambda").delete_function(FunctionName="audit")
    found = json.loads(out(dollop("status", "--json")))
    assert [None, None] == [found["stages"][stage]["audit"] for stage in ("test", "prod")]
    assert "+ function audit" in out(dollop("plan", "test"))
