"""mmdet's configuration files are Python, which mmengine runs. This reads those of plain data, and their bases."""

from __future__ import annotations

import ast
import os
from dataclasses import dataclass
from pathlib import Path

from batchproof.errors import InputError
from batchproof.export.mmdet.plain_data import BASE, REMEDY, assigned_name, check_statements

LARGEST_CONFIG = 2**20  # bytes; the published ones have 8000

MOST_FILES = 20  # that build upon each other, each counted as often as it is named


@dataclass(frozen=True)
class PlainFile:
    """A configuration that was found to be plain data: its path, what it assigns, and the files it builds upon."""

    path: Path
    assignments: str
    bases: tuple[PlainFile, ...]


def read_plain(path: Path) -> PlainFile:
    """Read the configuration at `path` and all that it builds upon, every one once, and find it to be plain data.

    `assignments` are the file's own as Python of one meaning with it, without comments and without `_base_`. Raises
    `InputError` at the first line that is more, for bases that are no Python files or are built upon themselves, and
    for files that cannot be read.
    """
    return _Reader().read(_as_mmengine_finds(path))


class _Reader:
    """Counts the files, so that they end."""

    def __init__(self) -> None:
        self._left = MOST_FILES

    def read(self, path: Path) -> PlainFile:
        if not self._left:
            what = f"is one of more than {MOST_FILES} files that build upon each other, or upon themselves"
            raise InputError(what, where=path, remedy="Write the configuration out as one file")
        self._left -= 1
        assignments, names = _plain(path)
        return PlainFile(path, assignments, tuple(self.read(_as_mmengine_finds(path.parent / name)) for name in names))


def _plain(path: Path) -> tuple[str, list[str]]:
    """Return what the file assigns, and the names of its bases."""
    try:
        tree = ast.parse(_without_templates(_text(path), path))
        check_statements(tree, path)
        own = [s for s in tree.body if isinstance(s, ast.Assign) and assigned_name(s) != BASE]
        # Unparsed once more looked at: what is no template in two adjacent texts is one when they are joined.
        return _without_templates("\n".join(map(ast.unparse, own)), path), _base_names(tree, path)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise InputError(f"is no Python that can be read ({error})", where=path, remedy="Check the file") from error


def _text(path: Path) -> str:
    try:
        if path.suffix != ".py" or path.stat().st_size > LARGEST_CONFIG or not path.is_file():
            raise InputError("no .py file of at most 1 MiB", where=path, remedy="Name a configuration of SCRFD")
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror})", where=path, remedy="Check the path") from error


def _without_templates(text: str, path: Path) -> str:
    if "{{" in text:  # what mmengine would replace, by text from elsewhere, before it runs the file
        raise InputError("refused: it has a template '{{...}}'", where=path, remedy=REMEDY)
    return text


def _as_mmengine_finds(path: Path) -> Path:
    """Take '..' away by its letters, as mmengine does, so that both find the same base, symlinks or not."""
    return Path(os.path.abspath(path))  # noqa: PTH100  (pathlib follows symlinks)


def _base_names(tree: ast.Module, path: Path) -> list[str]:
    values = [s.value for s in tree.body if isinstance(s, ast.Assign) and assigned_name(s) == BASE]
    if not values:
        return []
    try:
        names = ast.literal_eval(values[0])
    except (TypeError, ValueError):
        names = None
    names = [names] if isinstance(names, str) else names
    if len(values) > 1 or not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise InputError(f"its {BASE} is no text and no list of texts", where=path, remedy="Name files beside it")
    if foreign := [name for name in names if "::" in name or "://" in name]:
        raise InputError(f"builds upon '{foreign[0]}', which is no file", where=path, remedy="Name files beside it")
    return names
