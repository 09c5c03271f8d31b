"""The known keys: `keys.toml`, read once and checked entry by entry."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Literal, TypeVar

from pydantic import ConfigDict, TypeAdapter, with_config

from batchproof.artifacts import toml_file
from batchproof.deploy.lint.document import ConfigFile, Role
from batchproof.deploy.lint.version import Version, read_version

KEYS = Path(__file__).with_name("keys.toml")
Known = TypeVar("Known")
Kind = Literal["integer", "number", "boolean", "text", "path", "integers", "numbers", "texts", "name", "message"]


@with_config(ConfigDict(extra="forbid"))
@dataclass(frozen=True)
class Key:
    """What is known of one key; the head of `keys.toml` says what the fields mean."""

    type: Kind
    count: int | None = None
    least: float | None = None
    most: float | None = None
    values: tuple[int, ...] = ()
    names: tuple[str, ...] = ()
    since: str | None = None
    legacy: str | None = None
    idle: str | None = None
    why: str = ""
    refused: str | None = None
    mandatory: bool = False
    yaml: bool = True
    ini: bool = True

    @property
    def first_release(self) -> Version | None:
        """The first release that knows it, where that is known."""
        return read_version(self.since) if self.since else None

    @property
    def idle_from(self) -> Version | None:
        """The first release on which it has no effect."""
        return read_version(self.idle) if self.idle else None


SectionKeys = Mapping[str, Key]


@cache
def all_keys() -> Mapping[str, Mapping[str, SectionKeys]]:
    """Every key by element and section."""
    content = toml_file.parse(KEYS.read_text(encoding="utf-8"))
    return TypeAdapter(dict[str, dict[str, dict[str, Key]]]).validate_python(content)


def keys_of(role: Role, section: str) -> SectionKeys | None:
    """Return the keys of a section; None when the element has no such section."""
    known = all_keys().get(role, {})
    return known.get(section) or _starred(known, section)


def key_of(keys: SectionKeys, name: str) -> Key | None:
    """Return what is known of a key."""
    return keys.get(name) or _starred(keys, name)


def nearest(name: str, known: Mapping[str, object]) -> str | None:
    """Return the known name that was most likely meant."""
    found = get_close_matches(name, [candidate for candidate in known if "*" not in candidate], 1, cutoff=0.75)
    return found[0] if found else None


def section_names(config: ConfigFile) -> Mapping[str, SectionKeys]:
    """Return the sections that the element of a file knows."""
    return all_keys().get(config.role, {})


def _starred(known: Mapping[str, Known], name: str) -> Known | None:
    """Find the pattern that a name fits: `group-*` stands for `group-0`, the longest prefix counting."""
    fitting = [pattern for pattern in known if pattern.endswith("*") and name.startswith(pattern[:-1])]
    return known[max(fitting, key=len)] if fitting else None
