"""Standard output, which may be a full disk."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from typing import TextIO, cast

from batchproof.errors import StoreError


class _UnwrittenError(Exception):
    """Standard output refuses; no `OSError`, which rich and typer would take for theirs."""


class _Watched:
    """A stream whose errors can be told from those of other files."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> object:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        with _named():
            return self._stream.write(text)

    def flush(self) -> None:
        with _named():
            self._stream.flush()


@contextmanager
def written_out() -> Iterator[None]:
    """Raise `StoreError` when what the block prints, and flushes as typer and rich do, cannot be written.

    A reader that has seen enough, such as `head`, is no error; the exit code is 1, as other programs have it.
    """
    if sys.stdout is None:  # closed by who started us
        yield
        return
    try:
        with redirect_stdout(cast(TextIO, _Watched(sys.stdout))):
            yield
    except _UnwrittenError as error:
        _forget()
        if isinstance(error.__cause__, BrokenPipeError):
            sys.exit(1)
        raise StoreError(str(error), where="standard output", remedy="Check the free space") from error


@contextmanager
def _named() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise _UnwrittenError(f"cannot be written ({error.strerror})") from error


def _forget() -> None:
    """Let Python's own last attempt end well; it would add its words, and an exit code of its own."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
