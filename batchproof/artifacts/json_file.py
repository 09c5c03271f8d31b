"""JSON files that stages leave in a store beside the manifest: read whole, or refused with the first fault."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from batchproof.artifacts.input_file import read_bytes
from batchproof.errors import StoreError

Content = TypeVar("Content")
_LARGEST = 2**26  # bytes; a probe of nine outputs in batches of 4096 has six million


def write(content: object) -> bytes:
    """Write a dataclass as JSON, UTF-8."""
    return TypeAdapter(type(content)).dump_json(content, indent=1) + b"\n"


def read(path: Path, kind: type[Content], *, called: str, version: int, remedy: str) -> Content:
    """Read `path` as `kind`, whose `format` is `version`; errors speak of `called` and advise `remedy`.

    Raises `InputError` where there is no file, `StoreError` for another format and for anything that is not `kind`.
    """
    content = read_bytes(path, largest=_LARGEST)
    try:
        found = TypeAdapter(dict[str, Any]).validate_json(content).get("format", version)
        if found != version:  # another one may have any other keys
            raise StoreError(f"has format {found}, this version reads {version}", where=path, remedy=remedy)
        return TypeAdapter(kind).validate_json(content)
    except ValidationError as error:
        first = error.errors()[0]
        fault = f"{first['msg']} at '{'.'.join(map(str, first['loc']))}'"
        raise StoreError(f"not what this version writes of {called} ({fault})", where=path, remedy=remedy) from error
