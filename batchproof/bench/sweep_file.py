"""What was measured of one engine, as a JSON file of the store: for reports, and for whoever compares it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import Field, with_config

from batchproof.artifacts import json_file
from batchproof.bench.clocks import Reading
from batchproof.bench.figures import WRITTEN, BatchFigures, LeftOut
from batchproof.bench.roofline import Roof
from batchproof.bench.work import Work

FORMAT = 1


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
    batches: Annotated[tuple[BatchFigures, ...], Field(min_length=1)]
    left_out: tuple[LeftOut, ...]
    work: Work
    roof: Roof | None
    readings: tuple[Reading, ...]
    format: int = FORMAT

    @property
    def best(self) -> BatchFigures:
        """The batch of the highest throughput."""
        return max(self.batches, key=lambda one: one.images_per_second)


def read(path: Path) -> SweepFile:
    """Read what bench wrote; raises `InputError` where there is no file, `StoreError` for anything else in it."""
    return json_file.read(path, SweepFile, called="a sweep", version=FORMAT, remedy="Run batchproof bench again")
