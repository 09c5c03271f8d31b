"""Conversions to and from integers with stored scales; scales taken from the content are those of the whole batch."""

from __future__ import annotations

from batchproof.validate.independence.call import Call, show
from batchproof.validate.independence.domain import frozen, mixed, unknown
from batchproof.validate.independence.polynomial import ONE
from batchproof.validate.independence.registry import Result, rule
from batchproof.validate.independence.tensor import Tensor, product


@rule("QuantizeLinear", "DequantizeLinear")
def linear(call: Call) -> Result:
    """An affine map with one scale, or with one for each index of an axis that is not the batch's."""
    data, scale = call.operand(0), call.operand(1)
    call.parameters(1, 2)
    if call.integer("block_size", 0):
        raise unknown("quantisation in blocks is not covered")
    if product(scale.dims) == ONE:
        return Tensor(data.layout, data.dims)
    place, axis = call.place(data), call.axis("axis", 1, len(data.dims))
    if place is not None and place.axis == axis:
        raise frozen(f"it has one scale for each index of axis {axis} of {show(data.dims)}, which holds the batch")
    return call.settle(data.dims, place)


@rule("DynamicQuantizeLinear")
def dynamic(call: Call) -> Result:
    """Its scale is made of the smallest and the largest value of the whole tensor."""
    data = call.operand(0)
    if data.batched:
        raise mixed("it computes one scale from the smallest and largest value of the whole batch")
    return tuple(call.settle(dims, None) for dims in (data.dims, (), ()))
