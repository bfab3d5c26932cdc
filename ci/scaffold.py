"""The first files of a project and of a function, as texts: nothing is read or written here.

pipeline.yaml gets a new function as text, so that comments and layout stay.
"""

from __future__ import annotations

import keyword
import re
import sys
import textwrap
from typing import Any

import yaml

from ci.config.shape import FUNCTION_NAME_LIMIT, NAME
from ci.errors import UsageError
from ci.service_model import python_runtimes

IGNORED = (".dollop/", "dist/", "__pycache__/")
"""What .gitignore of a project has."""
EXAMPLE = "hello"
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def project(name: str) -> str:
    """pipeline.yaml of a project with the one function EXAMPLE."""
    own = f"python{sys.version_info.major}.{sys.version_info.minor}"  # handlers are tried where it is the runtime
    known = python_runtimes()
    return _text(f"""\
        project: {name}
        # region: eu-west-1                     # or AWS_REGION in the environment
        name: "{{project}}-{{function}}"            # the name in AWS

        stages:
          test: {{alias: test}}                   # built and deployed
          prod: {{alias: prod, from: test}}       # promoted, never built

        defaults:
          runtime: {own if own in known else known[0]}
          memory: 128                           # MB
          timeout: 5                            # seconds
          role: "arn:aws:iam::123456789012:role/lambda"   # what the functions may do: put your own role here

        functions:
          {EXAMPLE}:
            handler: {EXAMPLE}.handle
            smoke: {{event: {{}}, expect: {{statusCode: 200}}}}
    """)


def function(name: str) -> dict[str, str]:
    """The files of a new function, by their paths in the repository. Raises UsageError for a name that cannot be."""
    module = _module(name)
    return {
        f"functions/{name}/{module}.py": _text(f'''\
            """{name}: says what it is for."""


            def handle(event, context):
                """An answer as API Gateway and function URLs take it."""
                return {{"statusCode": 200, "body": "{name}"}}
        '''),
        f"tests/functions/test_{module}.py": _text(f'''\
            """functions/{name}, called as its callers call it."""

            from {module} import handle


            def test_answers():
                """Every caller gets an answer."""
                assert {{"statusCode": 200, "body": "{name}"}} == handle({{}}, None)
        '''),
    }


def conftest() -> tuple[str, str]:
    """Path and text of what lets the tests of functions import them."""
    return "tests/functions/conftest.py", _text('''\
        """Functions import here what they import in Lambda: their own folder's content, and what lies beside it."""

        import sys
        from pathlib import Path

        FUNCTIONS = Path(__file__).parents[2] / "functions"

        sys.path[:0] = [str(folder) for folder in (FUNCTIONS, *sorted(FUNCTIONS.iterdir())) if folder.is_dir()]
    ''')


def with_function(text: str, name: str) -> str:
    """pipeline.yaml with one more function, behind the others. Raises UsageError when it is there, or cannot be added.

    ``text`` must be a pipeline.yaml that was loaded before.
    """
    document = yaml.compose(text, Loader=_LOADER)
    assert isinstance(document, yaml.MappingNode)
    key, functions = next((key, value) for key, value in document.value if key.value == "functions")
    entry = (f"{name}:", f"  handler: {_module(name)}.handle")
    if isinstance(functions, yaml.ScalarNode) or not functions.value:  # null or {}: a block begins in its place
        text = text[: functions.start_mark.index].rstrip() + text[functions.end_mark.index:]
        return _inserted(text, key.end_mark.line, [f"  {line}" for line in entry])
    first = functions.value[0][0].start_mark
    if any(each.value == name for each, _ in functions.value):
        raise UsageError(f"pipeline.yaml has a function {name} already", "give the new one another name")
    if functions.flow_style:
        raise UsageError(
            "functions of pipeline.yaml is not a block with a line for each: nothing was written",
            f"write it so, or add {{handler: {_module(name)}.handle}} as {name} yourself",
        )
    last = _last_line(functions)
    spaced = [] if last == first.line else [""]
    return _inserted(text, last, [*spaced, *(" " * first.column + line for line in entry)])


def _inserted(text: str, line: int, added: list[str]) -> str:
    """``text`` with more lines behind ``line``."""
    lines = text.splitlines(keepends=True)
    before, after = "".join(lines[: line + 1]), lines[line + 1:]
    return "".join([before, "" if before.endswith("\n") else "\n", *(f"{each}\n" for each in added), *after])


def _last_line(node: yaml.Node) -> int:
    """The line on which the content of a block ends, without what is blank or a comment behind it."""
    if isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
        last = node.value[-1]
        return _last_line(last[1] if isinstance(last, tuple) else last)
    end = node.end_mark
    return int(end.line if end.column else end.line - 1)


def _module(name: str) -> str:
    """The file that is named after a function."""
    module = name.replace("-", "_")
    if not re.fullmatch(NAME, name) or len(name) > FUNCTION_NAME_LIMIT:
        raise UsageError(f"{name!r} is not the name of a function", "use letters, digits, - and _")
    if not module.isidentifier() or keyword.iskeyword(module) or module in sys.stdlib_module_names:
        what = f"{name!r}: Python cannot import a file called {module}.py, or has one itself"
        raise UsageError(what, "choose another name")
    return module


def _text(indented: str) -> str:
    return textwrap.dedent(indented)
