"""Configuration files as groups of keys, written in the two dialects that nvinfer reads: INI and YAML.

INI is GLib's key file: `#` begins a comment only at the start of a line, so a comment stands above its key.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

Value = int | float | str


@dataclass(frozen=True)
class Key:
    """One key; `why` becomes the comment above it. A list is its elements joined by `;`, in either dialect."""

    name: str
    value: Value
    why: str = ""

    @property
    def text(self) -> str:
        """The value as it is written: numbers with a point, whatever the locale."""
        return f"{self.value:.15g}" if isinstance(self.value, float) else str(self.value)


@dataclass(frozen=True)
class Group:
    """One group: `[name]` in INI, a mapping in YAML."""

    name: str
    keys: tuple[Key, ...]


def key_list(values: Sequence[Value]) -> str:
    """Join a list as both dialects have it."""
    return ";".join(Key("", value).text for value in values)


def ini(head: str, groups: Sequence[Group]) -> str:
    """Write groups as INI below a comment; raises `ValueError` for a value that would end its line."""
    return _written(head, ([f"[{group.name}]", *_lines(group, "=", "")] for group in groups))


def yaml(head: str, groups: Sequence[Group]) -> str:
    """Write groups as YAML below a comment; raises `ValueError` for a value that would end its line."""
    return _written(head, ([f"{group.name}:", *_lines(group, ": ", "  ")] for group in groups))


def _written(head: str, groups: Iterator[list[str]]) -> str:
    comment = "".join(f"# {line}\n" for line in head.splitlines())
    return comment + "".join("\n" + "".join(f"{line}\n" for line in lines) for lines in groups)


def _lines(group: Group, between: str, indent: str) -> Iterator[str]:
    for key in group.keys:
        if not key.text.isprintable():
            raise ValueError(f"{key.name} of [{group.name}] would be more than one line: {key.text!r}")
        if key.why:
            yield f"{indent}# {key.why}"
        yield f"{indent}{key.name}{between}{key.text}"
