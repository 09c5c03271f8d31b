"""The known fields of a config.pbtxt: `fields.toml`, read once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from batchproof.artifacts import toml_file

FIELDS = Path(__file__).with_name("fields.toml")
ROOT = "ModelConfig"
_ENUMS = "enums"


@dataclass(frozen=True)
class FieldType:
    """What a field holds: a scalar type, a message or an enumeration, by its name in the table."""

    kind: str
    repeated: bool
    choice: str
    """The oneof that it is a part of; empty for none."""

    @classmethod
    def read(cls, text: str) -> FieldType:
        """Read `ModelInput[]`, or `bool|state_data`."""
        kind, _, choice = text.partition("|")
        return cls(kind.removesuffix("[]"), kind.endswith("[]"), choice)

    @property
    def is_map(self) -> bool:
        """Whether its messages are key and value of a map."""
        return self.repeated and self.kind.endswith("Entry")


Fields = Mapping[str, FieldType]


@cache
def messages() -> Mapping[str, Fields]:
    """Every message, with its fields."""
    tables = {name: table for name, table in _tables().items() if name != _ENUMS}
    return {name: {field: FieldType.read(text) for field, text in table.items()} for name, table in tables.items()}


@cache
def enums() -> Mapping[str, tuple[str, ...]]:
    """Every enumeration, with its names."""
    return {name: tuple(values) for name, values in _tables()[_ENUMS].items()}


@cache
def _tables() -> Mapping[str, Mapping[str, str]]:
    tables: Mapping[str, Mapping[str, str]] = toml_file.parse(FIELDS.read_text(encoding="utf-8"))
    return tables
