"""A configuration file as all readers give it: sections of keys and values, each with its line."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

Format = Literal["ini", "yaml", "pbtxt"]
Role = Literal["nvinfer", "nvdspreprocess", "deepstream-app", "nvinferserver", "tracker"]


@dataclass(frozen=True)
class Entry:
    """One key with its value as it is written, and its line, counted from 1."""

    key: str
    value: str
    line: int


@dataclass(frozen=True)
class Section:
    """A group of an INI file, a top-level mapping of YAML, or one message of protobuf text, named by its path."""

    name: str
    line: int
    entries: tuple[Entry, ...] = ()

    def entry(self, key: str) -> Entry | None:
        """Return the entry of `key`; of several the last, which is the one that GKeyFile keeps."""
        return next((entry for entry in reversed(self.entries) if entry.key == key), None)

    def text(self, key: str, default: str = "") -> str:
        """Return the value of `key` as it is written."""
        entry = self.entry(key)
        return default if entry is None else entry.value

    def like(self, prefix: str) -> Iterator[Entry]:
        """The entries whose key begins with `prefix`, in the order of the file."""
        return (entry for entry in self.entries if entry.key.startswith(prefix))


@dataclass(frozen=True)
class ConfigFile:
    """One file of a bundle: `path` is relative to the bundle, with `/`."""

    path: str
    format: Format
    role: Role
    sections: tuple[Section, ...]

    def section(self, name: str) -> Section:
        """Return the section of that name; an empty one where there is none."""
        return next((section for section in self.sections if section.name == name), Section(name, 1))

    def like(self, prefix: str) -> list[Section]:
        """The sections that are called `prefix` with a number behind, or without."""
        return [section for section in self.sections if numbered(section.name, prefix)]

    def place(self, section: Section, key: str = "") -> Place:
        """Return where `key` is written; where it is missing, its section."""
        entry = section.entry(key)
        return Place(self.path, section.line if entry is None else entry.line, key)


@dataclass(frozen=True)
class Place:
    """What a finding points at; a line of None is the whole file."""

    path: str
    line: int | None = None
    key: str = ""

    @property
    def text(self) -> str:
        """`configs/pgie.txt:12`."""
        return self.path if self.line is None else f"{self.path}:{self.line}"


class UnreadableError(ValueError):
    """A file that its element cannot read either: in which line, and why."""

    def __init__(self, what: str, line: int) -> None:
        super().__init__(what)
        self.line = line


def numbered(name: str, prefix: str) -> bool:
    """Tell whether `name` is `prefix`, or `prefix` with a number behind."""
    return name.startswith(prefix) and (name == prefix or name[len(prefix) :].lstrip("-").isdigit())
