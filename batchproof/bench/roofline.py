"""The roofline of Williams, Waterman and Patterson (2009): what a machine allows work of some intensity to reach."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import with_config

from batchproof.bench.figures import WRITTEN, Limit, Positive, RoofPoint
from batchproof.bench.work import Work


@with_config(WRITTEN)
@dataclass(frozen=True)
class Roof:
    """What one machine reaches: GFLOP/s of a large FP32 matrix product, and GB/s of a copy, read and written."""

    gflops: Positive
    gigabytes_per_second: Positive

    @property
    def ridge(self) -> float:
        """Operations a byte above which arithmetic limits, and below which memory does."""
        return self.gflops / self.gigabytes_per_second

    def or_higher(self, other: Roof) -> Roof:
        """Join two looks at the same machine."""
        return Roof(max(self.gflops, other.gflops), max(self.gigabytes_per_second, other.gigabytes_per_second))

    def attainable(self, flop_per_byte: float) -> float:
        """GFLOP/s that work of this intensity can reach at most."""
        return min(self.gflops, flop_per_byte * self.gigabytes_per_second)


def below(roof: Roof, work: Work, batch: int, seconds: float) -> RoofPoint | None:
    """Place a batch that took `seconds` below the roof; None for work without bytes or operations."""
    flops, moved = work.flops(batch), work.bytes(batch)
    if not flops or not moved:
        return None
    intensity, reached = flops / moved, flops / seconds / 1e9
    attainable = roof.attainable(intensity)
    side: Limit = "compute" if intensity >= roof.ridge else "memory"
    return RoofPoint(intensity, reached, attainable, reached / attainable, side)
