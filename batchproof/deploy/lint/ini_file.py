"""INI files in the dialect of GKeyFile, which nvinfer, nvdspreprocess and deepstream-app read."""

from __future__ import annotations

import re

from batchproof.deploy.lint.document import Entry, Section, UnreadableError

# The largest sample of DeepStream has some hundred.
_MOST = 5000
_MARK = "\ufeff"  # of the order of bytes, as some editors put it before UTF-8
_GROUP = re.compile(r"\[([^\[\]]+)\]$")
# No part of it matches the end of a line but the one that is written: a pattern that can, in two ways, takes for ever.
_BLANK = r"[^\S\n]*"
_BEGINNING = re.compile(rf"{_MARK}?(?:{_BLANK}(?:#[^\n]*)?\n)*{_BLANK}\[[^\[\]\n]+\]{_BLANK}(?:\n|\Z)")


def looks_like_ini(text: str) -> bool:
    """Tell whether the first line that is no comment opens a group."""
    return _BEGINNING.match(text) is not None


def read_ini(text: str) -> tuple[Section, ...]:
    """Read groups; those of the same name become one. Nothing but `#` at the beginning of a line is a comment.

    Raises `UnreadableError` for a byte order mark and a line that is no group, no key with a value and no comment, as
    GKeyFile does, and for far more keys than any element has.
    """
    if text.startswith(_MARK):
        raise UnreadableError("begins with a byte order mark", 1)
    groups: dict[str, int] = {}
    entries: dict[str, list[Entry]] = {}
    name, count = None, 0
    for number, line in enumerate(text.split("\n"), start=1):
        stripped = line.strip()
        if not stripped or stripped.startswith("#"):
            continue
        count += 1
        if count > _MOST:
            raise UnreadableError(f"has more than {_MOST} keys", number)
        if group := _GROUP.match(stripped):
            name = group[1]
            groups.setdefault(name, number)
        else:
            entries.setdefault(_of_a_group(name, number), []).append(_entry(stripped, number))
    return tuple(Section(known, line, tuple(entries.get(known, ()))) for known, line in groups.items())


def _of_a_group(name: str | None, number: int) -> str:
    if name is None:
        raise UnreadableError("stands before the first group", number)
    return name


def _entry(line: str, number: int) -> Entry:
    key, equals, value = line.partition("=")
    if not equals or not key.strip():
        raise UnreadableError("is no group, no key=value and no comment", number)
    return Entry(key.rstrip(), value.lstrip(), number)
