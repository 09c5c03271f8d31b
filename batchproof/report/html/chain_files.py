"""The files that the chains of a store have left."""

from __future__ import annotations

from collections.abc import Iterator

from batchproof.artifacts.manifest import Manifest
from batchproof.report.html.store_files import StoreFiles
from batchproof.report.stage_rows import chain_records
from batchproof.validate.chain.chain_file import ChainFile, read


def chain_files(manifest: Manifest, files: StoreFiles) -> Iterator[ChainFile]:
    """Read those that are there; raises `StoreError` when one is not what a chain writes."""
    paths = (made.path for record in chain_records(manifest) for made in record.artifacts)
    return (read(files.root / path) for path in paths if files.has(path))
