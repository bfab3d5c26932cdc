from __future__ import annotations

import fnmatch
from typing import Any

import pytest

from ci import policy
from ci.errors import UsageError
from ci.setup import aws
from tests.unit.test_policy import function, pipeline

ISSUER = "token.actions.githubusercontent.com"


def made(trusted: aws.Repository) -> dict[str, Any]:
    line = pipeline(function("echo"))
    return aws.template(line, policy.roles(line, policy.place(line)), trusted)


def trusted_by(template: dict[str, Any], role: str, subject: str, number: str = "34") -> bool:
    """Whether a job of the repository ``number`` that names itself ``subject`` gets ``role``, as IAM decides."""
    (statement,) = template["Resources"][role]["Properties"]["AssumeRolePolicyDocument"]["Statement"]
    patterns = statement["Condition"]["StringLike"][f"{ISSUER}:sub"]
    token = {f"{ISSUER}:aud": "sts.amazonaws.com", f"{ISSUER}:repository_id": number}
    same = all(token[key] == value for key, value in statement["Condition"]["StringEquals"].items())
    return same and any(fnmatch.fnmatchcase(subject, pattern) for pattern in patterns)


SUBJECTS = {
    "PlanRole": ["pull_request", "ref:refs/heads/master"],
    "DeployTestRole": ["environment:test"],
    "PromoteProdRole": ["environment:prod"],
}
OTHER = ["ref:refs/heads/evil", "ref:refs/tags/v1"]
EVERY = [context for contexts in SUBJECTS.values() for context in contexts] + OTHER


@pytest.mark.parametrize("role", SUBJECTS)
@pytest.mark.parametrize("name", ["octo/shop", "octo@12/shop@34"])
def test_a_role_trusts_its_own_jobs_only(role: str, name: str) -> None:
    """In both forms in which GitHub names a job, a role is for its environment, or for reading; for no other branch."""
    template = made(aws.repository("octo/shop", "12", "34"))
    assert SUBJECTS[role] == [each for each in EVERY if trusted_by(template, role, f"repo:{name}:{each}")]


@pytest.mark.parametrize(
    "name",
    ["octo/shop2", "octo2/shop", "evil/octo/shop", "octo@13/shop@34", "octo@12/shop@35", "octo@12/evil@1/shop@34"],
)
def test_no_other_repository_is_trusted(name: str) -> None:
    """Not one with a similar name, and not one that took over the name: its number is another."""
    template = made(aws.repository("octo/shop", "12", "34"))
    assert not trusted_by(template, "PromoteProdRole", f"repo:{name}:environment:prod")


def test_whoever_takes_over_the_name_is_not_trusted() -> None:
    """Whatever form of a subject that repository chooses: its number is another. Without numbers a note says so."""
    subject, named = "repo:octo/shop:environment:prod", aws.repository("octo/shop")
    both = [made(each) for each in (aws.repository("octo/shop", "12", "34"), named)]
    assert [False, True] == [trusted_by(each, "PromoteProdRole", subject, "35") for each in both]
    assert any("whoever gets the repository's name" in note for note in aws.notes(both[1], (), named))


def test_where_aws_does_not_know_the_number_the_subject_decides() -> None:
    """A condition on a claim that is not there would trust nobody."""
    line = pipeline(function("echo"))
    roles = policy.roles(line, policy.place(line))
    elsewhere = aws.template(line, roles, aws.repository("octo/shop", "12", "34"), "aws-cn")
    assert "repository_id" not in str(elsewhere)
    assert not trusted_by(elsewhere, "PromoteProdRole", "repo:octo@12/shop@35:environment:prod")


@pytest.mark.parametrize("text", ["octo", "octo/*", "*/shop", "octo/shop/x", "octo/shop:ref", "", "octo /shop"])
def test_not_a_repository(text: str) -> None:
    """A wildcard in the name would trust strangers."""
    with pytest.raises(UsageError, match="not a repository"):
        aws.repository(text)


def test_each_policy_is_attached_to_its_role_and_people_get_none() -> None:
    """What dollop policy prints is what the roles get; observe is for people and not in the template."""
    line = pipeline(function("echo"))
    roles = {role.name: role for role in policy.roles(line, policy.place(line))}
    resources = made(aws.repository("octo/shop"))["Resources"]
    for name, logical in (("plan", "Plan"), ("deploy-test", "DeployTest"), ("promote-prod", "PromoteProd")):
        properties = resources[f"{logical}Policy1"]["Properties"]
        assert [{"Ref": f"{logical}Role"}] == properties["Roles"]
        assert roles[name].documents[0] == properties["PolicyDocument"]
    assert not [name for name in resources if "Observe" in name]


def test_linter_takes_the_template(tmp_path: Any) -> None:
    """cfn-lint, which knows every property and every IAM action, has no objection."""
    import json
    import subprocess
    import sys
    from pathlib import Path

    path = tmp_path / "template.json"
    path.write_text(json.dumps(made(aws.repository("octo/shop"))))
    linter = Path(sys.executable).with_name("cfn-lint")
    done = subprocess.run([linter, "--regions", "eu-west-1", "--", path], capture_output=True, text=True)
    assert (0, "") == (done.returncode, done.stdout)
