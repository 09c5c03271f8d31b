"""Input files: read to their end or refused, whoever made them. A pipe never ends, nor does a device."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from batchproof.errors import InputError

_CHECK_PATH = "Check the path and its permissions"


@contextmanager
def opened(path: Path, *, largest: int | None = None, too_large: str = _CHECK_PATH) -> Iterator[BinaryIO]:
    """Open the regular file at `path`, of at most `largest` bytes; links are followed.

    Raises `InputError` before anything is read when it is a pipe, a device or a folder, or larger, then with
    `too_large` for a remedy; also when it is missing or refuses, and for an `OSError` of the block, which reads it.
    """
    try:
        _require_regular(path)
        with path.open("rb") as stream:
            _require_size(path, os.fstat(stream.fileno()).st_size, largest, too_large)
            yield stream
    except OSError as error:
        what = f"cannot be read ({error.strerror or error})"
        raise InputError(what, where=path, remedy=_CHECK_PATH) from error


def read_bytes(path: Path, *, largest: int | None = None, too_large: str = _CHECK_PATH) -> bytes:
    """Read all of a file; raises what `opened` raises."""
    with opened(path, largest=largest, too_large=too_large) as stream:
        return stream.read()


def _require_regular(path: Path) -> None:
    mode = path.stat().st_mode
    if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):  # a folder says itself what it is, when it is opened
        raise InputError("cannot be read (not a regular file)", where=path, remedy="Name a file on a disk")


def _require_size(path: Path, size: int, largest: int | None, too_large: str) -> None:
    if largest is not None and size > largest:
        raise InputError(f"{size} bytes are too large, {largest} are allowed", where=path, remedy=too_large)
