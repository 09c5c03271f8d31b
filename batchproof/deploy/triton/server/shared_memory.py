"""The shared memory of servers: a name for each, and nothing left of those that are gone."""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path

_FOLDER = Path("/dev/shm")  # noqa: S108
OURS = "batchproof_triton_"
"""How the names of all our regions begin; the number of the process that has started the server comes next."""


def new_prefix() -> str:
    """Make a prefix for the regions of one server."""
    return f"{OURS}{os.getpid()}_{secrets.token_hex(4)}_"


def regions(prefix: str = OURS) -> list[Path]:
    """List the regions whose names begin with `prefix`; those of all our servers by default."""
    return sorted(_FOLDER.glob(f"{prefix}*"))


def remove(prefix: str) -> None:
    """Remove the regions of a server that has ended."""
    for region in regions(prefix):
        region.unlink(missing_ok=True)


def remove_abandoned() -> None:
    """Remove the regions of servers whose starter was killed, but for those that still live without it."""
    orphans = [region for region in regions() if not _starter(region).exists()]
    if orphans:
        mapped = _mapped()
        for region in orphans:
            if str(region) not in mapped:
                region.unlink(missing_ok=True)


def _starter(region: Path) -> Path:
    """The process that the name of a region names, as Linux shows it; a living one removes its regions itself."""
    return Path("/proc", region.name.removeprefix(OURS).partition("_")[0])


def _mapped() -> set[str]:
    """Every file that a process of this user has in its memory."""
    found: set[str] = set()
    for maps in Path("/proc").glob("[0-9]*/maps"):
        with contextlib.suppress(OSError):  # it has ended, or is another user's, as its regions are
            found |= {line.split(maxsplit=5)[-1] for line in maps.read_text(errors="replace").splitlines()}
    return found
