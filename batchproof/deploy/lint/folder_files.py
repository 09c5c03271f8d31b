"""The files of a folder that is linted."""

from __future__ import annotations

import os
from pathlib import Path

from batchproof.errors import InputError

# A bundle has some dozens.
_MOST_FILES = 10_000


def files_below(root: Path) -> frozenset[str]:
    """Return every file below the folder, with `/`; links that lead out of it are none of its files.

    Raises `InputError` when it is no folder, or has far too many files or folders.
    """
    if not root.is_dir():
        raise InputError("is no folder", where=root, remedy="Name the folder of a bundle, or a model repository")
    top, count, found = root.resolve(), 0, set()
    for folder, folders, names in os.walk(root):
        count += len(names)
        if max(count, len(folders)) > _MOST_FILES:
            raise InputError(f"has more than {_MOST_FILES} files", where=root, remedy="Name the bundle alone")
        for path in (Path(folder, name) for name in names):
            if path.is_file() and path.resolve().is_relative_to(top):
                found.add(path.relative_to(root).as_posix())
    return frozenset(found)
