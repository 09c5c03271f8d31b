"""Protobuf text, as nvinferserver's configuration is written: messages become sections that are named by their path."""

from __future__ import annotations

import re
from collections.abc import Iterator

from batchproof.deploy.lint.document import Entry, Section
from batchproof.deploy.lint.proto_message import Field, Message, Scalar, read_message

_INFERENCE = re.compile(r"^[^\S\n]*infer_config\s*:?\s*[{<]", re.MULTILINE)


def looks_like_nvinferserver(text: str) -> bool:
    """Tell whether a line opens the message that nvinferserver cannot do without."""
    return _INFERENCE.search(text) is not None


def read_proto_text(text: str) -> tuple[Section, ...]:
    """Read every message as a section, `infer_config.backend.triton`; a repeated one as often as it is there.

    The fields at the top are in the section of the empty name; a field that is a message has an entry without value.
    Raises `UnreadableError` for what is no protobuf text.
    """
    return tuple(_sections("", read_message(text)))


def _sections(name: str, message: Message) -> Iterator[Section]:
    """Yield what is inside first."""
    for field in message.fields:
        if isinstance(field.value, Message):
            yield from _sections(f"{name}.{field.name}".lstrip("."), field.value)
    yield Section(name, message.line, tuple(map(_entry, message.fields)))


def _entry(field: Field) -> Entry:
    value = field.value
    return Entry(field.name, value.text if isinstance(value, Scalar) else "", value.line)
