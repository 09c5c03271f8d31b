"""Names of models and stores, made from those of the user's files."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from batchproof.errors import InputError
from batchproof.zoo.pack import DEMO, PUBLISHED_PACKS


def own_name(path: Path) -> str:
    """Name a model after its file."""
    return _safe(path.stem) or "model"


def distinct_names(files: Sequence[Path]) -> list[str]:
    """Name models after their files: by stem, by stem and suffix where stems meet, and never twice the same."""
    stems = Counter(_safe(path.stem) for path in files)
    names = [_safe(path.stem if stems[_safe(path.stem)] == 1 else path.name) for path in files]
    for index, name in enumerate(names):
        if not name or name in names[:index]:
            what = "has a name that" + (f" becomes '{name}', like another's" if name else " leaves nothing")
            remedy = "Rename it with ASCII letters, digits, '.', '_' and '-'"
            raise InputError(what, where=files[index], remedy=remedy)
    return names


def store_name(folder: Path) -> str:
    """Name a store after its folder, but never after a pack: it would take the place of that pack's store."""
    name = _safe(folder.resolve().name) or "models"
    if name in {DEMO.name, *PUBLISHED_PACKS}:
        raise InputError(f"'{name}' is the name of a pack", where=folder, remedy="Name the store with --pack NAME")
    return name


def _safe(name: str) -> str:
    """Keep what may stand in a file name, a config and a shell line."""
    return re.sub(r"[^\w.-]+", "_", name, flags=re.ASCII).lstrip(".-")
