"""Releases through the command: what they write, that they need not be watched, that they land whole or not at all."""

from __future__ import annotations

import json
import signal
import subprocess
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from ci import local, record
from tests.emulated import command
from tests.emulated.conftest import Account, Project
from tests.emulated.strict import OLD, Call, Fault, Strict

Dollop = Callable[..., command.Result]


@pytest.fixture
def dollop(through: Account, project: Project) -> Dollop:
    """The command, in ``project`` and with ``through``'s account."""
    return lambda *arguments: command.run(*arguments, environment=through.environment)


def done(result: command.Result) -> command.Result:
    assert 0 == result.code, result.err
    return result


def aliases(account: Account, stage: str) -> dict[str, str]:
    """Function -> the version that its alias of that name points to, seen from outside."""
    client = account.client("lambda")
    found = {}
    for function in client.list_functions()["Functions"]:
        name = function["FunctionName"]
        for alias in client.list_aliases(FunctionName=name)["Aliases"]:
            if alias["Name"] == stage:
                found[name] = alias["FunctionVersion"]
    return found


def alias(account: Account, function: str, stage: str) -> dict[str, Any]:
    return dict(account.client("lambda").get_alias(FunctionName=function, Name=stage))


def written(strict: Strict) -> list[str]:
    return sorted(f"{call.operation} {call.function}" for call in strict.writes())


def test_a_first_deploy_creates_publishes_and_points(dollop: Dollop, account: Account, strict: Strict) -> None:
    """Three writes a function, no more; the alias and the version say where they come from."""
    result = done(dollop("deploy", "test"))
    assert [
        "CreateAlias audit", "CreateAlias echo", "CreateFunction audit", "CreateFunction echo",
        "PublishVersion audit", "PublishVersion echo",
    ] == written(strict)
    assert {"echo": "1", "audit": "1"} == aliases(account, "test")
    assert "function created          env=test function=echo name=echo version=1" in result.err
    assert "smoke test passed         env=test function=echo" in result.err


@pytest.mark.parametrize("listener", ["gone", "full"])
def test_nobody_listens(listener: str, project: Project, through: Account, account: Account) -> None:
    """The log's reader has left, or its disk is full: the release is told to nobody, and whole."""
    with command.spawn("deploy", "test", environment=through.environment, folder=project.root, stderr=listener) as run:
        run.communicate(timeout=60)
    assert 0 == run.returncode
    assert {"echo": "1", "audit": "1"} == aliases(account, "test")


def test_descriptions_say_what_was_released(dollop: Dollop, account: Account, project: Project) -> None:
    """The alias holds release, run, time and the version that it left; the version its commit and digests."""
    first = project.commit()
    done(dollop("deploy", "test"))
    project.write("functions/audit/audit.py", "def handle(event, context):\n    return 2\n")
    second = project.commit()
    done(dollop("deploy", "test"))
    noted = record.read_alias(alias(account, "audit", "test")["Description"])
    assert noted is not None
    assert ("1", "local", second[:7]) == (noted.previous, noted.run, noted.release[:7])
    client = account.client("lambda")
    for number, commit in (("1", first), ("2", second)):
        live = client.get_function_configuration(FunctionName="audit", Qualifier=number)
        _, version = record.read_version(live["Description"])
        assert version is not None
        assert (commit, live["CodeSha256"]) == (version.commit, version.code_sha256)
        assert 43 == len(version.digest)


def test_a_second_deploy_writes_nothing(dollop: Dollop, project: Project, strict: Strict) -> None:
    """Nothing changed: two reads a function, on the wire, and not one write. Of its alias AWS tells no tags."""
    said = "concurrency: 3\n    tags: {team: a}\n    logging: {log_group: /aws/lambda/echo}"
    text = (project.root / "pipeline.yaml").read_text()
    project.write("pipeline.yaml", text.replace("echo.handle", f"echo.handle\n    {said}"))
    done(dollop("deploy", "test"))
    strict.forget()
    result = done(dollop("deploy", "test"))
    assert [] == written(strict)
    assert {("GetFunction", "audit"): 2, ("GetFunction", "echo"): 2} == Counter(
        (call.operation, call.function) for call in strict.calls
    )
    assert "nothing to do: 2 unchanged" in result.out


def test_aws_gives_no_version_number_twice(dollop: Dollop, account: Account, project: Project) -> None:
    """Where the newest version was deleted by hand, the next has another number than was expected: it lands as that."""
    done(dollop("deploy", "test"))
    client = account.client("lambda")
    client.update_function_configuration(FunctionName="audit", MemorySize=512)
    client.publish_version(FunctionName="audit")
    client.delete_function(FunctionName="audit", Qualifier="2")
    project.write("functions/audit/audit.py", "def handle(event, context):\n    return 2\n")
    result = done(dollop("deploy", "test"))
    assert "updated alias test        env=test function=audit version=3" in result.err
    noted = record.read_alias(alias(account, "audit", "test")["Description"])
    assert noted is not None
    assert ("3", "1") == (noted.version, noted.previous)
    assert [] == json.loads(done(dollop("status", "--json")).out)["strays"]
    done(dollop("rollback", "test"))
    assert "1" == aliases(account, "test")["audit"]


def test_somebody_published_it_already(dollop: Dollop, through: Account, account: Account, project: Project) -> None:
    """By hand, with words of his own; then pipeline.yaml says the same. AWS must see something to publish."""
    done(dollop("deploy", "test"))
    client = through.client("lambda")
    client.update_function_configuration(FunctionName="audit", MemorySize=512)
    client.get_waiter("function_updated_v2").wait(FunctionName="audit", WaiterConfig={"Delay": 0.1})
    client.publish_version(FunctionName="audit", Description="more memory")
    text = (project.root / "pipeline.yaml").read_text()
    project.write("pipeline.yaml", text.replace("audit.handle", "audit.handle\n    memory: 512"))
    done(dollop("deploy", "test"))
    assert "3" == aliases(account, "test")["audit"]
    assert "nothing to do: 2 unchanged" in done(dollop("deploy", "test")).out
    assert {} == json.loads(done(dollop("status", "--json")).out)["drift"], "the workbench's description is as said"


def test_a_late_run_puts_no_old_code_over_new(
    dollop: Dollop, account: Account, project: Project, strict: Strict
) -> None:
    """Of an older commit, run again or overtaken: told, and nothing is written; to go back is another verb's work."""
    first = project.git("rev-parse", "HEAD").strip()
    done(dollop("deploy", "test"))
    project.write("functions/audit/audit.py", "def handle(event, context):\n    return 2\n")
    second = project.commit()
    done(dollop("deploy", "test"))
    project.git("checkout", "--quiet", first)
    strict.forget()
    for verb in ("plan", "deploy"):
        refused = dollop(verb, "test")
        assert 1 == refused.code
        assert f"audit: runs {second[:7]}, which comes after this checkout, {first[:7]}\n" in refused.err
        assert "dollop redeploy test" in refused.err
    assert [] == written(strict)
    assert "nothing to do" in done(dollop("deploy", "test", "echo")).out
    done(dollop("redeploy", "test"))
    assert {"audit": "3", "echo": "1"} == aliases(account, "test")


def test_a_commit_beside_another_is_not_older(dollop: Dollop, account: Account, project: Project) -> None:
    """Of two branches none comes after the other; so it is with what git does not know any more."""
    first = project.git("rev-parse", "HEAD").strip()
    project.write("functions/audit/audit.py", "def handle(event, context):\n    return 2\n")
    project.commit()
    done(dollop("deploy", "test"))
    project.git("checkout", "--quiet", "-b", "other", first)
    project.commit()
    done(dollop("deploy", "test"))
    assert {"audit": "2", "echo": "1"} == aliases(account, "test")


def test_a_dry_run_writes_nothing(dollop: Dollop, strict: Strict) -> None:
    """--dry-run and plan read, and print the same."""
    dry = done(dollop("deploy", "test", "--dry-run"))
    planned = done(dollop("plan", "test"))
    assert [] == written(strict)
    assert dry.out == planned.out
    assert "+ function echo" in planned.out


def test_promotion_moves_to_the_same_versions(
    dollop: Dollop, account: Account, project: Project, strict: Strict
) -> None:
    """prod runs what test runs, by one write a function that moves; nothing is built or published."""
    done(dollop("deploy", "test"))
    done(dollop("promote", "prod"))
    answer = "{'message': 'Guten tag robert!'}"
    project.write("functions/echo/echo.py", f"def handle(event, context):\n    return {answer}\n")
    done(dollop("deploy", "test"))
    strict.forget()
    result = done(dollop("promote", "prod"))
    assert ["UpdateAlias echo"] == written(strict)
    assert {"echo": "2", "audit": "1"} == aliases(account, "prod") == aliases(account, "test")
    assert "code unchanged            env=prod function=echo" in result.err
    assert "updated alias prod        env=prod function=echo version=2" in result.err


def test_rollback_returns_to_what_ran_before_and_back(
    dollop: Dollop, account: Account, project: Project, strict: Strict
) -> None:
    """The last release goes back as a whole; a second rollback takes that back."""
    done(dollop("deploy", "test"))
    before = aliases(account, "test")
    project.write("functions/audit/audit.py", "def handle(event, context):\n    return 2\n")
    done(dollop("deploy", "test"))
    after = aliases(account, "test")
    strict.forget()
    done(dollop("rollback", "test"))
    assert ["UpdateAlias audit"] == written(strict)
    assert before == aliases(account, "test")
    done(dollop("rollback", "test"))
    assert after == aliases(account, "test")


def test_a_failed_smoke_test_takes_every_alias_back(dollop: Dollop, account: Account, project: Project) -> None:
    """New aliases disappear, moved ones are exactly as they were; the message says what was answered.

    Concurrency goes back, too, and is then not taken for what somebody has set by hand.
    """
    text = (project.root / "pipeline.yaml").read_text()
    project.write("pipeline.yaml", text.replace("echo.handle", "echo.handle\n    concurrency: 3"))
    done(dollop("deploy", "test", "echo"))
    before = alias(account, "echo", "test")
    project.write("pipeline.yaml", text.replace("echo.handle", "echo.handle\n    concurrency: 5"))
    project.write("functions/echo/echo.py", "def handle(event, context):\n    return {'message': 'no'}\n")
    result = dollop("deploy", "test")
    assert 1 == result.code
    assert 'echo: smoke test: answer.message is "no", expected "Guten tag robert!"' in result.err
    assert "every alias of the release is back where it was" in result.err
    after = alias(account, "echo", "test")
    same = ("FunctionVersion", "Description")
    assert [before[key] for key in same] == [after[key] for key in same]
    assert {"echo": "1"} == aliases(account, "test")
    found = json.loads(dollop("status", "--json").out)
    assert {"echo": {"concurrency": {"live": "3", "pipeline": "5"}}} == found["unlike"]
    assert {} == found["drift"]


def test_the_version_before_answers_a_smoke_test(dollop: Dollop, strict: Strict, project: Project) -> None:
    """AWS tells which version answered: where one of its servers has not heard of the move, it is asked again."""
    done(dollop("deploy", "test", "echo"))
    project.write("functions/shared/greeting.py", (project.root / "functions/shared/greeting.py").read_text() + "\n")
    strict.forget()
    strict.faults.append(Fault(OLD, "Invoke", "echo"))
    done(dollop("deploy", "test", "echo"))
    assert 2 == len([call for call in strict.calls if call.operation == "Invoke"])


def test_a_canary_set_by_hand_is_put_back_too(dollop: Dollop, account: Account, project: Project) -> None:
    """A release that fails leaves the alias with the weights that it had."""
    done(dollop("deploy", "test", "echo"))
    project.write("functions/echo/more.py", "")
    done(dollop("deploy", "test", "echo"))
    weights = {"AdditionalVersionWeights": {"1": 0.25}}
    account.client("lambda").update_alias(FunctionName="echo", Name="test", RoutingConfig=weights)
    project.write("functions/echo/echo.py", "def handle(event, context):\n    return {'message': 'no'}\n")
    assert 1 == dollop("deploy", "test", "echo").code
    assert weights == alias(account, "echo", "test")["RoutingConfig"]


# ---------------------------------------------------------------- SIGKILL, after every single write


def change(project: Project) -> None:
    """Configuration of one function; code, configuration and concurrency of the other."""
    text = (project.root / "pipeline.yaml").read_text()
    text = text.replace("Guten tag", "Moin")
    project.write("pipeline.yaml", text.replace("audit.handle", "audit.handle\n    memory: 256\n    concurrency: 3"))
    project.write("functions/audit/audit.py", "def handle(event, context):\n    return 2\n")


def kill_after(strict: Strict, write: int, process: Callable[[], subprocess.Popen[str]]) -> None:
    """SIGKILL once that many writes took effect, before the answer to the last."""

    def look(call: Call) -> None:
        if call.writes and len(strict.writes()) >= write:
            process().kill()

    strict.after = look


def killed(account: Account, folder: Path, write: int) -> None:
    """``python -m ci deploy test`` as a process, killed after that many writes."""
    _, port = account.url.rsplit(":", 1)
    started = threading.Event()
    with Strict(int(port)).running() as strict:
        strict.before = lambda call: started.wait(10) and None
        environment = Account(account.id, strict.url).environment
        process = command.spawn("deploy", "test", environment=environment, folder=folder)
        kill_after(strict, write, lambda: process)
        started.set()
        _, errors = process.communicate(timeout=60)
        assert -signal.SIGKILL == process.returncode, errors


def deployed(account: Account) -> int:
    """How many writes it took."""
    _, port = account.url.rsplit(":", 1)
    with Strict(int(port)).running() as strict:
        done(command.run("deploy", "test", environment=Account(account.id, strict.url).environment))
        return len(strict.writes())


RELEASES = {
    "of new functions": (False, lambda project: None, 6),
    "over another": (True, change, 10),
}


@pytest.mark.parametrize("release", RELEASES)
def test_killed_after_any_write_and_run_again_it_finishes(
    release: str, ministack: local.Endpoint, account: Account, account_ids: Iterator[str], project: Project
) -> None:
    """``python -m ci deploy``, SIGKILLed at each of its writes in turn; the next run finishes the same release.

    What the aliases then run is what an undisturbed release gives, and one more run has nothing to write.
    """
    before, make, writes = RELEASES[release]
    pipeline = (project.root / "pipeline.yaml").read_text().splitlines(keepends=True)
    project.write("pipeline.yaml", "".join(line for line in pipeline if "smoke:" not in line))
    undisturbed, *accounts = (Account(next(account_ids), ministack.url) for _ in range(writes + 1))
    if before:
        assert [6] * (writes + 1) == [deployed(each) for each in (undisturbed, *accounts)]
    make(project)
    assert writes == deployed(undisturbed)
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda write: killed(accounts[write - 1], project.root, write), range(1, writes + 1)))
    for each in accounts:
        deployed(each)
        assert 0 == deployed(each)
        assert running(undisturbed) == running(each)


def running(account: Account) -> dict[str, dict[str, Any]]:
    """What the aliases run, concurrency and tags, as far as two accounts can have it in common."""
    client = account.client("lambda")
    kept = ("Version", "CodeSha256", "Environment", "MemorySize", "Description")
    found = {name: client.get_function(FunctionName=name, Qualifier="test") for name in aliases(account, "test")}
    return {
        name: {key: value for key, value in answer["Configuration"].items() if key in kept}
        | {key: answer.get(key) for key in ("Concurrency", "Tags")}
        for name, answer in found.items()
    }
