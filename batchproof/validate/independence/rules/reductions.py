"""Operators that reduce or accumulate along axes, and TopK, which sorts along one."""

from __future__ import annotations

from batchproof.validate.independence.call import Call, changed, from_front
from batchproof.validate.independence.polynomial import ONE, Poly
from batchproof.validate.independence.registry import Result, rule
from batchproof.validate.independence.tensor import Dims, Place, Tensor

_REDUCTIONS = ["L1", "L2", "LogSum", "LogSumExp", "Max", "Mean", "Min", "Prod", "Sum", "SumSquare"]


@rule(*(f"Reduce{name}" for name in _REDUCTIONS))
def reduce_(call: Call) -> Result:
    """Without axes it reduces all, unless `noop_with_empty_axes` makes it the identity."""
    data = call.operand(0)
    axes = call.listed("axes", 1) or []
    if not axes and call.flag("noop_with_empty_axes"):
        return call.settle(data.dims, call.place(data))
    reduced = {from_front(axis, len(data.dims)) for axis in axes} or set(range(len(data.dims)))
    return _reduced(call, data, reduced)


@rule("ArgMax", "ArgMin")
def arg(call: Call) -> Result:
    """One axis."""
    data = call.operand(0)
    return _reduced(call, data, {call.axis("axis", 0, len(data.dims))})


def _reduced(call: Call, data: Tensor, axes: set[int]) -> Tensor:
    place = call.keeps_apart(data, sorted(axes), "reduces")
    if call.flag("keepdims", default=True):
        return call.settle([ONE if axis in axes else dim for axis, dim in enumerate(data.dims)], place)
    dims: Dims = tuple(dim for axis, dim in enumerate(data.dims) if axis not in axes)
    return call.settle(dims, place and place.at(place.axis - sum(axis < place.axis for axis in axes)))


@rule("CumSum", "CumProd")
def cumulative(call: Call) -> Result:
    """Sums up along one axis, which must be constant."""
    data = call.operand(0)
    axis = from_front(call.wholes(1)[0], len(data.dims))
    return call.settle(data.dims, call.keeps_apart(data, [axis], "adds up"))


@rule("TopK")
def top_k(call: Call) -> Result:
    """Sorts along one axis; the indices count along that axis."""
    data = call.operand(0)
    axis = call.axis("axis", -1, len(data.dims))
    place: Place | None = call.keeps_apart(data, [axis], "sorts")
    if call.opset < 10:
        length = Poly.of(call.integer("k", 1))
    else:
        call.parameters(1)
        length = call.polys(1)[0]
    result = call.settle(changed(data.dims, axis, length), place)
    return result, result
