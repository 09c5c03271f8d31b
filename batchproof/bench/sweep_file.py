"""What was measured of one engine, as a JSON file of the store: for reports, and for whoever compares it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter, with_config

from batchproof.artifacts import json_file
from batchproof.bench.clocks import Reading
from batchproof.bench.figures import WRITTEN, BatchFigures, LeftOut
from batchproof.bench.roofline import Roof
from batchproof.bench.work import Work

FORMAT = 1
_LARGEST = 2**22  # bytes; a batch has half a kilobyte


@with_config(WRITTEN)
@dataclass(frozen=True)
class SweepFile:
    """One engine, batch by batch, ascending.

    `runner` is what executed, `threads` what it was given (None: ONNX Runtime's own choice), `height` and `width` the
    size of the images in pixels. `roof` is None for what does not compute on the processor.
    """

    model: str
    subject: str
    backend: str
    runner: str
    on_cpu: bool
    height: int
    width: int
    threads: int | None
    batches: tuple[BatchFigures, ...]
    left_out: tuple[LeftOut, ...]
    work: Work
    roof: Roof | None
    readings: tuple[Reading, ...]
    format: int = FORMAT

    @property
    def best(self) -> BatchFigures:
        """The batch of the highest throughput."""
        return max(self.batches, key=lambda one: one.images_per_second)


_ADAPTER = TypeAdapter(SweepFile)


def to_json(measured: SweepFile) -> bytes:
    """Write it as JSON, UTF-8."""
    return json_file.to_json(measured, _ADAPTER)


def read(path: Path) -> SweepFile:
    """Read what `to_json` wrote; raises `InputError` where there is no file, `StoreError` for anything else in it."""
    remedy = "Run batchproof bench again"
    return json_file.read(path, _ADAPTER, version=FORMAT, largest=_LARGEST, called="a sweep of batches", remedy=remedy)
