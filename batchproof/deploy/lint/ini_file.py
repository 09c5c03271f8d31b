"""INI files in the dialect of GKeyFile, which nvinfer, nvdspreprocess and deepstream-app read."""

from __future__ import annotations

import re

from batchproof.deploy.lint.document import Entry, Section, UnreadableError, merged

_GROUP = re.compile(r"\[([^\[\]]+)\]$")
_BEGINNING = re.compile(r"(?:\s*(?:#[^\n]*)?\n)*\s*\[[^\[\]\n]+\]\s*(?:\n|$)")


def looks_like_ini(text: str) -> bool:
    """Tell whether the first line that is no comment opens a group."""
    return _BEGINNING.match(text) is not None


def read_ini(text: str) -> tuple[Section, ...]:
    """Read groups; those of the same name become one. Nothing but `#` at the beginning of a line is a comment.

    Raises `UnreadableError` for a line that is no group, no key with a value and no comment, as GKeyFile does.
    """
    sections: list[Section] = []
    for number, line in enumerate(text.split("\n"), start=1):
        stripped = line.strip()
        if not stripped or stripped.startswith("#"):
            continue
        if group := _GROUP.match(stripped):
            sections.append(Section(group[1], number))
        else:
            _append(sections, _entry(stripped, number))
    return merged(sections)


def _entry(line: str, number: int) -> Entry:
    key, equals, value = line.partition("=")
    if not equals or not key.strip():
        raise UnreadableError("is no group, no key=value and no comment", number)
    return Entry(key.rstrip(), value.lstrip(), number)


def _append(sections: list[Section], entry: Entry) -> None:
    if not sections:
        raise UnreadableError("stands before the first group", entry.line)
    last = sections[-1]
    sections[-1] = Section(last.name, last.line, (*last.entries, entry))
