"""Keys of a checkpoint in messages: a file can call its entries anything, nothing or what a terminal obeys."""

from __future__ import annotations

from collections.abc import Iterable

from batchproof.errors import first_few

_LONGEST = 80


def quoted(key: object) -> str:
    """Write a key as Python does, in quotes and with escapes, and cut it where it is long."""
    text = repr(key)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


def first_quoted(keys: Iterable[object]) -> str:
    """List the first keys, and say how many more there are."""
    return first_few([quoted(key) for key in keys])
