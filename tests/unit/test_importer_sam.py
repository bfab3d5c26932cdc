"""What a SAM template says of CodeDeploy, and what becomes of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from ci.errors import UsageError
from ci.importer import sam

TEMPLATE = """\
Transform: AWS::Serverless-2016-10-31
Resources:
  Hello:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: src/
      Handler: main.handle
      Runtime: python3.13
      AutoPublishAlias: live
      DeploymentPreference: %s
"""
ROLE = "arn:aws:iam::123456789012:role/codedeploy"


@pytest.mark.parametrize(
    ("said", "rollout", "note"),
    [
        ("{Type: Canary10Percent5Minutes}", {"canary": "10%", "for": "5m"}, ""),
        (
            f"{{Type: Linear10PercentEvery1Minute, Role: '{ROLE}'}}",
            {"codedeploy": "Linear10PercentEvery1Minute", "role": ROLE},
            "",
        ),
        (
            "{Type: Linear10PercentEvery1Minute}",
            {},
            "Linear10PercentEvery1Minute; rollout: {codedeploy: Linear10PercentEvery1Minute} does it, with a role",
        ),
        ("{Type: AllAtOnce}", {}, ""),
    ],
)
def test_deployment_preference(said: str, rollout: dict[str, str], note: str, tmp_path: Path) -> None:
    """A plain canary is ours, steps are CodeDeploy's where its role is known; else it is said what to write."""
    (tmp_path / "template.yaml").write_text(TEMPLATE % said)
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "main.py").write_text("def handle(event, context): ...\n")
    draft = sam.read(tmp_path, tmp_path)
    assert rollout == draft.rollout
    ((_, entry),) = draft.functions.items()
    told = [each for each in entry.notes if "DeploymentPreference" in each]
    assert bool(note) == bool(told) and note in " ".join(told)


def test_a_folder_without_a_template(tmp_path: Path) -> None:
    """What is looked for is named."""
    with pytest.raises(UsageError, match=r"template\.yaml: cannot be read: No such file"):
        sam.read(tmp_path, tmp_path)
