"""Content hashes and cache keys."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from batchproof.artifacts import onnx_file
from batchproof.artifacts.input_file import opened

_CHUNK = 1 << 20


def content_sha256(path: Path) -> str:
    """Hash a file's content; an ONNX file's external data is part of its content.

    Without the second half two exports that differ only in their weights would share a hash.
    """
    digest = _file_digest(path)
    if path.suffix.lower() == ".onnx":
        for external in onnx_file.external_files(path):
            digest.update(external.name.encode())
            digest.update(_file_digest(external).digest())
    return digest.hexdigest()


def key_of(parts: Mapping[str, Any]) -> str:
    """Hash a JSON-like mapping, independent of the order of its keys."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _file_digest(path: Path) -> hashlib._Hash:
    digest = hashlib.sha256()
    with opened(path) as stream:
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
    return digest
