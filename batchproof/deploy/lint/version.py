"""Which release of DeepStream a bundle is for."""

from __future__ import annotations

import json
import re
from pathlib import Path

from batchproof.artifacts.input_file import read_bytes
from batchproof.errors import InputError
from batchproof.targets import target

Version = tuple[int, int]
MANIFEST = "manifest.json"
_FAMILY = "deepstream"
_NAME = re.compile(r"deepstream-(\d{1,3}\.\d{1,3})")
_LARGEST = 2**22  # bytes


def read_version(text: str) -> Version:
    """Read `9.0`."""
    major, minor = text.split(".")
    return int(major), int(minor)


def shown(version: Version) -> str:
    """Write `9.0`."""
    return ".".join(map(str, version))


def version_of_target(name: str) -> Version:
    """Return the release that a target is about; raises `InputError` for one that is none of DeepStream."""
    known = target(name)
    if known.family != _FAMILY:
        raise InputError(f"target '{name}' is no DeepStream", remedy="Name one like deepstream-8.0")
    return read_version(known.name.removeprefix(f"{_FAMILY}-"))


def version_of_manifest(root: Path) -> Version | None:
    """Return the release that the bundle's own manifest names as its `target`; None where nothing does."""
    path = root / MANIFEST
    if not path.is_file() or path.is_symlink():
        return None
    try:
        content = json.loads(read_bytes(path, largest=_LARGEST))
    except (InputError, ValueError, RecursionError):
        return None
    named = content.get("target") if isinstance(content, dict) else None
    found = _NAME.fullmatch(named) if isinstance(named, str) else None
    return read_version(found[1]) if found else None
