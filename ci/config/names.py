"""``name`` of pipeline.yaml: what functions and layers are called in AWS."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from ci import service_model
from ci.config import shape
from ci.config.document import Document


@dataclass(frozen=True)
class Naming:
    """``template`` is such as ``{project}-{function}``."""

    template: str
    project: str

    def of(self, function: str) -> str:
        """The name in AWS of what pipeline.yaml calls ``function``."""
        return self.template.replace("{project}", self.project).replace("{function}", function)


def aws_names(document: Document, naming: Naming, functions: Iterable[str]) -> dict[str, str]:
    """The name of each function in AWS; a problem for each that AWS would not take, or that is another's too."""
    if re.search(r"[{}]", re.sub(r"\{(project|function)\}", "", naming.template)):
        document.problem("may hold {project} and {function}, and no other braces", "name")
        naming = Naming("{function}", naming.project)
    pattern = service_model.shape("FunctionName").pattern or ""
    names: dict[str, str] = {}
    owners: dict[str, str] = {}
    spellings: dict[str, str] = {}
    for function in functions:
        name = naming.of(function)
        at = ("functions", function)
        if len(name) > shape.FUNCTION_NAME_LIMIT:
            document.problem(f"its name in AWS, {name}, is longer than {shape.FUNCTION_NAME_LIMIT} characters", *at)
        elif ":" in name or not re.fullmatch(pattern, name):
            document.problem(f"its name in AWS, {name!r}, may hold letters, digits, - and _ only", *at)
        if (other := owners.setdefault(name, function)) != function:
            document.problem(f"its name in AWS, {name}, is that of {other} too", *at)
        elif (other := spellings.setdefault(function.lower(), function)) != function:
            document.problem(f"differs from {other} in upper and lower case only: some disks cannot hold both", *at)
        names[function] = name
    return names
