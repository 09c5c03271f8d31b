"""Our own JSON files, read back: checked key by key, and refused when another version wrote them."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol, TypeVar

from pydantic import TypeAdapter, ValidationError

from batchproof.artifacts.input_file import read_bytes
from batchproof.errors import StoreError


class Versioned(Protocol):
    """Anything that says in which format it was written."""

    @property
    def format(self) -> int:
        """The number of the format."""
        ...


Content = TypeVar("Content", bound=Versioned)


def to_json(content: Content, adapter: TypeAdapter[Content]) -> bytes:
    """Write `content` as JSON, UTF-8, one key a line."""
    return adapter.dump_json(content, indent=1) + b"\n"


def read(path: Path, adapter: TypeAdapter[Content], *, version: int, largest: int, called: str, remedy: str) -> Content:
    """Read what `to_json` wrote of `called`, "a probe".

    Raises `InputError` where there is no file or more than `largest` bytes, `StoreError` for anything else in it.
    """
    content = read_bytes(path, largest=largest)
    try:
        found = adapter.validate_json(content)
    except ValidationError as error:
        first = error.errors()[0]
        fault = f"{first['msg']} at '{'.'.join(map(str, first['loc']))}'"
        raise StoreError(f"not what this version writes of {called} ({fault})", where=path, remedy=remedy) from error
    if found.format != version:
        raise StoreError(f"has format {found.format}, this version reads {version}", where=path, remedy=remedy)
    return found
