"""What a benchmark has left in the store about a graph, for whoever batches it."""

from __future__ import annotations

from pathlib import Path

from batchproof.artifacts import layout
from batchproof.artifacts.hashing import content_sha256
from batchproof.artifacts.manifest import Manifest
from batchproof.bench import sweep_file
from batchproof.bench.sweep_file import SweepFile
from batchproof.errors import StoreError


def stored_sweep(root: Path, manifest: Manifest, subject: str, backend: str) -> SweepFile | None:
    """Read what was measured of `subject` on `backend`; None where nothing was.

    Raises `InputError` where the file is gone, and `StoreError` where it is not the one that was measured.
    """
    path = layout.benchmark(subject, backend)
    artifact = manifest.artifact(path)
    if artifact is None:
        return None
    sweep = sweep_file.read(root / path)
    if content_sha256(root / path) != artifact.sha256:
        what = "is not the file that the manifest names"
        raise StoreError(what, where=root / path, remedy="Run batchproof bench again")
    return sweep
