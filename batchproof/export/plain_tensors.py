"""Tensors that are what they seem: dense numbers, all of them in the file. A checkpoint may hold other kinds."""

from __future__ import annotations

import torch
from torch import Tensor

# What torch can convert and compare. Other types are complex, quantised, packed or without arithmetic.
_FLOATS = (torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.float8_e4m3fn, torch.float8_e5m2)
_WHOLE = (torch.bool, torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64)
_PLAIN = frozenset((*_FLOATS, *_WHOLE))


def is_plain(tensor: Tensor) -> bool:
    """Say whether `tensor` is dense, of a plain type of numbers, and no larger than the bytes that it stands on."""
    if tensor.is_nested or tensor.layout is not torch.strided or tensor.is_meta:
        return False
    # An expanded tensor says that it is larger than the file can be.
    held = tensor.untyped_storage().nbytes() >= tensor.numel() * tensor.element_size()
    return held and tensor.dtype in _PLAIN


def are_equal(first: Tensor, second: Tensor) -> bool:
    """Say whether both are plain and have the same type, shape and numbers."""
    plain = is_plain(first) and is_plain(second)
    return plain and first.dtype == second.dtype and torch.equal(first, second)
