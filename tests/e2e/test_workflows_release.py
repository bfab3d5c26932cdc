"""The workflow files, run by act against a GitHub and an AWS on loopback: merges, approvals, and what comes after."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping

from tests.e2e.runner import HANDLER, Project
from tests.e2e.team import HANDLER_FILE, aliases, answer, client, wait_for


def test_drift_is_one_issue(team: Project) -> None:
    """Changed by hand, with our description or another: an issue is opened. Gone again: it is closed.

    What the deployment before it brought to AWS is what it attested.
    """
    deployed = team.run("deploy.yml", "push")
    assert deployed.succeeded, deployed.log
    runs = client(team).get_function(FunctionName="echo", Qualifier="test")["Configuration"]["CodeSha256"]
    lines = (team.folder.parent / "attested/1").read_text().splitlines()
    attested = {path: digest for digest, path in map(str.split, lines)}
    assert {"dist/echo.zip", "dist/echo.cdx.json"} == attested.keys()
    assert base64.b64decode(runs).hex() == attested["dist/echo.zip"]
    assert team.run("drift.yml", "schedule").succeeded
    assert "report-test" not in deployed.jobs
    assert [] == list(team.github.repository().get_issues(state="all"))

    was = client(team).get_alias(FunctionName="echo", Name="prod")["Description"]
    client(team).update_alias(FunctionName="echo", Name="prod", FunctionVersion="1", Description="by hand")
    for _ in range(2):
        assert not team.run("drift.yml", "workflow_dispatch").succeeded
    (issue,) = team.github.repository().get_issues(state="open")
    assert "echo: alias prod was pointed to version 1 by hand" in issue.body

    client(team).update_alias(FunctionName="echo", Name="prod", FunctionVersion="$LATEST", Description=was)
    assert not team.run("drift.yml", "workflow_dispatch").succeeded
    (issue,) = team.github.repository().get_issues(state="open")
    assert "echo: alias prod was pointed to version $LATEST by hand" in issue.body

    client(team).update_alias(FunctionName="echo", Name="prod", FunctionVersion="1", Description=was)
    assert team.run("drift.yml", "schedule").succeeded
    assert [] == list(team.github.repository().get_issues(state="open"))


def test_the_report_is_published_when_switched_on(team: Project) -> None:
    """One page on the branch gh-pages; the next report follows it there, and leaves what else is on the branch."""
    repository = team.github.repository()
    first = team.run("report.yml", "workflow_dispatch")
    assert first.succeeded, first.log
    assert "on the branch gh-pages; to be published it is to be chosen in the settings" in first.log
    page = repository.get_contents("index.html", ref="gh-pages").decoded_content.decode()
    assert "<h1>shop</h1>" in page and "There is none yet." in page

    repository.create_file("other.txt", "Another page", "kept", branch="gh-pages")
    repository.update_file("index.html", "Spoil it", "-", repository.get_contents("index.html", ref="gh-pages").sha,
                           branch="gh-pages")
    second = team.run("report.yml", "workflow_dispatch")
    assert second.succeeded, second.log
    assert "<h1>shop</h1>" in repository.get_contents("index.html", ref="gh-pages").decoded_content.decode()
    assert "kept" == repository.get_contents("other.txt", ref="gh-pages").decoded_content.decode()


def test_merge_to_prod_and_back(team: Project) -> None:
    """Two merges before one approval: what was approved is promoted, nothing newer; then prod goes back."""
    one = team.start("deploy.yml", "push")
    wait_for(one, "preview")
    assert {"test": "1"} == aliases(team)

    team.commit("Say two", {HANDLER_FILE: HANDLER.format("two")})
    two = team.start("deploy.yml", "push")
    wait_for(two, "preview")
    assert {"test": "2"} == aliases(team)

    team.approve(one)
    first = one.outcome()
    assert first.succeeded, first.log
    assert {"test": "2", "prod": "1"} == aliases(team)
    assert ("one", "two") == (answer(team, "prod"), answer(team, "test"))
    assert "Promote to `prod`" in first.summary

    team.approve(two)
    second = two.outcome()
    assert second.succeeded, second.log
    assert {"test": "2", "prod": "2"} == aliases(team)

    sha = team.commit("Say three | <b>aloud</b> @octo\u2028feedbee Reviewed", {HANDLER_FILE: HANDLER.format("three")})
    three = team.start("deploy.yml", "push")
    wait_for(three, "preview")
    summary = three.so_far().summary
    shown = summary[summary.index("### Promote to `prod`"):]
    assert "| `echo` | code | " in shown and "2\u00a0→\u00a03" in shown
    assert f"- [`{sha[:7]}`](https://github.com/{team.github.name}/commit/{sha}) " in shown
    assert "`Say three | <b>aloud</b> @octo\\u2028feedbee Reviewed`" in shown and "Say two" not in shown
    three.cancel()

    back = team.run("redeploy.yml", "workflow_dispatch", stage="prod", functions="", what="previous", reason="it lies")
    assert back.succeeded, back.log
    assert {"test": "3", "prod": "1"} == aliases(team)
    assert "one" == answer(team, "prod")
    assert "build" not in back.jobs  # a way back must not depend on one
    assert "### Roll back `prod`: 1 to update" in back.summary and "2\u00a0→\u00a01" in back.summary
    assert re.search("^echo +3 .* 1 \\(behind\\) ", back.summary, re.MULTILINE)


def test_redeploy(team: Project) -> None:
    """Test gets the ref that is checked out; prod, what the stage before runs, or what a commit had.

    What was shown is what an approval is for: not what test runs by then. No input is taken for an option.
    """
    first = team.git("rev-parse", "HEAD")
    assert team.run("deploy.yml", "push").succeeded
    team.commit("Say two", {HANDLER_FILE: HANDLER.format("two")})

    def redeploy(stage: str, what: str, functions: str = "") -> Mapping[str, str]:
        done = team.run("redeploy.yml", "workflow_dispatch", stage=stage, functions=functions, what=what, reason="-")
        assert done.succeeded, done.log
        return aliases(team)

    assert {"test": "2", "prod": "1"} == redeploy("test", "ref")
    assert {"test": "2", "prod": "2"} == redeploy("prod", "ref")
    assert {"test": "2", "prod": "1"} == redeploy("prod", first[:10], "ec*")

    option = {"stage": "test", "functions": "--set=TOKEN=mine", "what": "previous", "reason": "-"}
    assert "no function in pipeline.yaml matches '--set=TOKEN=mine'" in team.run(
        "redeploy.yml", "workflow_dispatch", **option
    ).errors

    shown = team.start("redeploy.yml", "workflow_dispatch", stage="prod", functions="", what="ref", reason="-")
    wait_for(shown, "preview")
    team.commit("Say three", {HANDLER_FILE: HANDLER.format("three")})
    assert {"test": "3", "prod": "1"} == redeploy("test", "ref")
    team.approve(shown)
    refused = shown.outcome()
    assert "moved under the plan shown/plan.json: it does something else to echo" in refused.errors
    assert {"test": "3", "prod": "1"} == aliases(team)
