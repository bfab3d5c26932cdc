"""CloudFormation's YAML: its short forms, and what of it is a function of CloudFormation's."""

from __future__ import annotations

from typing import Any

import yaml


class _Loader(yaml.SafeLoader):
    """Reads CloudFormation's short forms as their long ones: ``!Ref X`` is ``{Ref: X}``."""


def _intrinsic(loader: _Loader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    if isinstance(node, yaml.ScalarNode):
        value: Any = loader.construct_scalar(node)
        value = value.split(".", 1) if suffix == "GetAtt" else value
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)  # type: ignore[arg-type]
    return {suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}": value}


_Loader.add_multi_constructor("!", _intrinsic)


def load(text: str) -> Any:
    """The template in ``text``, every short form in its long one. Raises yaml.YAMLError."""
    return yaml.load(text, _Loader)


def is_intrinsic(value: Any) -> bool:
    """``{Ref: X}``, ``{Fn::GetAtt: [X, Arn]}``."""
    return isinstance(value, dict) and len(value) == 1 and next(iter(value)).startswith(("Ref", "Fn::"))
