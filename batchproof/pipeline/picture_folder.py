"""Which pictures there are, for who does not open them: nothing heavy is needed."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from batchproof.errors import InputError, MissingDependencyError

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp"})

_BUNDLED = ("t1.jpg", "Tom_Hanks_54745.png")


def picture_files(folder: Path | None) -> list[Path]:
    """List every JPEG, PNG, BMP and WebP directly in `folder`, by name; None for those inside the insightface package.

    Raises `InputError` when there is none or the folder cannot be listed.
    """
    return _bundled() if folder is None else _listed(folder)


def _listed(folder: Path) -> list[Path]:
    try:
        paths = sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES and path.is_file())
    except OSError as error:
        raise InputError(f"cannot list this folder ({error.strerror})", where=folder) from error
    if not paths:
        raise InputError("no pictures here", where=folder, remedy=f"Put {', '.join(sorted(SUFFIXES))} files there")
    return paths


def _bundled() -> list[Path]:
    """Where the pictures of the installed insightface package lie; it is located, not imported."""
    spec = find_spec("insightface")
    if spec is None or not spec.submodule_search_locations:
        raise MissingDependencyError.for_extra("insightface", "validate")
    return [Path(spec.submodule_search_locations[0], "data", "images", name) for name in _BUNDLED]
