"""Fills in ``${env:NAME}`` and ``${ssm:/path}``: late, and only for the functions that a verb is about.

Pure but for the reader of parameters that it is given. What a reference expands to is a Secret from here on.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import replace
from typing import Any

from ci import settings
from ci.config import check, environment
from ci.config.template import Template
from ci.errors import AbsentError, ConfigError, Problem
from ci.model import Function, Pipeline, Secret

Reader = Callable[[str], str]
"""SSM path -> value, decrypted. Raises AbsentError where AWS answers that there is no such parameter."""


def expand(
    pipeline: Pipeline, environ: Mapping[str, str], parameter: Reader, only: Collection[str] | None = None
) -> Pipeline:
    """``pipeline`` with the references of its functions filled in; of those in ``only``, where that is given.

    Each parameter is read once. The rest of the pipeline stays as it is, and stays unusable where it holds references.

    Raises ConfigError with every variable and parameter that is missing, or every value that Lambda would not take;
    AwsError where a parameter could not be read.
    """
    values, missing = _values(pipeline, environ, parameter, only)
    problems = [
        Problem(pipeline.file, template.line, f"functions.{function}.{where}", missing[reference])
        for function, where, template in _templates(pipeline, only)
        for reference in template.references()
        if reference in missing
    ]
    if problems:
        raise ConfigError(dict.fromkeys(problems))
    functions = {}
    for name, function in pipeline.functions.items():
        if only is None or name in only:
            function, wrong = _filled(function, pipeline.file, lambda kind, key: values[kind, key])
            problems += wrong
        functions[name] = function
    if problems:
        raise ConfigError(problems)
    return replace(pipeline, functions=functions)


References = dict[tuple[str, str], str]


def _values(
    pipeline: Pipeline, environ: Mapping[str, str], parameter: Reader, only: Collection[str] | None
) -> tuple[References, References]:
    """The value of each reference, and for those without one what is missing."""
    values: References = {}
    missing: References = {}
    for *_, template in _templates(pipeline, only):
        for kind, name in template.references():
            if (kind, name) in values or (kind, name) in missing:
                continue
            if kind == "env":
                if name in environ:
                    values[kind, name] = environ[name]
                else:
                    missing[kind, name] = f"the environment variable {name} is not set"
            else:
                try:
                    values[kind, name] = parameter(name)
                except AbsentError:
                    missing[kind, name] = f"there is no SSM parameter {name}"
    return values, missing


def _templates(pipeline: Pipeline, only: Collection[str] | None) -> Iterator[tuple[str, str, Template]]:
    """Each template, with the name of its function and where in the function it stands."""
    for name, function in pipeline.functions.items():
        if only is None or name in only:
            for member, value in function.settings.items():
                for template in _inside(value):
                    yield name, settings.key_of(member), template
            for variable, secret in function.environment.items():
                for template in _inside(secret):
                    yield name, f"environment.{variable}", template


def _inside(value: Any) -> list[Template]:
    return [leaf for leaf in settings.leaves(value) if isinstance(leaf, Template)]


def _filled(function: Function, file: str, value: Callable[[str, str], str]) -> tuple[Function, list[Problem]]:
    """``function`` without templates, and what Lambda would not take of that."""
    where = f"functions.{function.name}"
    lines = {member: template.line for member, said in function.settings.items() for template in _inside(said)}
    plain = {
        member: _mapped(said, lambda leaf: leaf.fill(value) if isinstance(leaf, Template) else leaf)
        for member, said in function.settings.items()
    }
    problems = [
        Problem(file, lines[member], f"{where}.{settings.key_of(member)}", f"{what}, once ${{...}} is filled in")
        for member in lines
        for what in check.setting(member, _said(plain[member]))
    ]
    if problems:
        return function, problems
    secret = {text.fill(value) for said in function.settings.values() for text in _inside(said) if text.references()}
    complete = settings.complete(plain, function.aws_name)
    for member in lines:
        complete[member] = _mapped(complete[member], lambda leaf: Secret(leaf) if leaf in secret else leaf)
    variables = {
        name: Secret(said.fill(value)) if isinstance(said, Template) else said
        for name, said in function.environment.items()
    }
    if what := environment.size_problem(variables):
        problems.append(Problem(file, function.line, f"{where}.environment", f"{what}, once ${{...}} is filled in"))
    return replace(function, settings=complete, environment=variables), problems


def _said(value: Any) -> Any:
    """``value`` without the fields that only ``settings.complete`` put there: an absent text is an empty one."""
    return {key: each for key, each in value.items() if each != ""} if isinstance(value, dict) else value


def _mapped(value: Any, change: Callable[[Any], Any]) -> Any:
    """``value`` with ``change`` of each of its leaves."""
    if isinstance(value, dict):
        return {key: _mapped(each, change) for key, each in value.items()}
    if isinstance(value, list):
        return [_mapped(each, change) for each in value]
    return change(value)
