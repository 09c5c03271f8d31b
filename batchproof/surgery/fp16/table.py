"""One row of the FP16 table: what half precision costs and saves, as data."""

from __future__ import annotations

from dataclasses import dataclass

import onnx

from batchproof.surgery.fp16.figures import Comparison, Figures
from batchproof.surgery.fp16.summary import summarise


@dataclass(frozen=True)
class Fp16Row:
    """An FP16 graph beside its FP32 graph.

    `as_hardware` are the figures of hardware that stores every half tensor, `as_executed` those of ONNX Runtime's CPU,
    which does not. Sizes are of the files, in bytes, weights included.
    """

    as_hardware: Figures
    as_executed: Figures
    fp32_bytes: int
    fp16_bytes: int
    casts: int
    half_nodes: int
    float_nodes: int


def fp16_row(exact: onnx.ModelProto, half: onnx.ModelProto, comparison: Comparison) -> Fp16Row:
    """Measure `half`, whoever converted it from `exact`; `comparison` is one with `exact`.

    Raises `StepFailedError` when `half` does not run or its outputs do not fit the model's family.
    """
    summary = summarise(exact, half)
    return Fp16Row(
        as_hardware=comparison.as_hardware(half),
        as_executed=comparison.as_executed(half),
        fp32_bytes=exact.ByteSize(),
        fp16_bytes=half.ByteSize(),
        casts=summary.casts,
        half_nodes=summary.half_nodes,
        float_nodes=summary.float_nodes,
    )
