"""What is read of Lambda's service model is what botocore itself would say."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest
from botocore.loaders import Loader
from botocore.model import ServiceModel

from ci import service_model


@pytest.fixture(scope="module")
def botocore_says() -> ServiceModel:
    return ServiceModel(Loader().load_service_model("lambda", "service-2"), "lambda")


@pytest.mark.parametrize("operation", ["CreateFunction", "UpdateFunctionConfiguration", "PutFunctionConcurrency"])
def test_members(operation: str, botocore_says: ServiceModel) -> None:
    """An operation's members, in order, each with the type, limits and enumeration that botocore knows."""
    expected = {
        name: (shape.type_name, shape.metadata.get("min"), shape.metadata.get("max"), shape.metadata.get("enum", []))
        for name, shape in botocore_says.operation_model(operation).input_shape.members.items()
    }
    actual = {
        name: (shape.type, shape.min, shape.max, list(shape.enum))
        for name, shape in service_model.members(operation).items()
    }
    assert list(expected) == list(actual)
    assert expected == actual


def test_every_shape(botocore_says: ServiceModel) -> None:
    """Structures, lists and maps name their parts; required members and patterns are kept."""
    for name in botocore_says.shape_names:
        expected, actual = botocore_says.shape_for(name), service_model.shape(name)
        assert expected.type_name == actual.type
        assert set(expected.required_members if expected.type_name == "structure" else []) == actual.required
        patterns = expected.metadata.get("pattern"), actual.pattern
        assert 1 == len({pattern and pattern.replace(r"\d", "[0-9]") for pattern in patterns})
        if actual.type == "structure":
            assert {key: member.name for key, member in expected.members.items()} == actual.members
        elif actual.type == "list":
            assert expected.member.name == actual.member
        elif actual.type == "map":
            assert (expected.key.name, expected.value.name) == (actual.key, actual.value)
        assert actual.scalar == (actual.type not in ("structure", "list", "map"))


@pytest.mark.parametrize("account, matches", [("123456789012", True), ("١٢٣٤٥٦٧٨٩٠١٢", False)])
def test_digits_are_those_of_ascii(account: str, matches: bool) -> None:
    """As in Java, where the patterns come from."""
    pattern = service_model.shape("RoleArn").pattern
    assert pattern
    assert matches == bool(re.fullmatch(pattern, f"arn:aws:iam::{account}:role/lambda"))


def test_python_runtimes() -> None:
    """Python's alone, newest first by number (3.10 after 3.9), and those that AWS has deprecated too."""
    runtimes = service_model.python_runtimes()
    numbers = [tuple(map(int, runtime.removeprefix("python").split("."))) for runtime in runtimes]
    assert sorted(numbers, reverse=True) == numbers
    assert {"python2.7", "python3.6", "python3.9", "python3.10", "python3.13"} <= set(runtimes)


def test_documentation() -> None:
    """AWS's own words for a member."""
    assert "execution role" in service_model.documentation("CreateFunction", "Role")


def test_nothing_heavy_is_imported() -> None:
    """Neither boto3 nor botocore is imported: that alone would cost more than the whole configuration."""
    program = "import sys; from ci import service_model; service_model.python_runtimes(); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert {"botocore", "boto3"}.isdisjoint(done.stdout.split())
