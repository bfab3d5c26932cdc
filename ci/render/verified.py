"""What a package that was built again differs in from the live one, as text and as data. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from ci.model import File
from ci.render.columns import si, sizes
from ci.render.commit import short
from ci.render.escape import plain

if TYPE_CHECKING:
    from ci.observe.verify import Difference, Verified


def text(found: Iterable[Verified], commit: str) -> str:
    """A line a function, then one for each entry: ``+`` only in what was built, ``-`` only in what runs."""
    return "".join(f"{line}\n" for each in found for line in _lines(each, commit))


def _lines(found: Verified, commit: str) -> Iterator[str]:
    of = found.version.commit
    version = f"version {plain(found.version.version)}{f' of {short(of)}' if of else ''}"
    if not found.differences:
        zips = "the same zip" if _same_zip(found) else "the same content in another zip"
        package = found.package
        yield f"  = {plain(found.function)}: {version} is {zips}: {len(package.files)} files, {si(package.size)}"
        return
    yield f"  ~ {plain(found.function)}: {version} is not what {short(commit)} builds"
    for each in found.differences:
        yield f"      {_entry(each)}"


def _entry(difference: Difference) -> str:
    before, after = difference.deployed, difference.built
    if before is None:
        return f"+ {plain(difference.path)} {si(after.size) if after else ''}"
    if after is None:
        return f"- {plain(difference.path)} {si(before.size)}"
    said = "content"
    if before.size != after.size:
        said = sizes(before.size, after.size)
    elif before.sha256 == after.sha256:
        said = f"mode {before.mode:o} -> {after.mode:o}"
    return f"~ {plain(difference.path)} {said}"


def _same_zip(found: Verified) -> bool:
    return found.version.code_sha256 == found.package.code_sha256


def data(found: Iterable[Verified], commit: str) -> dict[str, Any]:
    """``equal`` is about the content; ``zip`` says whether the zips are the same bytes too."""
    return {
        "commit": commit,
        "functions": {
            each.function: {
                "version": each.version.version,
                "commit": each.version.commit,
                "digest": each.package.digest,
                "equal": not each.differences,
                "zip": _same_zip(each),
                "entries": [
                    {"path": d.path, "deployed": _file(d.deployed), "built": _file(d.built)} for d in each.differences
                ],
            }
            for each in found
        },
    }


def _file(file: File | None) -> dict[str, Any] | None:
    return None if file is None else {"size": file.size, "mode": f"{file.mode:o}", "sha256": file.sha256}
