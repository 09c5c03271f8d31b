"""The shared memory of servers: a name for each, and nothing left of those that are gone."""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path

_FOLDER = Path("/dev/shm")  # noqa: S108
_OURS = "batchproof_triton_"


def new_prefix() -> str:
    """Make a prefix for the regions of one server."""
    return f"{_OURS}{os.getpid()}_{secrets.token_hex(4)}_"


def regions(prefix: str = _OURS) -> list[Path]:
    """List the regions whose names begin with `prefix`; those of all our servers by default."""
    return sorted(_FOLDER.glob(f"{prefix}*"))


def remove(prefix: str) -> None:
    """Remove the regions of a server that has ended."""
    for region in regions(prefix):
        region.unlink(missing_ok=True)


def remove_abandoned() -> None:
    """Remove the regions of servers that were killed with their starter: those of ours that no process has mapped."""
    waiting = regions()
    if waiting:
        mapped = _mapped()
        for region in waiting:
            if str(region) not in mapped:
                region.unlink(missing_ok=True)


def _mapped() -> set[str]:
    """Every file that a process of this user has in its memory."""
    found: set[str] = set()
    for maps in Path("/proc").glob("[0-9]*/maps"):
        with contextlib.suppress(OSError):  # it has ended, or is another user's, as its regions are
            found |= {line.split(maxsplit=5)[-1] for line in maps.read_text(errors="replace").splitlines()}
    return found
