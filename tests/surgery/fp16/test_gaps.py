from __future__ import annotations

import pytest

from batchproof.surgery.fp16.gaps import gaps
from tests.surgery.fp16.half_chains import chain

HALVES = [each.name for each in chain().graph.node]


@pytest.mark.parametrize(
    ("kept", "expected"),
    [
        (("conv2", "conv3"), {"relu2"}),
        (("conv2", "conv3", "conv4"), {"relu2", "relu3"}),
        (("conv2", "relu3"), set()),
        (("conv2", "relu2", "conv3"), set()),  # closed already
        (("relu5", "Flatten_embedding"), {"GlobalAveragePool_pooled"}),
        (("relu5", "GlobalAveragePool_pooled"), set()),  # nothing reads what follows
        (("relu0",), set()),  # what stands before reads the image, not a node
        ((), set()),
    ],
)
def test_a_gap_has_only_kept_neighbours(kept: tuple[str, ...], expected: set[str]) -> None:
    assert gaps(chain(), kept, HALVES) == expected


def test_nodes_that_are_not_in_half_leave_no_gap() -> None:
    assert gaps(chain(), ("conv2", "conv3"), ["conv2", "conv3"]) == set()
