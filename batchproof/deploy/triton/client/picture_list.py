"""Which pictures were named: files, and those directly in folders."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from batchproof.errors import InputError
from batchproof.pipeline.picture_folder import picture_files


def listed(named: Iterable[Path]) -> list[Path]:
    """List every named file, whatever its suffix, and the pictures directly in every named folder, each once.

    Raises `InputError` for what is not there, and for folders without pictures.
    """
    found: dict[Path, None] = {}
    for path in named:
        found.update(dict.fromkeys(picture_files(path) if path.is_dir() else [_present(path)]))
    return list(found)


def _present(path: Path) -> Path:
    if not path.exists():
        raise InputError("is not there", where=path, remedy="Name pictures, or folders with pictures directly in them")
    return path
