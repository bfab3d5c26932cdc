"""Apply does what the plan says and nothing else: whatever was released before, call by call on the wire."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from ci import local
from tests.emulated import command
from tests.emulated.conftest import AUDIT, PIPELINE, Account, Project
from tests.emulated.strict import Strict

FUNCTION = st.fixed_dictionaries(
    {},
    optional={
        "memory": st.sampled_from([256, 512]),
        "environment": st.sampled_from([{"LEVEL": "info"}, {"LEVEL": "debug", "MORE": "1"}]),
        "tags": st.sampled_from([{}, {"team": "a"}, {"team": "b", "tier": "1"}]),
        "concurrency": st.integers(1, 2),
    },
)
EDIT = st.tuples(st.integers(1, 2), FUNCTION)
"""A number in the code, and what pipeline.yaml says."""
RELEASE = st.fixed_dictionaries({"audit": EDIT}, optional={"echo": EDIT, "tally": EDIT})
LATER = st.sampled_from([
    "promote prod", "rollback test", "rollback prod", "redeploy test --what 1", "redeploy prod --what 1",
    "prune --retain 1",
])
STEPS = st.tuples(RELEASE, st.lists(st.one_of(RELEASE, LATER, LATER), min_size=3, max_size=5))


def write(project: Project, functions: dict[str, tuple[int, dict[str, Any]]]) -> None:
    """The repository as ``functions`` has it."""
    head, _, _ = PIPELINE.format(runtime=local.runtime(), architecture=local.architecture()).partition("  echo:")
    entries = {name: {"handler": f"{name}.handle"} | said for name, (_, said) in functions.items()}
    lines = [f"  {name}: {json.dumps(entry)}\n" for name, entry in entries.items()]
    for name, (number, _) in functions.items():
        project.write(f"functions/{name}/{name}.py", f"{AUDIT}\n\nNUMBER = {number}\n")
    project.write("pipeline.yaml", head + "".join(lines))


@settings(
    max_examples=4, derandomize=True, deadline=None, database=None, phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(steps=STEPS)
def test_writes_are_the_actions_of_the_plan(
    steps: tuple[Any, list[Any]], through: Account, strict: Strict, project: Project
) -> None:
    """A release, then releases, promotions, ways back and prunings in any order, over whatever AWS holds by then.

    What is refused is refused by the dry run too, and writes nothing.
    """

    def dollop(*arguments: str) -> command.Result:
        return command.run(*arguments, environment=through.environment)

    for step in (steps[0], *steps[1]):
        if not isinstance(step, str):
            write(project, step)
        verb = step.split() if isinstance(step, str) else ["deploy", "test"]
        shown = dollop(*verb, "--dry-run", "--json")
        strict.forget()
        done = dollop(*verb)
        assert shown.code == done.code in (0, 1, 2), f"{verb}: {shown.err}\n{done.err}"
        functions = json.loads(shown.out)["functions"] if shown.code == 0 else []
        # What has no call is the tag that remembers the concurrency, once that is written.
        actions = [
            (action.get("call", "TagResource"), each["name"]) for each in functions for action in each["actions"]
        ]
        assert sorted(actions) == sorted((call.operation, call.function) for call in strict.writes()), verb
