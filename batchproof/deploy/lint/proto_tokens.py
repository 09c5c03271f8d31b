"""The words and signs of protobuf's text format, as the server's own parser takes it apart."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from batchproof.deploy.lint.document import UnreadableError

_ESCAPE = r"\\(?:[abfnrtv?\\'\"]|[0-7]{1,3}|x[0-9a-fA-F]{1,2}|u[0-9a-fA-F]{4}|U00(?:0[0-9a-fA-F]|10)[0-9a-fA-F]{4})"
_TOKEN = re.compile(
    rf"""
    (?P<skip>\s+|\#[^\n]*)
    |(?P<text>"(?:[^"\\\n]|{_ESCAPE})*"|'(?:[^'\\\n]|{_ESCAPE})*')
    |(?P<word>-?\s*(?:[A-Za-z_][A-Za-z0-9_]*|\.?[0-9](?:[0-9A-Za-z_.]|(?<=[eE])[+-])*))
    |(?P<sign>[{{}}<>:\[\],;])
    """,
    re.VERBOSE,
)
_ESCAPED = re.compile(rb"\\(?:([0-7]{1,3})|x([0-9a-fA-F]{1,2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|(.))")
_LETTERS = {b"a": b"\a", b"b": b"\b", b"f": b"\f", b"n": b"\n", b"r": b"\r", b"t": b"\t", b"v": b"\v"}


@dataclass(frozen=True)
class Token:
    """One of them: a `text` in quotes, a `word`, or a `sign`, with its line."""

    kind: str
    text: str
    line: int

    def is_sign(self, *signs: str) -> bool:
        """Tell whether it is one of these signs."""
        return self.kind == "sign" and self.text in signs


def unquoted(token: Token) -> str:
    """Read what is between quotes: numbers behind a backslash are bytes, which together must be UTF-8."""
    try:
        return _ESCAPED.sub(_escaped, token.text[1:-1].encode()).decode()
    except UnicodeError as error:
        raise UnreadableError("has a text that is no UTF-8", token.line) from error


def _escaped(found: re.Match[bytes]) -> bytes:
    octal, byte, short, long, letter = found.groups()
    if letter:
        return _LETTERS.get(letter, letter)
    if short or long:
        return chr(int(short or long, 16)).encode()
    return bytes([int(octal, 8) & 255 if octal else int(byte, 16)])


def tokens(text: str) -> Iterator[Token]:
    """Yield every token, and behind the last one the sign of the end, for ever."""
    position, line = 0, 1
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise UnreadableError(f"has {text[position]} where a field is expected", line)
        kind, found = match.lastgroup or "", match[0]
        if kind != "skip":
            yield Token(kind, "".join(found.split()) if kind == "word" else found, line)
        position, line = match.end(), line + found.count("\n")
    while True:
        yield Token("sign", "", 0)
