"""TOML files that users write: read whole, and every fault named by its key."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TypeVar

from pydantic import TypeAdapter, ValidationError

from batchproof.artifacts.input_file import read_bytes
from batchproof.errors import InputError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib  # type: ignore[import-not-found, unused-ignore]

Content = TypeVar("Content")
parse = tomllib.loads
_LARGEST = 2**20  # bytes; the committed policy has 5000


def read(path: Path, kind: type[Content], *, called: str, like: str) -> Content:
    """Read `path` as `kind`, which pydantic checks; `called` and `like` are what errors call it and compare it with.

    Raises `InputError` that names every key that is unknown, missing, or has an impossible value.
    """
    content = read_bytes(path, largest=_LARGEST, too_large=f"Name a file like {like}")
    try:
        values = tomllib.loads(content.decode())
    except ValueError as error:  # not UTF-8, or not TOML
        raise InputError(f"not a TOML file ({error})", where=path) from error
    try:
        return TypeAdapter(kind).validate_python(values)
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors())
        raise InputError(f"{called} refused: {faults}", where=path, remedy=f"See {like}") from error
