"""The tags of a function that are ours: ``dollop:test`` tells what its alias ``test`` has around it. Pure.

The value names the kinds of resources, so that only these are looked for, and ends in a digest of what they are to be
once they are: ``event url @1f3a2b4c``. The tag ``dollop`` is that of ``ci.remembered``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from ci.attachments.resources import digest
from ci.model import Attachment

TAG = "dollop"
MARK = f"{TAG}:"
"""How the tag of a function begins that tells what an alias has around it."""


def key(alias: str) -> str:
    """The tag of a function that tells what its alias has around it; of no alias, what it remembers of itself."""
    return f"{MARK}{alias}" if alias else TAG


def is_kept(tag: str) -> bool:
    """Whether a function's tag is none of the user's: it is a mark, or AWS's own."""
    return tag == TAG or tag.startswith((MARK, "aws:"))


def own(tags: Mapping[str, str]) -> dict[str, str]:
    """Those of ``tags`` that are the user's."""
    return {key: value for key, value in tags.items() if not is_kept(key)}


def aliases(tags: Mapping[str, str]) -> tuple[str, ...]:
    """The aliases that have something around them."""
    return tuple(sorted(tag.removeprefix(MARK) for tag in tags if tag.startswith(MARK)))


def kinds(tags: Mapping[str, str], alias: str) -> frozenset[str]:
    """The kinds that the alias may have, as the tag tells."""
    words = tags.get(key(alias), "").split()
    return frozenset(word for word in words if not word.startswith(_WISH))


def tells(tags: Mapping[str, str], alias: str, wish: Iterable[Attachment]) -> bool:
    """Whether ``wish`` is what the last release put around the alias, as the tag tells: what differs from it since
    then was changed by hand."""
    return _word(wish) in tags.get(key(alias), "").split()


_WISH = "@"


def _word(wish: Iterable[Attachment]) -> str:
    return _WISH + digest([[each.kind, each.id, each.settings] for each in wish])


def mark(alias: str, there: Iterable[str], wish: Sequence[Attachment] = ()) -> Attachment | None:
    """The mark for kinds ``there``, and for ``wish`` once they are so; none where there are none."""
    return holding(alias, " ".join([*sorted(there), *([_word(wish)] if wish else [])]))


def found(tags: Mapping[str, str], alias: str) -> Attachment | None:
    """The mark that is there."""
    return holding(alias, tags.get(key(alias), ""))


def holding(alias: str, value: str) -> Attachment | None:
    """The mark that holds ``value``; none where that is empty."""
    return Attachment("mark", alias, "", "", {"Value": value}) if value else None
