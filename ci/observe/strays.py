"""What was changed behind this tool's back and no plan would show. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ci import diff, remembered
from ci.errors import Refused
from ci.model import Function
from ci.model.live import Live
from ci.plan import attachments


def of(live: Live, functions: Iterable[Function] = ()) -> Iterator[str]:
    """Aliases of the stage that somebody else moved or split, and what is around those of ``functions``.

    ``live`` must have been read with its aliases, and with what is around them.

    What a stage that is promoted runs differs from this checkout until somebody approves: that is no drift.
    """
    for name, function in live.functions.items():
        alias = function.alias(live.stage.alias) if function else None
        if alias is None:
            continue
        # Another tool may have written its own description, or have left ours as it was.
        if alias.record is None or alias.record.version != alias.version:
            yield f"{name}: alias {alias.name} was pointed to version {alias.version} by hand"
        if alias.weights:
            shares = ", ".join(f"{share:.0%} to version {version}" for version, share in sorted(alias.weights.items()))
            how = "CodeDeploy moves it" if alias.handed else "in a canary"
            begun = f", {how} since {alias.under_way.at}" if alias.under_way else ""
            yield f"{name}: alias {alias.name} sends {shares}{begun}"
        elif alias.handed:
            to = f"to version {alias.handed.version} since {alias.handed.at}"
            yield f"{name}: CodeDeploy has alias {alias.name} {to}: it has not begun, or has taken it back"
    for one in functions:
        try:
            yield from attachments.by_hand(one, live.stage, live.functions[one.name])
        except Refused as error:
            yield error.message


def unversioned(live: Live, functions: Iterable[Function]) -> Iterator[str]:
    """Tags and concurrency that somebody else has set: of a place where every stage is promoted, no plan tells them."""
    for function in functions:
        found = live.functions[function.name]
        for change in remembered.by_hand(found, diff.unversioned(function, found)) if found else ():
            yield f"{function.name}: {change.key} was changed by hand"
