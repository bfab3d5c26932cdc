"""``dollop build --verify`` against what is deployed.

MiniStack hands out the zip of $LATEST for every version, AWS each version's own: the strict layer in front does too.
"""

from __future__ import annotations

import io
import json
import zipfile

import pytest

from tests.emulated import command
from tests.emulated.conftest import AUDIT, Account, Project

FILE = "functions/audit/audit.py"


@pytest.fixture
def deployed(through: Account, project: Project) -> Account:
    """Version 1 of both functions on test."""
    assert 0 == command.run("deploy", "test", environment=through.environment).code
    return through


def test_what_was_deployed_is_what_the_checkout_builds(deployed: Account, project: Project) -> None:
    """The same zip, to the byte, built again without the cache; nothing is written."""
    cache = {path for path in (project.root / ".dollop").rglob("*")}
    result = command.run("build", "--verify", environment=deployed.environment)
    assert (0, 2) == (result.code, result.out.count("is the same zip")), result.err + result.out
    assert "built audit" in result.err
    assert cache == {path for path in (project.root / ".dollop").rglob("*")}
    assert not (project.root / "dist").exists()


def test_every_entry_that_differs_is_named(deployed: Account, project: Project) -> None:
    """Changed, added and removed against the stage; a version by its number is compared likewise. Exit code 1."""
    project.write(FILE, AUDIT + "# more\n")
    project.write("functions/audit/more.py", "MORE = True\n")
    project.commit()
    result = command.run("build", "audit", "--verify", environment=deployed.environment)
    assert 1 == result.code
    before, after = len(AUDIT), len(AUDIT) + 7
    assert [f"~ audit.py {before} B -> {after} B", "+ more.py 12 B"] == [
        line.strip() for line in result.out.splitlines()[1:]
    ]

    assert 0 == command.run("deploy", "test", environment=deployed.environment).code
    (project.root / "functions/audit/more.py").unlink()
    found = command.run("build", "audit", "--verify", "--json", environment=deployed.environment)
    assert 1 == found.code
    said = json.loads(found.out)["functions"]["audit"]
    assert ("2", False, [("more.py", None)]) == (
        said["version"], said["equal"], [(entry["path"], entry["built"]) for entry in said["entries"]]
    )
    project.write(FILE, AUDIT)
    earlier = command.run("build", "audit", "--verify", "--version", "1", environment=deployed.environment)
    assert (0, True) == (earlier.code, "version 1 of" in earlier.out), earlier.err


def test_what_somebody_put_there_by_hand_is_found(deployed: Account, project: Project) -> None:
    """A zip that is not ours is read as Lambda reads it, folders and all."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as made:
        made.mkdir("inner")
        for name in ("audit.py", "inner/backdoor.py"):
            made.writestr(zipfile.ZipInfo(name), AUDIT)
    client = deployed.client("lambda")
    client.update_function_code(FunctionName="audit", ZipFile=stream.getvalue())
    client.get_waiter("function_updated_v2").wait(FunctionName="audit")
    number = client.publish_version(FunctionName="audit")["Version"]
    client.update_alias(FunctionName="audit", Name="test", FunctionVersion=number)
    result = command.run("build", "audit", "--verify", environment=deployed.environment)
    assert 1 == result.code
    assert f"- inner/backdoor.py {len(AUDIT)} B" in result.out


def test_a_zip_that_is_not_the_versions_is_no_proof(account: Account, project: Project) -> None:
    """MiniStack hands out that of $LATEST for an older version: its hash gives it away, and nothing is claimed."""
    assert 0 == command.run("deploy", "test", environment=account.environment).code
    project.write(FILE, AUDIT + "# more\n")
    assert 0 == command.run("deploy", "test", environment=account.environment).code
    result = command.run("build", "audit", "--verify", "--version", "1", environment=account.environment)
    assert (1, "") == (result.code, result.out)
    assert "audit: version 1: AWS handed out a zip that is not the version's" in result.err


@pytest.mark.parametrize(
    ("arguments", "code", "why"),
    [
        (("--verify", "--version", "9"), 1, "function echo: AWS has no 9 of it"),
        (("--verify", "--stage", "prod"), 1, "function echo: AWS has no prod of it"),
        (("--verify", "--stage", "staging"), 2, "there is no stage 'staging'"),
        (("--verify", "--out", "dist"), 2, "--verify goes with"),
        (("--version", "9"), 2, "--verify goes with"),
    ],
)
def test_what_is_not_there_cannot_be_compared(
    account: Account, project: Project, arguments: tuple[str, ...], code: int, why: str
) -> None:
    """The function and what AWS has not; options that do not go together call nothing."""
    result = command.run("build", "echo", *arguments, environment=account.environment)
    assert (code, "") == (result.code, result.out)
    assert why in result.err
