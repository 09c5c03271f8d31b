"""What the probe of one artifact measured, as a JSON file of the store: for reports, and for whoever plots it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter, with_config

from batchproof.artifacts import json_file
from batchproof.validate.findings import ProbeResult
from batchproof.validate.heat_map import WRITTEN
from batchproof.zoo.spec import Precision

FORMAT = 1
_LARGEST = 2**26  # bytes; a model with nine outputs and batches of 4096 has six million


@with_config(WRITTEN)
@dataclass(frozen=True)
class ProbeFile:
    """All scenes of one artifact, on all runners, in the order in which they were probed."""

    subject: str
    results: tuple[ProbeResult, ...]
    format: int = FORMAT


_ADAPTER = TypeAdapter(ProbeFile)


def store_path(model: str, precision: Precision) -> str:
    """Where it lies in a store."""
    return f"validate/{model}.{precision}.probe.json"


def to_json(probed: ProbeFile) -> bytes:
    """Write it as JSON, UTF-8; infinity is the string "Infinity"."""
    return json_file.to_json(probed, _ADAPTER)


def read(path: Path) -> ProbeFile:
    """Read what `to_json` wrote; raises `InputError` where there is no file, `StoreError` for anything else in it."""
    remedy = "Run the validate stage again"
    return json_file.read(path, _ADAPTER, version=FORMAT, largest=_LARGEST, called="a probe", remedy=remedy)
