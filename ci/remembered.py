"""What a release made of that which belongs to no version of a function: tags and reserved concurrency. Pure.

GetFunction tells what they are, not who made them so. The function's tag ``dollop`` tells what the last release that
managed them left: ``concurrency:5 tags:Qx81a``, with a digest of each tag. What is not so now was changed by hand;
where nothing is told (an import, an older release, no room for one more tag), nobody knows.

Tags are written together with it, in one call. Concurrency reaches users, so it is written later: until that is done
both values are told, ``concurrency:3/5``, and neither is anybody's hand, should the release break off or go back.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from ci.attachments import marks
from ci.model import Function
from ci.model.live import LiveFunction
from ci.plan.changes import Change

_TAGS = 50
_VALUE = 256
"""https://docs.aws.amazon.com/lambda/latest/dg/configuration-tags.html"""

_FORM = re.compile(r"(?:concurrency:(?P<concurrency>\S+))? ?(?:tags:(?P<tags>\S*))?")
_KEY, _WORD = 2, 5
"""Characters of a digest: of a tag's key, and of it with its value behind that."""


@dataclass(frozen=True)
class Remembered:
    """Empty, and None, where it is not told."""

    concurrency: tuple[str, ...] = ()
    """More than one while it is on its way from the first to the last."""
    tags: frozenset[str] | None = None
    """A digest for each."""

    def __str__(self) -> str:
        concurrency = f"concurrency:{'/'.join(self.concurrency)}" if self.concurrency else ""
        return " ".join(filter(None, (concurrency, "" if self.tags is None else f"tags:{''.join(sorted(self.tags))}")))


def of(tags: Mapping[str, str]) -> Remembered:
    """What the tags of a function tell. What is not in our form tells nothing."""
    found = _FORM.fullmatch(tags.get(marks.TAG, ""))
    concurrency, words = found.groups() if found else (None, None)
    split = None if words is None else frozenset(re.findall(f".{{{_WORD}}}", words))
    return Remembered(tuple(concurrency.split("/")) if concurrency else (), split)


def unfinished(function: Function, live: LiveFunction) -> bool:
    """Whether a release that wrote the concurrency, or was to, broke off before it told so."""
    return function.concurrency is not None and len(of(live.tags).concurrency) > 1


def prepared(function: Function, live: LiveFunction) -> str:
    """What is to be told while a release of ``function`` is under way; empty for nothing."""
    now, known = _shown(live.concurrency), of(live.tags).concurrency
    was = now if not known or now in known or function.concurrency == live.concurrency else known[-1]
    return _told(function, live, was)


def landed(function: Function, live: LiveFunction) -> str:
    """What is to be told once it has landed; empty for nothing."""
    return _told(function, live, _shown(function.concurrency))


def _told(function: Function, live: LiveFunction, was: str) -> str:
    """With ``was`` in front of the concurrency that is wanted. Nothing where there is no room for it."""
    wanted = () if function.concurrency is None else tuple(dict.fromkeys((was, _shown(function.concurrency))))
    own = marks.own(live.tags) if function.tags is None else function.tags
    words = None if function.tags is None else frozenset(_word(*each) for each in function.tags.items())
    told = str(Remembered(wanted, words))
    return told if len(told) <= _VALUE and len(own) + len(function.attachments) < _TAGS else ""


def by_hand(live: LiveFunction, differing: Iterable[Change]) -> Iterator[Change]:
    """Of what is ``differing`` from pipeline.yaml, that which the last release did not leave so.

    Of a tag's former value only a digest is known.
    """
    known = of(live.tags)
    gone = (known.tags or frozenset()) - {_word(*each) for each in live.tags.items()}
    for change in differing:
        key = change.key.removeprefix("tag ")
        if key == change.key:
            if known.concurrency and _shown(live.concurrency) not in known.concurrency:
                yield Change(key, known.concurrency[-1], _shown(live.concurrency))
        elif known.tags is not None:
            was = any(word.startswith(_digest(key, _KEY)) for word in gone)
            if change.before is None:
                if was:
                    yield Change(change.key, verb="removed")
            elif _word(key, change.before) not in known.tags:
                yield Change(change.key, verb="changed" if was else "added")


def _shown(concurrency: int | None) -> str:
    return "none" if concurrency is None else str(concurrency)


def _word(key: str, value: str) -> str:
    return _digest(key, _KEY) + _digest(json.dumps([key, value]), _WORD - _KEY)


def _digest(text: str, length: int) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode()[:length]
