from __future__ import annotations

import pytest

from batchproof.policy import EmbedderLimits
from batchproof.surgery.fp16.figures import Comparison
from batchproof.surgery.fp16.table import fp16_row
from batchproof.surgery.fp16.to_fp16 import to_fp16
from batchproof.zoo import families
from tests.surgery.fp16.half_chains import chain, samples


@pytest.mark.parametrize(("kept", "casts"), [((), 2), (("conv2",), 4)])
def test_a_row_says_what_half_costs_and_saves(kept: tuple[str, ...], casts: int) -> None:
    model = chain()
    half = to_fp16(model, kept)[0]
    comparison = Comparison(model, families.arcface(embedding=64), samples(), EmbedderLimits(0.999, 0.1))
    row = fp16_row(model, half, comparison)
    assert (row.casts, row.half_nodes, row.float_nodes) == (casts, 14 - len(kept), len(kept))
    assert (row.fp32_bytes, row.fp16_bytes) == (len(model.SerializeToString()), len(half.SerializeToString()))
    assert row.fp16_bytes < 0.7 * row.fp32_bytes
    assert row.as_hardware == comparison.as_hardware(half)
    assert row.as_executed == comparison.as_executed(half)
    assert row.as_hardware["min_cosine"] != row.as_executed["min_cosine"]
