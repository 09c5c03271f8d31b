"""Operators that line their operands up axis by axis, after numpy's rules."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

from batchproof.validate.independence.call import Call, show
from batchproof.validate.independence.domain import frozen, mixed, unknown
from batchproof.validate.independence.polynomial import ONE, Poly
from batchproof.validate.independence.symbols import Symbols
from batchproof.validate.independence.tensor import Dims, Place, Tensor, free, placed, product


def broadcast(call: Call, operands: Sequence[Tensor]) -> Tensor:
    """Combine operands element by element.

    Sound because an element of the result is made of one element of each operand, those at its own index or at index 0
    of an axis of length 1. So the batch must be at one and the same place in every batched operand, and a free operand
    may at most repeat a constant along that axis.
    """
    alone = _single(operands)
    if alone is not None:
        return alone
    rank = max(len(tensor.dims) for tensor in operands)
    dims = tuple(_length(call.symbols, operands, axis) for axis in range(-rank, 0))
    place = common_place([_right_aligned(call, tensor, rank) for tensor in operands])
    for tensor in operands:
        if place is not None:
            repeats(tensor, place.axis - rank + len(tensor.dims), dims[place.axis])
        _fits_every_batch(tensor, dims)
    if place is None:
        return free(dims, steady=all(tensor.steady for tensor in operands))
    return placed(dims, place, call.symbols.batch)


def common_place(places: Sequence[Place | None]) -> Place | None:
    """Return the one place that all batched operands share."""
    found = {place for place in places if place is not None}
    if len(found) > 1:
        raise mixed("it combines two tensors that hold the batch on different axes, so that frames meet each other")
    return found.pop() if found else None


def repeats(tensor: Tensor, axis: int, length: Poly, *, stretch: bool = True) -> None:
    """Require of an operand that is free: the same values for every frame along `axis`, where the batch is.

    `axis` may be negative for an operand without that axis; `length` is that of the batched operand's axis.
    """
    if tensor.batched:
        return
    if not tensor.steady:
        raise unknown("a value that depends on the size of the batch or on the slot reaches the frames")
    here = tensor.dims[axis] if axis >= 0 else ONE
    if here == length or (stretch and here == ONE):
        return
    if here.whole is not None:
        raise frozen(f"a constant {show(tensor.dims)} has {here} rows along the axis that holds the batch")
    raise unknown(f"a free tensor has {here} rows along the axis that holds the batch")


def broadcast_length(symbols: Symbols, left: Poly, right: Poly) -> Poly:
    """Return the length that two axes broadcast to, wherever the runtime accepts them."""
    if left == right or right == ONE:
        return left
    if left == ONE:
        return right
    for length in (left, right):
        if length.whole is not None:  # above 1, so the other one is equal or 1
            return length
    return symbols.dimension("broadcast", *sorted((left, right), key=str))


def _fits_every_batch(tensor: Tensor, dims: Dims) -> None:
    for here, length in zip(reversed(tensor.dims), reversed(dims), strict=False):
        if here.batch and length.whole is not None:
            raise frozen(f"an axis of {show(tensor.dims)} that follows the batch meets one of length {length}")


def _single(operands: Sequence[Tensor]) -> Tensor | None:
    """Elementwise on one batched tensor and single numbers: the flat layout stays, wherever the batch is."""
    batched = [tensor for tensor in operands if tensor.batched]
    if len(batched) != 1:
        return None
    dims = batched[0].dims
    others = [tensor for tensor in operands if not tensor.batched]
    if all(tensor.steady and _is_number(tensor.dims, len(dims)) for tensor in others):
        return Tensor(batched[0].layout, dims)
    return None


def _is_number(dims: Dims, rank: int) -> bool:
    return len(dims) <= rank and product(dims) == ONE


def _length(symbols: Symbols, operands: Sequence[Tensor], axis: int) -> Poly:
    lengths = [tensor.dims[axis] for tensor in operands if -axis <= len(tensor.dims)]
    return reduce(lambda left, right: broadcast_length(symbols, left, right), lengths, ONE)


def _right_aligned(call: Call, tensor: Tensor, rank: int) -> Place | None:
    place = call.place(tensor)
    return None if place is None else place.at(rank - len(tensor.dims) + place.axis)
