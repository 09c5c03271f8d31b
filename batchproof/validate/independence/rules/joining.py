"""Operators that cut an axis into parts, or join tensors along one: Split, Concat."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from batchproof.validate.independence.broadcasting import broadcast_length, common_place, repeats
from batchproof.validate.independence.call import Call, changed, from_front, show
from batchproof.validate.independence.domain import mixed, pinned, unknown
from batchproof.validate.independence.polynomial import ZERO, Poly
from batchproof.validate.independence.registry import Result, rule
from batchproof.validate.independence.tensor import Dims, Place, Tensor, Value, free, placed


@rule("Split")
def split(call: Call) -> Result:
    """A Split is one Slice per output."""
    data = call.operand(0)
    axis = call.axis("axis", 0, len(data.dims))
    place = call.place(data)
    sizes = _sizes(call, data.dims[axis], place is not None and place.axis == axis)
    if any(size.batch for size in sizes) and (place is None or place.axis != axis):
        raise unknown("the sizes of its parts depend on the size of the batch")
    if place is None or place.axis != axis:
        parts = [call.settle(changed(data.dims, axis, size), place) for size in sizes]
        return tuple(_with_value(data, part, axis, sizes, index) for index, part in enumerate(parts))
    blocks = [size.over(call.symbols.batch * place.inner) for size in sizes]
    if any(block is None or block.batch for block in blocks):
        raise pinned(f"it cuts axis {axis} of {show(data.dims)}, which holds the batch, between frames")
    places = [Place(axis, block, place.inner) for block in blocks if block is not None]
    lengths = zip(sizes, places, strict=True)
    return tuple(placed(changed(data.dims, axis, size), part, call.symbols.batch) for size, part in lengths)


def _sizes(call: Call, dim: Poly, holds_batch: bool) -> list[Poly]:
    if call.integers("split") is not None:
        return [Poly.of(size) for size in call.integers("split") or []]
    if call.has(1):
        return call.polys(1)
    parts = len(call.node.output)
    equal = dim.over(Poly.of(parts))
    if equal is None and holds_batch:
        raise pinned(f"it cuts an axis of length {dim}, which holds the batch, into {parts} parts")
    if equal is None and dim.whole is None and "num_outputs" not in call.attributes:
        equal = call.symbols.quotient(dim, Poly.of(parts))
    if equal is None:
        raise unknown(f"it is not known into which {parts} parts it splits an axis of length {dim}")
    return [equal] * parts


def _with_value(data: Tensor, part: Tensor, axis: int, sizes: Sequence[Poly], index: int) -> Tensor:
    wholes = [size.whole for size in sizes]
    if data.value is None or None in wholes:
        return part
    known = [whole for whole in wholes if whole is not None]
    first = sum(known[:index])
    entries = np.take(data.value.entries, range(first, first + known[index]), axis=axis)
    return free(part.dims, steady=part.steady, value=Value(entries, data.value.integral))


@rule("Concat")
def concat(call: Call) -> Result:
    """Along another axis, the batch must be at the same place everywhere; along its own, blocks of N are stacked."""
    tensors = call.given
    axis = from_front(call.integer("axis", 0), len(tensors[0].dims))
    if len(tensors) == 1:
        return tensors[0]
    dims = _joined(call, tensors, axis)
    places = [call.place(tensor) for tensor in tensors]
    if not any(places):
        steady = all(tensor.steady for tensor in tensors) and not dims[axis].batch
        return free(dims, steady=steady, value=_concatenated(tensors, axis))
    if any(place is not None and place.axis == axis for place in places):
        return placed(dims, _stacked(call, places, axis), call.symbols.batch)
    place = common_place(places)
    if place is not None:
        length = place.outer * call.symbols.batch * place.inner
        for tensor in tensors:
            repeats(tensor, place.axis, length, stretch=False)
        dims = changed(dims, place.axis, length)
    return call.settle(dims, place)


def _joined(call: Call, tensors: Sequence[Tensor], axis: int) -> Dims:
    """Lengths add up along `axis`; along the others they are equal when the node runs."""
    dims = tensors[0].dims
    for tensor in tensors[1:]:
        pairs = enumerate(zip(dims, tensor.dims, strict=True))
        dims = tuple(a + b if i == axis else broadcast_length(call.symbols, a, b) for i, (a, b) in pairs)
    return dims


def _stacked(call: Call, places: Sequence[Place | None], axis: int) -> Place:
    """[a, N, s] after [b, N, s] is [a+b, N, s]."""
    outer, inners = ZERO, set[Poly]()
    for place in places:
        if place is None:
            raise mixed("it puts rows that belong to no frame among those of the batch")
        if place.axis != axis:
            raise mixed("it joins two tensors that hold the batch on different axes")
        outer, inners = outer + place.outer, inners | {place.inner}
    if len(inners) > 1:
        raise unknown("it joins tensors that hold different numbers of rows per frame, one behind the other")
    return Place(axis, outer, inners.pop())


def _concatenated(tensors: Sequence[Tensor], axis: int) -> Value | None:
    values = [tensor.value for tensor in tensors if tensor.value is not None]
    if len(values) < len(tensors):
        return None
    return Value(np.concatenate([value.entries for value in values], axis=axis), values[0].integral)
