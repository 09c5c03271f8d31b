"""What is measured of one engine at one batch: latencies, throughput, and where it stands below the roof."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
from pydantic import ConfigDict, Field, with_config

from batchproof.bench.turns import Samples
from batchproof.profile import LARGEST_BATCH

WRITTEN = ConfigDict(extra="forbid", ser_json_inf_nan="strings")
PERCENTILES = (50, 95, 99)
Limit = Literal["compute", "memory"]
# What can have been measured: reports divide by it, and take its logarithm.
Positive = Annotated[float, Field(ge=1e-12, le=1e18)]
Count = Annotated[int, Field(ge=0, le=10**18)]
Batch = Annotated[int, Field(ge=1, le=LARGEST_BATCH)]


@with_config(WRITTEN)
@dataclass(frozen=True)
class Latency:
    """Milliseconds a batch: percentiles of `repetitions` runs, interpolated linearly between them.

    `processor_ms` is the least processor time of all threads of this process: other work on the machine adds little.
    """

    p50_ms: Positive
    p95_ms: Positive
    p99_ms: Positive
    processor_ms: float
    repetitions: int

    @classmethod
    def of(cls, samples: Samples) -> Latency:
        """Sum up the seconds of at least one run."""
        p50, p95, p99 = (float(value) * 1e3 for value in np.percentile(samples.clock, PERCENTILES))
        return cls(p50, p95, p99, min(samples.processor) * 1e3, len(samples.clock))


@with_config(WRITTEN)
@dataclass(frozen=True)
class RoofPoint:
    """One batch below the roof: operations a byte, what was reached, what the roof allows there, and which side limits.

    `share` is `gflops / attainable_gflops`.
    """

    flop_per_byte: Positive
    gflops: Positive
    attainable_gflops: Positive
    share: Positive
    limited_by: Limit


@with_config(WRITTEN)
@dataclass(frozen=True)
class BatchFigures:
    """One batch. `images_per_second` is the batch over the median `with_transfer`.

    `with_transfer` is arrays of the host in and out, `without_transfer` the same run with input and outputs lying where
    the engine computes. `gain` is the throughput over that of batch 1; None where batch 1 was not measured. `roof` is
    None where no roof was measured.
    """

    batch: Batch
    with_transfer: Latency
    without_transfer: Latency
    images_per_second: Positive
    gain: Positive | None
    roof: RoofPoint | None


@with_config(WRITTEN)
@dataclass(frozen=True)
class LeftOut:
    """A batch that was asked for and not measured, and why."""

    batch: int
    reason: str


def throughput(batch: int, latency: Latency) -> float:
    """Images a second at the median."""
    return batch / latency.p50_ms * 1e3
