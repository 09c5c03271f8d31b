"""Bundles on disk, as far as the applications look at them."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

MODEL = hashlib.sha256(b"an embedder").hexdigest()


def manifest(**changes: Any) -> dict[str, Any]:
    """What the emitter writes, as far as it is read."""
    shapes = {"type": "float32", "minimum": [1, 512], "optimum": [16, 512], "maximum": [32, 512]}
    embedder = {"name": "arcface", "role": "embedder", "onnx_sha256": MODEL, "gie_unique_id": 2}
    heads = [{"name": "genderage", "role": "attributes", "onnx_sha256": "0" * 64, "gie_unique_id": 3}]
    return {
        "kind": "batchproof deepstream bundle",
        "format": 1,
        "streams": 4,
        "detector": {"name": "scrfd", "role": "detector"},
        "on_faces": [*heads, {**embedder, "outputs": {"embedding": shapes}}],
        **changes,
    }


def write_bundle(folder: Path, content: dict[str, Any] | None = None) -> Path:
    """Write a bundle whose configurations and libraries are empty."""
    configs = ("pgie_scrfd.txt", "preprocess_align_arcface.txt", "sgie_arcface.txt", "tracker.yml")
    libraries = ("libbatchproof_scrfd_parser.so", "libbatchproof_align.so")
    files = (*(f"configs/{name}" for name in configs), *(f"build/{name}" for name in libraries))
    for name in files:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    (folder / "manifest.json").write_text(json.dumps(manifest() if content is None else content))
    return folder
