"""Protobuf text as a tree of messages, each field with its line: the syntax alone, without knowing any schema."""

from __future__ import annotations

import re
from dataclasses import dataclass

from batchproof.deploy.lint.document import UnreadableError
from batchproof.deploy.lint.proto_tokens import Token, tokens, unquoted

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_CLOSING = {"{": "}", "<": ">"}
# Deeper than any message of nvinferserver or Triton; what is deeper is an attack.
_DEEPEST = 32


@dataclass(frozen=True)
class Scalar:
    """A value that is no message: without its quotes, where it had any."""

    text: str
    quoted: bool
    line: int


@dataclass(frozen=True)
class Field:
    """One value of a field; a list in brackets is as many of them, each of which says that it was `listed`."""

    name: str
    value: Scalar | Message
    line: int
    listed: bool = False


@dataclass(frozen=True)
class Message:
    """The fields of a message, in the order of the file; `empty` are the names of lists without a value, with lines."""

    fields: tuple[Field, ...]
    line: int
    empty: tuple[tuple[str, int], ...] = ()

    def values(self, name: str) -> list[Scalar | Message]:
        """Return every value of a field."""
        return [field.value for field in self.fields if field.name == name]

    def messages(self, name: str) -> list[Message]:
        """Return every message of a field."""
        return [value for value in self.values(name) if isinstance(value, Message)]

    def message(self, name: str) -> Message | None:
        """Return the message of a field that has one; of several, the last."""
        return next(reversed(self.messages(name)), None)

    def texts(self, name: str) -> list[str]:
        """Return every value of a field as it is written."""
        return [value.text for value in self.values(name) if isinstance(value, Scalar)]

    def text(self, name: str, default: str = "") -> str:
        """Return the value of a field as it is written; of several, the last."""
        return next(reversed(self.texts(name)), default)

    def has(self, name: str) -> bool:
        """Tell whether a field is there at all."""
        return any(field.name == name for field in self.fields)

    def line_of(self, name: str) -> int:
        """Return the line of a field; where it is missing, of the message."""
        return next((field.line for field in reversed(self.fields) if field.name == name), self.line)


def read_message(text: str) -> Message:
    """Read a whole file; raises `UnreadableError` for what is no protobuf text."""
    return _Reader(text).message("", 1, "", 0)


class _Reader:
    """Reads one token ahead."""

    def __init__(self, text: str) -> None:
        self._tokens = tokens(text)
        self._token = next(self._tokens)

    def message(self, name: str, line: int, closing: str, depth: int) -> Message:
        """Read the fields of a message up to its closing sign."""
        if depth > _DEEPEST:
            raise UnreadableError("has too many messages in one another", line)
        fields: list[Field] = []
        empty: list[tuple[str, int]] = []
        while not self._token.is_sign(closing):
            field = self._take()
            if field.kind != "word" or not _NAME.fullmatch(field.text):
                raise UnreadableError(_unexpected(field.text, name), field.line if field.text else line)
            found = self._field(f"{name}.{field.text}".lstrip("."), field, depth)
            fields += found
            empty += [] if found else [(field.text, field.line)]
            if self._token.is_sign(",", ";"):
                self._take()
        self._take()
        return Message(tuple(fields), line, tuple(empty))

    def _field(self, path: str, name: Token, depth: int) -> list[Field]:
        """Read what stands behind the name of a field: one value, or a list of them."""
        colon = self._token.is_sign(":")
        if colon:
            self._take()
        listed = self._token.is_sign("[")
        values = self._list(path, name, depth) if listed else [self._value(path, name, depth)]
        if not colon and not any(isinstance(value, Message) for value in values):
            raise UnreadableError(f"{path} has no : before its value", name.line)
        return [Field(name.text, value, name.line if not listed else value.line, listed) for value in values]

    def _list(self, path: str, name: Token, depth: int) -> list[Scalar | Message]:
        self._take()
        values: list[Scalar | Message] = []
        while not (self._token.is_sign("]") and not values):
            values.append(self._value(path, name, depth))
            if not self._token.is_sign(","):
                break
            self._take()
        if not self._take().is_sign("]"):
            raise UnreadableError(f"the list of {path} is not closed", name.line)
        return values

    def _value(self, path: str, name: Token, depth: int) -> Scalar | Message:
        token = self._take()
        if token.is_sign("{", "<"):
            return self.message(path, token.line, _CLOSING[token.text], depth + 1)
        if token.kind == "sign":
            raise UnreadableError(f"{path} has no value", token.line if token.text else name.line)
        return self._text(token) if token.kind == "text" else Scalar(token.text, False, token.line)

    def _text(self, first: Token) -> Scalar:
        """Read a text, of which several in a row are one."""
        text = unquoted(first)
        while self._token.kind == "text":
            text += unquoted(self._take())
        return Scalar(text, True, first.line)

    def _take(self) -> Token:
        token = self._token
        self._token = next(self._tokens)
        return token


def _unexpected(sign: str, message: str) -> str:
    return f"has {sign} where a field is expected" if sign else f"{message} is not closed"
