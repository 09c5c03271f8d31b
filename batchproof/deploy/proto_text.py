"""Protobuf text from plain values, as nvinferserver and Triton read it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

Field: TypeAlias = "str | int | float | bool | Name | Row | Explained | Mapping[str, Field] | Sequence[Field]"


class Name(str):
    """A value of an enumeration, which has no quotes."""

    __slots__ = ()


@dataclass(frozen=True)
class Row:
    """Scalars of a repeated field that stand in one line: `dims: [ 3, 112, 112 ]`."""

    values: Sequence[str | int | float]


@dataclass(frozen=True)
class Explained:
    """A field with a comment above it."""

    why: str
    value: Field


def proto_text(head: str, message: Mapping[str, Field]) -> str:
    """Write a message below a comment; fields stand in the order of the mapping, lists as repeated fields."""
    comment = "".join(f"# {line}\n" for line in head.splitlines())
    return comment + "".join(f"{line}\n" for line in _fields(message))


def _fields(message: Mapping[str, Field]) -> list[str]:
    return [line for name, value in message.items() for line in _field(name, value)]


def _field(name: str, value: Field) -> list[str]:
    if isinstance(value, Explained):
        return [*(f"# {line}" for line in value.why.splitlines()), *_field(name, value.value)]
    if isinstance(value, Row):
        return [f"{name}: [ {', '.join(map(_scalar, value.values))} ]"]
    if isinstance(value, Mapping):
        return [f"{name} {{", *(f"  {line}" for line in _fields(value)), "}"]
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [line for element in value for line in _field(name, element)]
    return [f"{name}: {_scalar(value)}"]


def _scalar(value: str | float | bool | Name) -> str:
    if isinstance(value, Name):
        return value
    if isinstance(value, float):
        return f"{value:.15g}"
    # JSON writes strings, numbers and truth as protobuf text has them.
    return json.dumps(value)
