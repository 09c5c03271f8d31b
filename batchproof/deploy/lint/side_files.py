"""What the other files of a bundle tell: batches that were built for, and what its own scripts will make."""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from batchproof.artifacts.input_file import read_bytes
from batchproof.errors import InputError
from batchproof.profile import Profile

# What batchproof writes beside a graph, and what Triton reads in the folder of a model.
DESCRIPTION, MODEL_CONFIG = ".io.json", "config.pbtxt"
_LARGEST = 2**20  # bytes
_MAX_BATCH = re.compile(r"^[^\S\n]*max_batch_size\s*:\s*(\d{1,6})\b", re.MULTILINE)
_SCRIPTS = {".sh", ".mk", ".job", ".cmake"}
# What a build reads: trtexec's network, and the lines of a job of ours that begin so.
_READ = re.compile(r"--onnx=\S+|^input [^\n]*|onnx-file=\S+", re.MULTILINE)
_BUILD_FILES = {"Makefile", "makefile", "GNUmakefile", "CMakeLists.txt", "Dockerfile"}


def largest_batches(root: Path, files: Iterable[str]) -> dict[str, int]:
    """Return the largest batch that each description and each Triton configuration allows, by its path."""
    found = {path: _batch(path, text_of(root / path)) for path in files if path.endswith((DESCRIPTION, MODEL_CONFIG))}
    return {path: batch for path, batch in found.items() if batch is not None}


def scripts(root: Path, files: Iterable[str]) -> str:
    """Return all that builds something, as one text: a file that is named in it need not be there yet."""
    texts = (text_of(root / path) for path in sorted(files) if _is_script(path))
    return _READ.sub("", "\n".join(texts))


def is_made_by(scripts: str, path: str) -> bool:
    """Tell whether the scripts of a folder name a file, and so presumably make it."""
    name = re.escape(posixpath.basename(path))
    # Whole names: an engine's begins with that of its network.
    return re.search(rf"(?<![\w.-]){name}(?!\w)", scripts) is not None


@dataclass(frozen=True)
class Engine:
    """What a description of ours says of an engine, by the path of the description."""

    path: str
    largest_batch: int
    profiles: int


def described_engine(root: Path, path: str) -> Engine | None:
    """Read a description; None for somebody else's file of that name."""
    profiles = _profiles(text_of(root / path))
    return Engine(path, max(profile.maximum for profile in profiles), len(profiles)) if profiles else None


def _is_script(path: str) -> bool:
    name = posixpath.basename(path)
    return name in _BUILD_FILES or posixpath.splitext(name)[1] in _SCRIPTS


def _batch(path: str, text: str) -> int | None:
    if path.endswith(MODEL_CONFIG):
        found = _MAX_BATCH.search(text)
        return int(found[1]) if found else None
    return max((profile.maximum for profile in _profiles(text)), default=None)


def _profiles(text: str) -> list[Profile]:
    try:
        return [Profile.parse(profile) for profile in json.loads(text)["profiles"]]
    except (ValueError, TypeError, KeyError, AttributeError, InputError, RecursionError):
        return []  # somebody else's file of that name


def text_of(path: Path) -> str:
    """Return the text of a small file; empty when it is large, or cannot be read."""
    try:
        return read_bytes(path, largest=_LARGEST).decode(errors="replace")
    except InputError:
        return ""
