"""The exceptions that a user can meet. Each renders one line: where, what, and what to do."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path


def printable(name: str) -> str:
    """Return a file name that can be printed and stored: bytes that are no UTF-8 are written as escapes."""
    try:
        return os.fsencode(name).decode("utf-8", errors="backslashreplace")
    except UnicodeEncodeError:  # a lone half of a pair, which no file name has, but a name inside a file may
        return name.encode("utf-8", errors="backslashreplace").decode("utf-8")


def first_few(names: Sequence[str], shown: int = 3) -> str:
    """List the first names, and say how many more there are: a message is one line, whatever is wrong with a file."""
    more = f" and {len(names) - shown} more" if len(names) > shown else ""
    return ", ".join(names[:shown]) + more


class BatchproofError(Exception):
    """Anything that ends a command with exit code 2 and one line instead of a traceback."""

    def __init__(self, what: str, *, where: str | Path | None = None, remedy: str | None = None) -> None:
        self.what = what
        self.where = where
        self.remedy = remedy
        super().__init__(self.line())

    def line(self) -> str:
        """Render `where: what. What to do.` without line breaks, and without what a terminal would obey."""
        parts = [f"{self.where}: {self.what}" if self.where is not None else self.what]
        if self.remedy:
            parts.append(self.remedy)
        line = " ".join(" ".join(part.rstrip(".") + "." for part in parts).split())
        return "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in printable(line))


class InputError(BatchproofError):
    """A file, option or pack that the user named cannot be used as it is."""


class StoreError(BatchproofError):
    """The artifact store cannot be read or written (permissions, disk space, foreign or damaged manifest)."""


class MissingDependencyError(BatchproofError):
    """An optional package that this command needs is not installed."""

    @classmethod
    def for_extra(cls, package: str, extra: str) -> MissingDependencyError:
        """Name the package and the extra of batchproof that brings it."""
        return cls(
            f"{package} is not installed", remedy=f"Install it with: python -m pip install 'batchproof[{extra}]'"
        )


class StepFailedError(BatchproofError):
    """One model cannot run, or not go through one stage; a run records the reason and goes on with the others."""


class StepNotRunError(BatchproofError):
    """A step cannot run on this machine (a tool is absent); recorded as `not_run`, tried again next time."""
