"""What the SDK itself knows of AWS's APIs: members, types, limits, enumerations, patterns. Read, never retyped.

The data is botocore's ``service-2`` file. It is read without importing botocore, which would cost more
than everything else that a configuration needs.
"""

from __future__ import annotations

import functools
import gzip
import importlib.util
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic_core import from_json

from ci.errors import DollopError

_LAMBDA = "lambda"


@dataclass(frozen=True)
class Shape:
    """One type of the API. ``min`` and ``max`` bound a number's value, a string's or a list's length."""

    name: str
    type: str
    min: float | None = None
    max: float | None = None
    enum: tuple[str, ...] = ()
    pattern: str | None = None
    """A regular expression for the whole string."""
    required: frozenset[str] = frozenset()
    members: Mapping[str, str] | None = None
    """Of a structure: member -> name of its shape."""
    member: str | None = None
    """Of a list: the shape of its items."""
    key: str | None = None
    value: str | None = None
    """Of a map: the shapes of its keys and values."""

    @property
    def scalar(self) -> bool:
        """Whether a value of it is a single string, number or boolean."""
        return self.type not in ("structure", "list", "map")


@functools.cache
def shape(name: str, service: str = _LAMBDA) -> Shape:
    """The shape called ``name``.

    Raises KeyError where the SDK that is installed has no such shape.
    """
    raw = _model(service)["shapes"][name]
    return Shape(
        name=name,
        type=raw["type"],
        min=raw.get("min"),
        max=raw.get("max"),
        enum=tuple(raw.get("enum", ())),
        pattern=_ascii(raw["pattern"]) if "pattern" in raw else None,
        required=frozenset(raw.get("required", ())),
        members={key: ref["shape"] for key, ref in raw["members"].items()} if "members" in raw else None,
        member=raw["member"]["shape"] if "member" in raw else None,
        key=raw["key"]["shape"] if "key" in raw else None,
        value=raw["value"]["shape"] if "value" in raw else None,
    )


_ESCAPES = re.compile(r"(?P<class>\[(?:[^]\\]|\\.)*])|\\(?P<escaped>.)")


def _ascii(pattern: str) -> str:
    """``pattern`` with the digits that Java means, those of ASCII; Python's and pydantic's ``\\d`` has hundreds more.

    https://docs.oracle.com/en/java/javase/21/docs/api/java.base/java/util/regex/Pattern.html#predef
    """
    return _ESCAPES.sub(lambda found: "[0-9]" if found["escaped"] == "d" else found[0], pattern)


def request(operation: str) -> Shape:
    """The structure that ``operation`` (``CreateFunction``, ``UpdateFunctionConfiguration``) of Lambda takes."""
    return shape(_model(_LAMBDA)["operations"][operation]["input"]["shape"])


def members(operation: str) -> dict[str, Shape]:
    """What ``operation`` takes, in the model's order."""
    return {member: shape(name) for member, name in (request(operation).members or {}).items()}


def documentation(operation: str, member: str) -> str:
    """What AWS says of ``member`` of ``operation``, in HTML."""
    shapes: dict[str, Any] = _model(_LAMBDA)["shapes"]
    request = shapes[_model(_LAMBDA)["operations"][operation]["input"]["shape"]]
    return str(request["members"][member].get("documentation", ""))


@functools.cache
def python_runtimes() -> tuple[str, ...]:
    """Every Python runtime that the SDK knows, deprecated ones too, newest first."""
    versions = (re.fullmatch(r"python(\d+)\.(\d+)", runtime) for runtime in shape("Runtime").enum)
    numbers = sorted(((int(found[1]), int(found[2])) for found in versions if found), reverse=True)
    return tuple(f"python{major}.{minor}" for major, minor in numbers)


@functools.cache
def _model(service: str) -> dict[str, Any]:
    found = sorted(file for folder in _sdk() for file in folder.glob(f"data/{service}/*/service-2.json*"))
    if not found:
        raise DollopError(f"botocore's description of {service} is not installed", "install boto3 beside this program")
    newest = found[-1].read_bytes()
    model: dict[str, Any] = from_json(gzip.decompress(newest) if found[-1].suffix == ".gz" else newest)
    return model


@functools.cache
def _sdk() -> list[Path]:
    package = importlib.util.find_spec("botocore")
    return [Path(folder) for folder in (package and package.submodule_search_locations) or ()]
