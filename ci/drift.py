"""What was changed behind this tool's back and no plan would show. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from ci.model import Live


def strays(live: Live) -> Iterator[str]:
    """Aliases of the stage that somebody else moved or split. ``live`` must have been read with its aliases.

    What a stage that is promoted runs differs from this checkout until somebody approves: that is no drift.
    """
    for name, function in live.functions.items():
        alias = (function.aliases or {}).get(live.stage.alias) if function else None
        if alias is None:
            continue
        # Another tool may have written its own description, or have left ours as it was.
        if alias.record is None or alias.record.version != alias.version:
            yield f"{name}: alias {alias.name} was pointed to version {alias.version} by hand"
        if alias.weights:
            shares = ", ".join(f"{share:.0%} to version {version}" for version, share in sorted(alias.weights.items()))
            begun = f", in a canary since {alias.canary.at}" if alias.canary else ""
            yield f"{name}: alias {alias.name} sends {shares}{begun}"
