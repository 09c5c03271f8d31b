"""What tells a bundle of ours from any other folder, and what its own commands make in it."""

from __future__ import annotations

from dataclasses import dataclass
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

    `built` are the folders whose other files are made of the bundle by its own commands.
    """

    name: str
    built: tuple[str, ...]

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
