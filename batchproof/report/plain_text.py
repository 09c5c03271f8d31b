"""Text that came from a file, made fit for one line of anything: no line breaks, no codes that a reader would obey."""

from __future__ import annotations

from batchproof.errors import printable


def plain_text(text: str) -> str:
    """Return `text` with what cannot be printed as escapes: control codes, line breaks, lone surrogates."""
    return "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in printable(text))
