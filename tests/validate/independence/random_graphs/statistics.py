"""Steps that take statistics, or compare, along some axes."""

from __future__ import annotations

import numpy as np

from tests.validate.independence.random_graphs.builder import Builder, same, step

_REDUCTIONS = ["L1", "L2", "LogSum", "LogSumExp", "Max", "Mean", "Min", "Prod", "Sum", "SumSquare"]


@step("Hardmax", "LogSoftmax", "Softmax")
def softmax(b: Builder) -> None:
    source = b.tensor()
    op = b.pick(["Softmax", "Softmax", "LogSoftmax", "Hardmax"])
    b.offer(b.node(op, source, axis=b.axis(source)), same, source)


@step(*(f"Reduce{name}" for name in _REDUCTIONS))
def reduction(b: Builder) -> None:
    source = b.tensor()
    op, keep, axis = f"Reduce{b.pick(_REDUCTIONS)}", b.integer(0, 1), b.axis(source)
    reduced = b.with_axes(op, source, [axis], 13 if op == "ReduceSum" else 18, keepdims=keep)
    b.offer(reduced, lambda x: x.sum(axis=axis, keepdims=bool(keep)), source)


@step()
def reduction_without_axes(b: Builder) -> None:
    source = b.tensor()
    if b.opset >= 18 and not b.careful:
        node = b.node("ReduceMean", source, noop_with_empty_axes=b.integer(0, 1))
        whole = b.nodes[-1].attribute[0].i == 0
        b.offer(node, lambda x: x.mean(keepdims=True) if whole else x, source)


@step("CumProd", "CumSum")
def cumulative(b: Builder) -> None:
    source = b.tensor()
    op = b.pick(["CumProd", "CumSum"]) if b.opset >= 26 else "CumSum"
    flags = {"exclusive": b.integer(0, 1), "reverse": b.integer(0, 1)}
    b.offer(b.node(op, source, b.ints(b.axis(source)), **flags), same, source)


@step("TopK")
def top_k(b: Builder) -> None:
    """Values, or their places as numbers."""
    source = b.tensor()
    axis = b.axis(source)
    values, places = b.outputs(2, "TopK", source, b.ints([1]), axis=axis)
    b.offer(b.pick([values, b.cast(places)]), lambda x: x.max(axis, keepdims=True), source)


@step("LpNormalization", "MeanVarianceNormalization")
def normalise_axes(b: Builder) -> None:
    source = b.tensor()
    axis = b.axis(source)
    if b.integer(0, 1):
        b.offer(b.node("LpNormalization", source, axis=axis), same, source)
    elif b.opset >= 13:
        b.offer(b.node("MeanVarianceNormalization", source, axes=[axis]), same, source)


@step("LayerNormalization", "RMSNormalization")
def normalise_the_end(b: Builder) -> None:
    source = b.tensor()
    axis = b.axis(source)
    scale = b.weight(b.shape(source)[axis:])
    fixed = not any(b.follows(source, at) for at in range(axis, b.rank(source)))
    if b.opset >= 23 and fixed and b.integer(0, 1):
        b.offer(b.node("RMSNormalization", source, scale, axis=axis), same, source)
    elif b.opset >= 17 and fixed:
        b.offer(b.node("LayerNormalization", source, scale, axis=axis), same, source)


@step("BatchNormalization", "GroupNormalization", "InstanceNormalization", "LRN")
def normalise_channels(b: Builder) -> None:
    source = b.tensor()
    if b.rank(source) < 3 or b.follows(source, 1):
        return
    channels = (b.shape(source)[1],)
    op = b.pick(["BatchNormalization", "GroupNormalization", "InstanceNormalization", "LRN"])
    scale, bias, mean = (b.weight(channels) for _ in range(3))
    if op == "LRN" and b.rank(source) == 4:
        b.offer(b.node(op, source, size=3), same, source)
    elif op == "InstanceNormalization":
        b.offer(b.node(op, source, scale, bias), same, source)
    elif op == "BatchNormalization":
        variance = b.constant(np.ones(channels, np.float32))
        b.offer(b.node(op, source, scale, bias, mean, variance), same, source)
    elif op == "GroupNormalization" and b.opset >= 21:
        b.offer(b.node(op, source, scale, bias, num_groups=1), same, source)
