from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from batchproof.export.plain_tensors import are_equal, is_plain

ONES = torch.ones(2, 3)
ODD: dict[str, Callable[[], Tensor]] = {
    "sparse": ONES.to_sparse,
    "without data": lambda: torch.ones(2, 3, device="meta"),
    "larger than its storage": lambda: torch.ones(1).expand(2**42),
    "complex": lambda: ONES.to(torch.complex64),
    "quantised": lambda: torch.quantize_per_tensor(ONES, 0.1, 0, torch.qint8),
    "packed": lambda: torch.ones(4, dtype=torch.uint8).view(torch.float4_e2m1fn_x2),
    "bits": lambda: torch.ones(4, dtype=torch.uint8).view(torch.bits8),
    "nested": lambda: torch._nested_tensor_from_tensor_list([torch.ones(2), torch.ones(3)]),
}


@pytest.mark.filterwarnings("ignore")  # torch's, about the kinds that it leaves or tries out
@pytest.mark.parametrize("kind", ODD)
def test_other_kinds_are_told_and_equal_nothing(kind: str) -> None:
    tensor = ODD[kind]()
    assert not is_plain(tensor)
    assert not are_equal(tensor, tensor)


@pytest.mark.parametrize(
    "kind", [torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.float8_e5m2, torch.int64, torch.bool]
)
def test_numbers_of_every_usual_type_are_plain(kind: torch.dtype) -> None:
    tensor = ONES.to(kind)
    assert is_plain(tensor)
    assert tensor.float().isfinite().all()
    assert are_equal(tensor, tensor.clone())


@pytest.mark.parametrize(
    "other", [ONES + 1, ONES[:1], ONES.half(), ONES.reshape(3, 2)], ids=["value", "shape", "type", "order"]
)
def test_other_numbers_shapes_and_types_are_not_equal(other: Tensor) -> None:
    assert not are_equal(ONES, other)
