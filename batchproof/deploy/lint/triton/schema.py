"""A message against the table of fields: all for which the server's parser refuses the file, each with its line."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from batchproof.deploy.lint.finding import quoted
from batchproof.deploy.lint.keys import nearest
from batchproof.deploy.lint.proto_message import Field, Message, Scalar
from batchproof.deploy.lint.triton.fields import ROOT, Fields, FieldType, enums, messages
from batchproof.deploy.lint.triton.scalars import called, is_name_of, wrong_scalar

Kind = Literal["unknown_field", "unknown_value", "wrong_type", "given_twice", "one_of"]


@dataclass(frozen=True)
class Violation:
    """What the parser would refuse, in which line, at which field, and what to write."""

    kind: Kind
    line: int
    key: str
    what: str
    remedy: str


def violations(message: Message, name: str = ROOT) -> Iterator[Violation]:
    """Yield everything in a message, and in those inside it, that `name` does not allow."""
    fields = messages()[name]
    for field in message.fields:
        known = fields.get(field.name)
        if known is None:
            yield _unknown_field(field.name, field.line, name, fields)
        else:
            yield from _value(field, known)
    yield from (_unknown_field(field, line, name, fields) for field, line in message.empty if field not in fields)
    yield from _given_twice(message, fields)
    yield from _one_of(message, fields)


def _unknown_field(field: str, line: int, name: str, fields: Fields) -> Violation:
    meant = nearest(field, fields)
    remedy = f"Write {meant}, which was probably meant" if meant else f"{name} has {', '.join(fields)}"
    return Violation("unknown_field", line, field, f"{name} has no field {quoted(field)}", remedy)


def _value(field: Field, known: FieldType) -> Iterator[Violation]:
    value = field.value
    if isinstance(value, Message) and known.kind in messages():
        yield from violations(value, known.kind)
    elif isinstance(value, Message) or (wanted := _wanted(known, value)):
        wanted = called(known.kind) if isinstance(value, Message) else wanted
        shown = "a message" if isinstance(value, Message) else quoted(value.text)
        what = f"{field.name} is {shown}, and would have to be {wanted}"
        yield Violation("wrong_type", value.line, field.name, what, f"Write {wanted}")
    elif known.kind in enums() and not is_name_of(known.kind, value.text):
        names = dict.fromkeys(enums()[known.kind])
        meant = nearest(value.text, names)
        remedy = f"Write {meant}, which was probably meant" if meant else f"Write one of {', '.join(names)}"
        what = f"{quoted(value.text)} is no {known.kind}"
        yield Violation("unknown_value", value.line, field.name, what, remedy)


def _wanted(known: FieldType, value: Scalar) -> str | None:
    if known.kind in messages() or (known.kind in enums() and value.quoted):
        return called(known.kind)
    return wrong_scalar(known.kind, value)


def _given_twice(message: Message, fields: Fields) -> Iterator[Violation]:
    for name, line in message.empty:
        if name in fields and not fields[name].repeated:
            yield Violation("given_twice", line, name, f"{name} is a list, and has one value", "Write its value")
    seen: set[str] = set()
    for field in message.fields:
        known = fields.get(field.name)
        if known is None or known.repeated:
            continue
        if field.listed:
            what = f"{field.name} is a list, and has one value"
            yield Violation("given_twice", field.line, field.name, what, "Write the value without [ ]")
        elif field.name in seen:
            what = f"{field.name} stands there a second time"
            yield Violation("given_twice", field.line, field.name, what, "Keep one of them")
        seen.add(field.name)


def _one_of(message: Message, fields: Fields) -> Iterator[Violation]:
    chosen: dict[str, str] = {}
    for field in message.fields:
        choice = fields[field.name].choice if field.name in fields else ""
        other = chosen.setdefault(choice, field.name) if choice else field.name
        if other != field.name:
            what = f"{field.name} excludes {other}, which is there too"
            yield Violation("one_of", field.line, field.name, what, f"Keep {field.name} or {other}")
