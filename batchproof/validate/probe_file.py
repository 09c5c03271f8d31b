"""What the probe of one artifact measured, as a JSON file of the store: for reports, and for whoever plots it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pydantic import with_config

from batchproof.artifacts import json_file
from batchproof.validate.findings import ProbeResult
from batchproof.validate.heat_map import WRITTEN
from batchproof.zoo.spec import Precision

FORMAT = 1


@with_config(WRITTEN)
@dataclass(frozen=True)
class ProbeFile:
    """All scenes of one artifact, on all runners, in the order in which they were probed."""

    subject: str
    results: tuple[ProbeResult, ...]
    format: int = FORMAT


def store_path(model: str, precision: Precision) -> str:
    """Where it lies in a store."""
    return f"validate/{model}.{precision}.probe.json"


def read(path: Path) -> ProbeFile:
    """Read what the probe wrote; raises `InputError` where there is no file, `StoreError` for anything else in it."""
    return json_file.read(path, ProbeFile, called="a probe", version=FORMAT, remedy="Run the validate stage again")
