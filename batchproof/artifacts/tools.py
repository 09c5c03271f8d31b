"""Versions of what decides an outcome: installed distributions, and our own source."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from functools import cache
from importlib import metadata
from pathlib import Path

import batchproof


def versions(distributions: Iterable[str]) -> dict[str, str]:
    """Map each distribution to its version, or to "absent": installing a tool later makes the step run again."""
    return {"batchproof": own_version(), **{name: _version(name) for name in distributions}}


@cache
def own_version() -> str:
    """Return our version with a hash of our source, so that an edited pass is never answered from the cache."""
    folder = Path(batchproof.__file__).parent
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.suffix in {".py", ".sh", ".toml"}:
            digest.update(path.relative_to(folder).as_posix().encode())
            digest.update(path.read_bytes())
    return f"{batchproof.__version__}+{digest.hexdigest()[:12]}"


def _version(distribution: str) -> str:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return "absent"
