"""Environment variables from the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from ci.config import variables
from ci.errors import ConfigError, UsageError


def revealed(files: list[Path], pairs: list[str]) -> dict[str, str]:
    return {name: value.reveal() for name, value in variables.read(files, pairs).items()}


@pytest.mark.parametrize(
    ("expected", "text"),
    [
        ({}, ""),
        ({}, "# nothing\n\n"),
        ({"AB": "1", "CD": ""}, "AB=1\nCD=\n"),
        ({"URL": "https://x/?a=b"}, "URL=https://x/?a=b"),
        ({"QUOTED": "'as it stands' # too"}, "QUOTED='as it stands' # too"),
        ({"AB": "${env:HOME}"}, "AB=${env:HOME}"),
        ({"AB": "1"}, '{"AB": "1"}'),
    ],
)
def test_a_file_is_read_as_docker_or_apex_reads_it(expected: dict[str, str], text: str, tmp_path: Path) -> None:
    """Values are taken as they stand: no quotes, no references."""
    file = tmp_path / "env"
    file.write_text(text)
    assert expected == revealed([file], [])


def test_the_later_goes_over_the_earlier_and_pairs_over_files(tmp_path: Path) -> None:
    """As on every command line."""
    first, second = tmp_path / "first", tmp_path / "second"
    first.write_text("AA=1\nBB=1\nCC=1\nDD=1")
    second.write_text("BB=2\nCC=2\nDD=2")
    assert {"AA": "1", "BB": "2", "CC": "3", "DD": "4"} == revealed([first, second], ["CC=3", "DD=3", "DD=4"])


def test_values_are_secret(tmp_path: Path) -> None:
    """Nothing shows them."""
    assert "hunter2" not in repr(variables.read([], ["TOKEN=hunter2"]))


@pytest.mark.parametrize("pair", ["hunter2", "2hunter2=1", "=hunter2", "AWS_REGION=hunter2", "A=hunter2"])
def test_a_wrong_pair_is_told_by_its_position_and_not_repeated(pair: str) -> None:
    """What was meant as a value may stand where the name belongs."""
    with pytest.raises(UsageError, match="--set number 2 ") as raised:
        variables.read([], ["AB=1", pair])
    assert "hunter2" not in str(raised.value)


def test_every_wrong_line_of_a_file_is_told(tmp_path: Path) -> None:
    """With file and line, and no more of it."""
    file = tmp_path / "env"
    file.write_text("GOOD=1\nhunter2\n\n# fine\nAWS_REGION=hunter2\nx-y=hunter2\n")
    with pytest.raises(ConfigError) as raised:
        variables.read([file], [])
    assert [2, 5, 6] == [problem.line for problem in raised.value.problems]
    assert "hunter2" not in str(raised.value)


@pytest.mark.parametrize("text", ['{"AB": 1}', '{"AB": ', '{"AB": {"CD": "hunter2"}}', '{"hunter2"}'])
def test_a_json_file_is_one_object_of_strings(text: str, tmp_path: Path) -> None:
    """What is wrong with it is told without its content."""
    file = tmp_path / "env.json"
    file.write_text(text)
    with pytest.raises(UsageError) as raised:
        variables.read([file], [])
    assert "hunter2" not in raised.value.message


def test_a_file_that_is_not_there_is_told() -> None:
    """By its name."""
    with pytest.raises(UsageError, match="--env-file nowhere: cannot be read: No such file"):
        variables.read([Path("nowhere")], [])
