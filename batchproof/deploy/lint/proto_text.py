"""Protobuf text, as nvinferserver's configuration is written: messages become sections that are named by their path."""

from __future__ import annotations

import re
from collections.abc import Iterator

from batchproof.deploy.lint.document import Entry, Section, UnreadableError

_TOKEN = re.compile(
    r"""
    (?P<skip>[\s,;]+|\#[^\n]*)
    |(?P<text>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')
    |(?P<sign>[{}<>:\[\]])
    |(?P<word>[^\s{}<>:\[\],;"'#]+)
    """,
    re.VERBOSE,
)
_CLOSING = {"{": "}", "<": ">"}
_INFERENCE = re.compile(r"^[^\S\n]*infer_config\s*:?\s*[{<]", re.MULTILINE)
# Deeper than any message of nvinferserver; what is deeper is an attack.
_DEEPEST = 32
_END = ("sign", "", 0)


def looks_like_nvinferserver(text: str) -> bool:
    """Tell whether a line opens the message that nvinferserver cannot do without."""
    return _INFERENCE.search(text) is not None


def read_proto_text(text: str) -> tuple[Section, ...]:
    """Read every message as a section, `infer_config.backend.triton`; a repeated one as often as it is there.

    The fields at the top are in the section of the empty name; a field that is a message has an entry without value.
    Raises `UnreadableError` for what is no protobuf text.
    """
    reader = _Reader(text)
    reader.message("", 1, _END[1], 0)
    return tuple(reader.sections)


class _Reader:
    """Reads one word ahead; `sections` grows by every message that is closed."""

    def __init__(self, text: str) -> None:
        self._words = _words(text)
        self.sections: list[Section] = []

    def message(self, name: str, line: int, closing: str, depth: int) -> None:
        """Read the fields of a message up to its closing sign."""
        if depth > _DEEPEST:
            raise UnreadableError("has too many messages in one another", line)
        entries: list[Entry] = []
        while (found := self._next())[:2] != ("sign", closing):
            kind, field, at = found
            if kind != "word":
                raise UnreadableError(_unexpected(field, name), at or line)
            entries += self._values(f"{name}.{field}".lstrip("."), field, at, depth)
        self.sections.append(Section(name, line, tuple(entries)))

    def _values(self, path: str, field: str, line: int, depth: int) -> list[Entry]:
        """Read what stands behind the name of a field: one value, or a list of them."""
        kind, word, at = self._next()
        if (kind, word) == ("sign", ":"):
            kind, word, at = self._next()
        if (kind, word) != ("sign", "["):
            return [self._value(path, field, (kind, word, at or line), depth)]
        entries = []
        while (found := self._next())[:2] != ("sign", "]"):
            entries.append(self._value(path, field, (found[0], found[1], found[2] or line), depth))
        return entries

    def _value(self, path: str, field: str, found: tuple[str, str, int], depth: int) -> Entry:
        kind, word, line = found
        if kind != "sign":
            return Entry(field, word[1:-1] if kind == "text" else word, line)
        if word not in _CLOSING:
            raise UnreadableError(f"{path} has no value", line)
        self.message(path, line, _CLOSING[word], depth + 1)
        return Entry(field, "", line)

    def _next(self) -> tuple[str, str, int]:
        return next(self._words, _END)


def _unexpected(sign: str, message: str) -> str:
    return f"has {sign} where a field is expected" if sign else f"{message} is not closed"


def _words(text: str) -> Iterator[tuple[str, str, int]]:
    """Yield the kind of every word, the word and its line; what stands between words is left out."""
    position, line = 0, 1
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise UnreadableError(f"has {text[position]} where a field is expected", line)
        if match.lastgroup != "skip":
            yield match.lastgroup or "", match[0], line
        position, line = match.end(), line + match[0].count("\n")
