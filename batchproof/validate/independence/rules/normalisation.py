"""Operators that take statistics, or compare, along some axes: the batch must not be one of them."""

from __future__ import annotations

from batchproof.validate.independence.broadcasting import broadcast
from batchproof.validate.independence.call import Call, from_front, show
from batchproof.validate.independence.domain import frozen, mixed, unknown
from batchproof.validate.independence.polynomial import ONE
from batchproof.validate.independence.registry import Result, rule
from batchproof.validate.independence.rules.crossing import apart
from batchproof.validate.independence.tensor import Tensor


@rule("Softmax", "LogSoftmax", "Hardmax")
def softmax(call: Call) -> Result:
    """From opset 13 on along one axis; before, along all axes from `axis` on, as if they were one."""
    data = call.operand(0)
    rank = len(data.dims)
    if call.opset >= 13:
        axes = [call.axis("axis", -1, rank)]
    else:
        axes = list(range(call.axis("axis", 1, rank) if rank > 1 else 0, rank))
    return call.settle(data.dims, apart(call, data, axes, "normalises"))


@rule("BatchNormalization")
def batch_normalization(call: Call) -> Result:
    """With stored statistics an affine map per channel; in training mode the statistics are those of the batch."""
    more_outputs = any(call.node.output[1:]) and call.opset < 14
    if call.flag("training_mode") or more_outputs:
        raise mixed("it is in training mode: it normalises with the mean and variance of the whole batch")
    if not call.flag("spatial", default=True):
        raise unknown("with one scale for each place of a frame, opset 8 and before, it is not covered")
    data = call.operand(0)
    call.parameters(1, 2, 3, 4)
    place = call.place(data)
    if place is not None and place.axis == 1:
        raise frozen(f"it has one scale for each index of axis 1 of {show(data.dims)}, which holds the batch")
    return call.settle(data.dims, place)


@rule("InstanceNormalization", "GroupNormalization")
def per_sample(call: Call) -> Result:
    """Statistics over channels and space of one index of axis 0."""
    data = call.operand(0)
    call.parameters(1, 2)
    axes = range(1, len(data.dims))
    return call.settle(data.dims, apart(call, data, axes, "normalises"))


@rule("LayerNormalization", "RMSNormalization")
def layer_normalization(call: Call) -> Result:
    """Statistics over all axes from `axis` on; mean and deviation have length 1 there."""
    data = call.operand(0)
    rank = len(data.dims)
    first = call.axis("axis", -1, rank)
    place = apart(call, data, range(first, rank), "normalises")
    call.parameters(1, 2)
    scaled = broadcast(call, [call.settle(data.dims, place), *call.given[1:]])
    statistics = call.settle((*data.dims[:first], *[ONE] * (rank - first)), place)
    return scaled, statistics, statistics


@rule("LpNormalization")
def lp_normalization(call: Call) -> Result:
    """A norm along one axis."""
    data = call.operand(0)
    axis = call.axis("axis", -1, len(data.dims))
    return call.settle(data.dims, apart(call, data, [axis], "normalises"))


@rule("MeanVarianceNormalization")
def mean_variance_normalization(call: Call) -> Result:
    """Its default axes include the batch."""
    data = call.operand(0)
    given = call.integers("axes")
    axes = [from_front(axis, len(data.dims)) for axis in ([0, 2, 3] if given is None else given)]
    return call.settle(data.dims, apart(call, data, axes, "normalises"))


@rule("LRN")
def lrn(call: Call) -> Result:
    """Sums over neighbouring channels, which are axis 1."""
    data: Tensor = call.operand(0)
    return call.settle(data.dims, apart(call, data, [1], "normalises"))
