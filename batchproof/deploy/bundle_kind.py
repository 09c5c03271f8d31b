"""What tells a bundle of ours from any other folder, and what its own commands make in it."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from batchproof.artifacts.input_file import read_bytes
from batchproof.errors import InputError

MANIFEST = "manifest.json"
_LARGEST = 2**24  # bytes; a manifest has some ten thousand


@dataclass(frozen=True)
class BundleKind:
    """One kind of bundle: `name` is what its manifest calls itself by.

    `built` are the folders whose other files are made of the bundle by its own commands, and kept when it is replaced.
    `renewed` are patterns of files that these commands put there again, so that no copy outlives what it is a copy of.
    """

    name: str
    built: tuple[str, ...]
    renewed: tuple[str, ...] = ()

    def made(self, name: str) -> bool:
        """Tell whether a file that the manifest does not list is one that the bundle's own commands make."""
        return any(name.startswith(f"{folder}/") for folder in self.built) or any(
            fnmatchcase(name, pattern) for pattern in self.renewed
        )

    def listed_files(self, folder: Path) -> dict[str, str]:
        """Return the files of a bundle with their hashes; raises `InputError` where `folder` is none of this kind."""
        try:
            content = TypeAdapter(dict[str, Any]).validate_json(read_bytes(folder / MANIFEST, largest=_LARGEST))
            if content.get("kind") == self.name:
                return TypeAdapter(dict[str, str]).validate_python(content.get("files"))
        except (InputError, ValidationError):
            pass
        remedy = "Choose a folder that is not there yet"
        raise InputError("is there, and is no bundle of ours", where=folder, remedy=remedy)
