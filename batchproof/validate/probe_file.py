"""What the probe of one artifact measured, as a JSON file of the store: for reports, and for whoever plots it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter, ValidationError, with_config

from batchproof.artifacts.input_file import read_bytes
from batchproof.errors import StoreError
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
    return _ADAPTER.dump_json(probed, indent=1) + b"\n"


def read(path: Path) -> ProbeFile:
    """Read what `to_json` wrote; raises `InputError` where there is no file, `StoreError` for anything else in it."""
    content = read_bytes(path, largest=_LARGEST)
    remedy = "Run the validate stage again"
    try:
        probed = _ADAPTER.validate_json(content)
    except ValidationError as error:
        first = error.errors()[0]
        fault = f"{first['msg']} at '{'.'.join(map(str, first['loc']))}'"
        raise StoreError(f"not what this version writes of a probe ({fault})", where=path, remedy=remedy) from error
    if probed.format != FORMAT:
        raise StoreError(f"has format {probed.format}, this version reads {FORMAT}", where=path, remedy=remedy)
    return probed
