"""YAML files: their nodes with their lines. No object is made of them, so there is nothing to make too many of."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from batchproof.deploy.lint.document import Entry, Section, UnreadableError

# Our reader takes a second for so much of it; a configuration has a few thousand letters.
_LARGEST = 2**17
# The directive in OpenCV's spelling, which YAML does not allow and the elements accept.
_DIRECTIVE = re.compile(r"\A((?:#[^\n]*\n|[^\S\n]*\n)*)%YAML:[^\n]*")
_MAPPING = re.compile(r"^[A-Za-z][\w-]*:(?:\s|$)", re.MULTILINE)


def looks_like_yaml(text: str) -> bool:
    """Tell whether there is a mapping whose keys begin a line."""
    return len(text) <= _LARGEST and _MAPPING.search(text) is not None


def read_yaml(text: str) -> tuple[Section, ...]:
    """Read the mappings of the first document; a list becomes its items with `;` between them.

    What lies deeper is not looked at. Aliases are nodes that are met twice; nothing is copied for them. Raises
    `UnreadableError` for what is no YAML, or whose top is no mapping.
    """
    import yaml

    try:
        root = yaml.compose(_DIRECTIVE.sub(r"\1", text, count=1), Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise UnreadableError(f"is no YAML ({error.problem})", line) from error
    except (yaml.YAMLError, RecursionError) as error:
        raise UnreadableError("is no YAML", 1) from error
    if not isinstance(root, yaml.MappingNode):
        raise UnreadableError("is no mapping of sections", 1)
    return tuple(_sections(root))


def _sections(root: Any) -> Iterator[Section]:
    for key, value in root.value:
        if _is(value, "mapping"):
            entries = [_entry(inner, node) for inner, node in value.value]
            yield Section(_text(key), key.start_mark.line + 1, tuple(entries))


def _entry(key: Any, value: Any) -> Entry:
    written = ";".join(map(_text, value.value)) if _is(value, "sequence") else _text(value)
    return Entry(_text(key), written, key.start_mark.line + 1)


def _is(node: Any, kind: str) -> bool:
    return bool(node.id == kind)


def _text(node: Any) -> str:
    return str(node.value) if _is(node, "scalar") else ""
