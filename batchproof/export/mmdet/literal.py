"""mmdet's configuration files are Python, which mmengine runs. This reads those of plain data, and their bases."""

from __future__ import annotations

import ast
import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from batchproof.artifacts.input_file import read_bytes
from batchproof.errors import InputError
from batchproof.export.mmdet.plain_data import BASE, REMEDY, assigned_name, check_statements
from batchproof.zoo.pack import ConfigFile

LARGEST_CONFIG = 2**20  # bytes; the published ones have 8000

MOST_FILES = 20  # that build upon each other, each counted as often as it is named

_REMEDY = "Name a configuration of SCRFD"


@dataclass(frozen=True)
class PlainFile:
    """A configuration that was found to be plain data: its path, what it assigns, and the files it builds upon.

    `sha256` is that of the bytes that were read.
    """

    path: Path
    assignments: str
    bases: tuple[PlainFile, ...]
    sha256: str

    @property
    def files(self) -> tuple[ConfigFile, ...]:
        """The file itself, then all that it builds upon, each once."""
        deeper = (file for base in self.bases for file in base.files)
        return tuple(dict.fromkeys((ConfigFile(self.path, self.sha256), *deeper)))


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
        content = _content(path)
        assignments, names = _plain(content, path)
        bases = tuple(self.read(_as_mmengine_finds(path.parent / name)) for name in names)
        return PlainFile(path, assignments, bases, hashlib.sha256(content).hexdigest())


def _content(path: Path) -> bytes:
    if path.suffix != ".py":
        raise InputError("is no .py file", where=path, remedy=_REMEDY)
    try:
        return read_bytes(path, largest=LARGEST_CONFIG, too_large=_REMEDY)
    except ValueError as error:
        raise InputError(f"is a name that no file can have ({error})", where=path, remedy=_REMEDY) from error


def _plain(content: bytes, path: Path) -> tuple[str, list[str]]:
    """Return what the file assigns, and the names of its bases."""
    try:
        tree = ast.parse(_without_templates(content.decode("utf-8-sig"), path))
        check_statements(tree, path)
        own = [s for s in tree.body if isinstance(s, ast.Assign) and assigned_name(s) != BASE]
        # Unparsed once more looked at: what is no template in two adjacent texts is one when they are joined.
        return _without_templates("\n".join(map(ast.unparse, own)), path), _base_names(tree, path)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise InputError(f"is no Python that can be read ({error})", where=path, remedy="Check the file") from error


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
