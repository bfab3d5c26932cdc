"""pipeline.yaml -> Pipeline. Reads files and nothing else; the environment is an argument."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ci.config import check, messages, nodes, shape, sites
from ci.config.document import Document
from ci.config.functions import Functions
from ci.config.names import Naming, aws_names
from ci.config.stages import stages
from ci.errors import ConfigError, UsageError
from ci.model import Pipeline


def load(path: Path, environ: Mapping[str, str] | None = None, region: str | None = None) -> Pipeline:
    """The pipeline that the file ``path`` describes.

    ``AWS_REGION`` in ``environ`` goes before its region, ``region`` before both; but not where stages say where they
    are: there, ``region`` is one of theirs.

    Raises UsageError where there is no such file or AWS_REGION is not a region, ConfigError with every problem of the
    file, and of the files it names.
    """
    chosen = region_of({"--region": region}, ("--region",)) if region else None
    document = Document(path)
    pipeline = _pipeline(document, chosen, environ or {})
    if document.problems:
        raise ConfigError(dict.fromkeys(document.problems))
    return pipeline


def region_of(environ: Mapping[str, str], names: Iterable[str] = ("AWS_REGION", "AWS_DEFAULT_REGION")) -> str | None:
    """The region that the environment asks for.

    Raises UsageError where that is not the name of a region; it would become part of a host name.
    """
    for name in names:
        if region := environ.get(name):
            if not re.fullmatch(shape.REGION, region):
                raise UsageError(f"{name} is not the name of a region", "such as eu-west-1")
            return region
    return None


def _pipeline(document: Document, chosen: str | None, environ: Mapping[str, str]) -> Pipeline:
    said = _sound(document)
    entries, defaults = said.get("functions", {}), said.get("defaults", {})
    home = _home(document, said, chosen, environ)
    naming = Naming(said.get("name", "{function}"), said.get("project", ""))
    named = aws_names(document, naming, entries)
    known = stages(document, said.get("stages", {}), home, naming.project, entries, named)
    made = Functions(document, naming, known)
    functions = {name: made.function(name, named[name], defaults, entry) for name, entry in entries.items()}
    for name, stage in known.items():
        if sites.named(said["stages"][name]):
            for what in sites.misplaced(stage, known, functions, home):
                document.problem(what, "stages", name)
    return Pipeline(document.root, naming.project, home, known, functions, document.file)


def _sound(document: Document) -> dict[str, Any]:
    """What the document says, by AWS's names, as far as it is sound; the rest becomes problems."""
    refused = {problem.where for problem in document.problems}  # and has no value since
    said, wrong = check.document(document.node.value)
    for path, what in wrong:
        if what != messages.NO_VALUE or nodes.where(path) not in refused:
            document.problem(what, *path)
    return said


def _home(
    document: Document, said: Mapping[str, Any], chosen: str | None, environ: Mapping[str, str]
) -> str | None:
    """The region of the stages that name none; where some name their own, the others need one."""
    scattered = any(map(sites.named, said.get("stages", {}).values()))
    home: str | None = (not scattered and chosen) or region_of(environ) or said.get("region")
    if not scattered or home:
        return home
    regions = [next(iter(each.get("regions") or [each.get("region")])) for each in said["stages"].values()]
    if not all(regions):
        document.problem("is missing: where stages name their own, the others need one too", "region")
    return str(regions[0]) if regions[0] else None
