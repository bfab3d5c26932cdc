"""What a new project and a new function are made of."""

from __future__ import annotations

import pytest
import yaml

from ci import scaffold
from ci.errors import UsageError

HEAD = "project: p\nfunctions:   # all of them\n"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param(
            f"{HEAD}  a: {{handler: a.b}}   # the first\n",
            f"{HEAD}  a: {{handler: a.b}}   # the first\n  new:\n    handler: new.handle\n",
            id="entries of one line",
        ),
        pytest.param(
            f"{HEAD}    a:\n        handler: a.b\n\n# the end\nstages: {{}}\n",
            f"{HEAD}    a:\n        handler: a.b\n\n    new:\n      handler: new.handle\n\n# the end\nstages: {{}}\n",
            id="in the middle, indented by four",
        ),
        pytest.param(
            f"{HEAD}  a:\n    description: |\n      long\n      text\n    tags:\n      - x\nother: 1\n",
            f"{HEAD}  a:\n    description: |\n      long\n      text\n    tags:\n      - x\n"
            "\n  new:\n    handler: new.handle\nother: 1\n",
            id="behind a list",
        ),
        pytest.param(
            f"{HEAD}  a:\n    description: |\n      long\n      text\nother: 1\n",
            f"{HEAD}  a:\n    description: |\n      long\n      text\n\n  new:\n    handler: new.handle\nother: 1\n",
            id="behind a text of several lines",
        ),
        pytest.param(
            f"{HEAD}  a:\n    handler: a.b", f"{HEAD}  a:\n    handler: a.b\n\n  new:\n    handler: new.handle\n",
            id="no line end at the end",
        ),
        *(
            pytest.param(
                f"project: p\nfunctions:{empty}\n\nother: 1\n",
                f"project: p\nfunctions:{comment}\n  new:\n    handler: new.handle\n\nother: 1\n",
                id=f"the first, for {empty!r}",
            )
            for empty, comment in [("", ""), ("  # no", "  # no"), (" {}", ""), (" {\n} # no", " # no"), (" ~", "")]
        ),
    ],
)
def test_a_function_is_added_behind_the_others(before: str, after: str) -> None:
    """Every other line stays as it is, comments and all, and YAML reads exactly one function more."""
    assert after == scaffold.with_function(before, "new")
    was, now = yaml.safe_load(before), yaml.safe_load(after)
    assert {"handler": "new.handle"} == now["functions"].pop("new")
    assert was | {"functions": was["functions"] or {}} == now


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("functions: {a: {handler: a.b}}", "not a block"),
        (f"{HEAD}  new: {{handler: a.b}}\n", "has a function new already"),
    ],
)
def test_what_cannot_be_added_to_is_left_alone(text: str, expected: str) -> None:
    """With what to write instead."""
    with pytest.raises(UsageError, match=expected):
        scaffold.with_function(text, "new")


@pytest.mark.parametrize("name", ["", "-a", "a b", "a/../b", "ä", "1st", "class", "json", "a" * 65, "a\n"])
def test_names_that_no_function_can_have(name: str) -> None:
    """Refused before a file has it: AWS, Python or a path could not take it."""
    with pytest.raises(UsageError):
        scaffold.function(name)
