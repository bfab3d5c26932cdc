"""The name logic that functions share."""

from __future__ import annotations

import pytest
from shared.greeting import LONGEST, greet, tidy


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("robert", "Guten tag robert!"),
        (None, "Guten tag there!"),
        ("", "Guten tag there!"),
        (" \t\r\n", "Guten tag there!"),
        ("  Ada \n Lovelace ", "Guten tag Ada Lovelace!"),
        ("Jürgen Groß", "Guten tag Jürgen Groß!"),
        ("李小龍", "Guten tag 李小龍!"),
    ],
)
def test_greets_by_name_else_whoever_is_there(name: str | None, expected: str) -> None:
    """No name, in whichever way, is ``there``; a name is taken as it is, on one line."""
    assert expected == greet(name)


def test_the_words_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """GREETING replaces the words, not the rest."""
    monkeypatch.setenv("GREETING", "Grüezi")
    assert "Grüezi robert!" == greet("robert")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a\x00b\x1b[31mc", "a b [31mc"),
        ("u\N{COMBINING DIAERESIS}", "ü"),
        ("lone \ud800 surrogate", "lone surrogate"),
        ("no\N{NO-BREAK SPACE}break", "no break"),
        ("x" * LONGEST, "x" * LONGEST),
        ("x" * (LONGEST + 1), "x" * (LONGEST - 1) + "…"),
        ("y " * 5_000, ("y " * LONGEST)[: LONGEST - 1].rstrip() + "…"),
    ],
)
def test_a_name_is_one_printable_line(name: str, expected: str) -> None:
    """Nothing in a name breaks a line, a log or an encoder, and it ends."""
    assert expected == tidy(name)
    assert len(tidy(name)) <= LONGEST
