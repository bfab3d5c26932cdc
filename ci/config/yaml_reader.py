"""YAML text -> plain values that remember their lines. Safe, and bounded in time and memory by the text's length.

The text becomes dict, list, str, int, float, bool and None, and nothing else. What YAML lets one write
but two readers would read differently (``1:30`` is 90, ``010`` is 8, a date) is refused with the way out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import yaml

from ci.config.nodes import KeyPath, Node, Text, where
from ci.config.template import holds
from ci.errors import ConfigError, Problem

NODE_LIMIT = 100_000
"""Values in the document, each counted as often as an alias repeats it."""
DEPTH_LIMIT = 40

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_TAG = "tag:yaml.org,2002:"
_NUMBER = re.compile(r"[-+]?(0|[1-9][0-9]{0,17})(\.[0-9]+)?([eE][-+]?[0-9]{1,2})?")
_REFUSED = {
    "int": "is a number that YAML readers differ on: quote it, or write it as a plain decimal",
    "float": "is a number that YAML readers differ on: quote it, or write it as a plain decimal",
    "timestamp": "is a date to YAML: quote it",
}


def parse(text: str, file: str) -> tuple[Node, list[Problem]]:
    """The document in ``text`` and what is wrong with single values of it.

    Raises ConfigError where it is not one YAML document, holds more than NODE_LIMIT values, or is too deep.
    """
    reader = _Reader(text, file)
    try:
        return reader.document(), reader.problems
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        raise reader.refusal(mark.line + 1 if mark else 1, f"is not YAML: {_plain(error, text)}") from None
    except yaml.reader.ReaderError as error:
        code = error.character if isinstance(error.character, int) else ord(error.character)
        line = text.count("\n", 0, text.find(chr(code))) + 1
        raise reader.refusal(line, f"is not YAML: it holds the control character U+{code:04X}") from None


_PLAIN = {
    "mapping values are not allowed": "no colon can be here: quote a text with one, or look at the line above",
    "tab character": "a tab: indent with spaces",
    "expected key": "no key starts here: look at the indentation, and at quotes",
    "expected node content": "no value starts here: look at brackets and commas",
    "sequence entries are not allowed": "a list of lines that start with - begins on a line of its own",
}
"""What the parser says, in words that need no grammar of YAML."""


def _plain(error: yaml.MarkedYAMLError, text: str) -> str:
    said, mark = str(error.problem), error.problem_mark
    if "cannot start any token" in said and mark:
        character = text.splitlines()[mark.line][mark.column:][:1]
        said = _PLAIN["tab character"] if character == "\t" else f"a text that starts with {character} must be quoted"
    return next((plain for known, plain in _PLAIN.items() if known in said), said) + _start(error)


def _start(error: yaml.MarkedYAMLError) -> str:
    """Where the thing starts that ``error`` is in, unless that is plain."""
    start, end = error.context_mark, error.problem_mark
    return f" (in what starts on line {start.line + 1})" if start and end and start.line != end.line else ""


class _Reader:
    def __init__(self, text: str, file: str) -> None:
        self.file = file
        self.problems: list[Problem] = []
        self.anchors: dict[str, Node] = {}
        self.resolver: Any = yaml.resolver.Resolver()
        self.events: Iterator[Any] = yaml.parse(text, Loader=_Loader)

    def refusal(self, line: int, what: str) -> ConfigError:
        """The end of the reading: ``what`` makes the rest meaningless."""
        return ConfigError([*self.problems, Problem(self.file, line, "", what)])

    def problem(self, line: int, path: KeyPath, what: str) -> None:
        self.problems.append(Problem(self.file, line, where(path), what))

    def document(self) -> Node:
        next(self.events)  # the start of the stream
        start = next(self.events)
        if isinstance(start, yaml.StreamEndEvent):
            raise self.refusal(1, "is empty")
        root = self.node(next(self.events), (), 1)
        next(self.events)  # the end of the document
        after = next(self.events)
        if not isinstance(after, yaml.StreamEndEvent):
            raise self.refusal(after.start_mark.line + 1, "holds a second YAML document")
        return root

    def node(self, event: Any, path: KeyPath, depth: int) -> Node:
        """The node that starts with ``event``; ``depth`` is how deep it lies."""
        line = event.start_mark.line + 1
        if isinstance(event, yaml.AliasEvent):
            return self.alias(event.anchor, line, depth)
        node = Node(None, line, complete=False)
        if event.anchor:
            self.anchors[event.anchor] = node
        if isinstance(event, yaml.ScalarEvent):
            node.value = self.scalar(event, path)
        elif isinstance(event, yaml.SequenceStartEvent):
            self.tag(event, "seq", path)
            self.sequence(node, path, depth)
        else:
            self.tag(event, "map", path)
            self.mapping(node, path, depth)
        node.complete = True
        return node

    def alias(self, anchor: str | None, line: int, depth: int) -> Node:
        node = self.anchors.get(anchor or "")
        if node is None:  # its name is not shown: it may be a password that starts with an asterisk
            raise self.refusal(line, "is not YAML: * refers to nothing; a text that starts with * must be quoted")
        if not node.complete:
            raise self.refusal(line, "is not YAML: an alias inside of what it refers to")
        self.bound(depth + node.height, line)
        return node

    def bound(self, depth: int, line: int) -> None:
        if depth > DEPTH_LIMIT:
            raise self.refusal(line, f"is nested more than {DEPTH_LIMIT} deep")

    def grow(self, node: Node, key: str | int, line: int, child: Node) -> None:
        node.children[key] = (line, child)
        node.size += child.size
        node.height = max(node.height, child.height + 1)
        if node.size > NODE_LIMIT:
            raise self.refusal(line, f"holds more than {NODE_LIMIT} values, aliases followed")

    def sequence(self, node: Node, path: KeyPath, depth: int) -> None:
        self.bound(depth + 1, node.line)
        node.value = []
        while not isinstance(event := next(self.events), yaml.SequenceEndEvent):
            index = len(node.value)
            child = self.node(event, (*path, index), depth + 1)
            self.grow(node, index, event.start_mark.line + 1, child)
            node.value.append(child.value)

    def mapping(self, node: Node, path: KeyPath, depth: int) -> None:
        self.bound(depth + 1, node.line)
        node.value = {}
        merged: list[Node] = []
        while not isinstance(event := next(self.events), yaml.MappingEndEvent):
            line = event.start_mark.line + 1
            merge = isinstance(event, yaml.ScalarEvent) and event.implicit[0] and event.value == "<<"
            key = "<<" if merge else self.node(event, path, depth + 1).value
            child = self.node(next(self.events), (*path, key if isinstance(key, str) else "?"), depth + 1)
            if merge:
                merged += self.merge(child, line, path)
            elif not isinstance(key, str):
                self.problem(line, path, "a key must be a string: quote it")
            elif key in node.value:
                first = node.children[key][0]
                self.problem(line, (*path, key), f"is here twice, first on line {first}")
            else:
                self.grow(node, key, line, child)
                node.value[key] = child.value
        for other in merged:
            for name, (line, child) in other.children.items():
                if name not in node.value:
                    self.grow(node, name, line, child)
                    node.value[name] = child.value

    def merge(self, node: Node, line: int, path: KeyPath) -> list[Node]:
        """The mappings that ``<<: node`` names. https://yaml.org/type/merge.html"""
        nodes = [child for _, child in node.children.values()] if isinstance(node.value, list) else [node]
        if all(isinstance(each.value, dict) for each in nodes):
            return nodes
        self.problem(line, path, "<< must name a mapping, or a list of mappings")
        return []

    def tag(self, event: Any, kind: str, path: KeyPath) -> None:
        if event.tag not in (None, "!", _TAG + kind):
            self.problem(event.start_mark.line + 1, path, "has a tag (!...): only plain YAML is read")

    def scalar(self, event: Any, path: KeyPath) -> Any:
        line, value = event.start_mark.line + 1, event.value
        tag = event.tag if event.tag not in (None, "!") else None
        if tag is None:
            tag = self.resolver.resolve(yaml.ScalarNode, value, event.implicit) if event.implicit[0] else _TAG + "str"
        kind = tag.removeprefix(_TAG)
        if kind == "str":
            return Text(value, line) if holds(value) else value
        if kind == "null":
            return None
        if kind == "bool":
            return value.lower() in ("yes", "true", "on")
        if kind in ("int", "float") and (number := _NUMBER.fullmatch(value)):
            return float(value) if number[2] or number[3] else int(value)
        self.problem(line, path, _REFUSED.get(kind, "has a tag (!...): only plain YAML is read"))
        return None
