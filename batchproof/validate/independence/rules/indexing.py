"""Operators that pick elements by number, and those whose result is as long as the content says."""

from __future__ import annotations

import numpy as np

from batchproof.validate.independence.broadcasting import common_place, repeats
from batchproof.validate.independence.call import Call, changed, show
from batchproof.validate.independence.domain import mixed, pinned, unknown
from batchproof.validate.independence.polynomial import Poly
from batchproof.validate.independence.registry import Result, rule
from batchproof.validate.independence.symbolic_values import entries_of
from batchproof.validate.independence.tensor import Dims, Place, Tensor, Value, free


@rule("Gather")
def gather(call: Call) -> Result:
    """Constant numbers from another axis, or a frame's own numbers into a constant table."""
    data, indices = call.operand(0), call.operand(1)
    axis = call.axis("axis", 0, len(data.dims))
    dims = (*data.dims[:axis], *indices.dims, *data.dims[axis + 1 :])
    if not data.batched and not indices.batched:
        value = _gathered(data, indices, axis)
        return free(dims, steady=data.constant and indices.constant, value=value)
    if data.batched and indices.batched:
        raise mixed("it picks from all frames by numbers that come from the frames")
    if indices.batched:
        call.parameters(0)
        place = call.place(indices)
        return call.settle(dims, place and place.at(place.axis + axis))
    place = call.place(data)
    if place is None or place.axis == axis:
        if indices.value is None and not indices.steady:
            raise unknown(f"which frames it picks from axis {axis} of {show(data.dims)} cannot be followed")
        raise pinned(f"it picks particular frames from axis {axis} of {show(data.dims)}, which holds the batch")
    call.parameters(1)
    shift = len(indices.dims) - 1 if place.axis > axis else 0
    return call.settle(dims, place.at(place.axis + shift))


def _gathered(data: Tensor, indices: Tensor, axis: int) -> Value | None:
    if data.value is None or indices.value is None:
        return None
    wholes = [poly.whole for poly in indices.value.polys()]
    length = data.value.entries.shape[axis]
    known = [whole for whole in wholes if whole is not None and -length <= whole < length]
    if len(known) < len(wholes):
        return None
    numbers = np.array(known, dtype=np.int64).reshape(indices.value.entries.shape)
    return Value(np.asarray(np.take(data.value.entries, numbers, axis=axis), dtype=object), data.value.integral)


@rule("GatherElements")
def gather_elements(call: Call) -> Result:
    """Numbers along another axis; on the batch's axis, both operands go frame by frame."""
    data, indices = call.operand(0), call.operand(1)
    axis = call.axis("axis", 0, len(data.dims))
    place = _frame_by_frame(call, [data, indices], axis)
    return call.settle(indices.dims, place)


@rule("ScatterElements", "Scatter")
def scatter_elements(call: Call) -> Result:
    """As GatherElements, for writing."""
    data = call.operand(0)
    place = _frame_by_frame(call, call.given, call.axis("axis", 0, len(data.dims)))
    return call.settle(data.dims, place)


def _frame_by_frame(call: Call, tensors: list[Tensor], axis: int) -> Place | None:
    place = common_place([call.keeps_apart(tensor, [axis], "picks or writes by number") for tensor in tensors])
    if place is not None:
        length = place.outer * call.symbols.batch * place.inner
        for tensor in tensors:
            repeats(tensor, place.axis, length, stretch=False)
    return place


@rule("OneHot")
def one_hot(call: Call) -> Result:
    """One new axis of constant length."""
    indices, depth = call.operand(0), call.polys(1)[0]
    call.parameters(1, 2)
    axis = call.axis("axis", -1, len(indices.dims) + 1)
    dims: Dims = (*indices.dims[:axis], depth, *indices.dims[axis:])
    place = call.place(indices)
    return call.settle(dims, place and place.at(place.axis + (place.axis >= axis)))


@rule("Trilu")
def trilu(call: Call) -> Result:
    """Masks by the index on the last two axes."""
    data = call.operand(0)
    rank = len(data.dims)
    call.parameters(1)
    return call.settle(data.dims, call.keeps_apart(data, [rank - 2, rank - 1], "masks"))


@rule("Compress")
def compress(call: Call) -> Result:
    """A constant condition picks from another axis like Gather; any other lists what it finds."""
    data, condition = call.operand(0), call.operand(1)
    if condition.batched or "axis" not in call.attributes:
        return selected_by_content(call)
    axis = call.axis("axis", 0, len(data.dims))
    place = call.place(data)
    if place is not None and place.axis == axis:
        raise pinned(f"it picks particular frames from axis {axis} of {show(data.dims)}, which holds the batch")
    call.parameters(1)
    length = call.symbols.fresh("compress", data.dims[axis])
    return call.settle(changed(data.dims, axis, length), place)


@rule("NonZero")
def non_zero(call: Call) -> Result:
    """Of constants, their numbers are constants too: before opset 11, exporters count in this way."""
    value = None if call.operand(0).batched else call.operand(0).value
    wholes = [] if value is None else [poly.whole for poly in value.polys()]
    if value is None or None in wholes:
        return selected_by_content(call)
    numbers = np.array(np.nonzero(np.array(wholes).reshape(value.entries.shape)))
    return free(tuple(Poly.of(length) for length in numbers.shape), steady=True, value=entries_of(numbers))


@rule("NonMaxSuppression", "Unique")
def selected_by_content(call: Call) -> Result:
    """How many elements there are, and where each stands, depends on all of the content."""
    if any(tensor.batched for tensor in call.given):
        raise mixed("it lists what it finds in all frames one after another, so each frame moves those behind it")
    steady = all(tensor.constant for tensor in call.given)
    return tuple(free(None, steady=steady) for _ in call.node.output)


def index_depth(tensor: Tensor) -> int:
    """The number of leading axes that index tuples address: the length of their last axis."""
    depth: Poly = tensor.dims[-1]
    if depth.whole is None:
        raise unknown("the length of its index tuples is not known")
    return depth.whole
