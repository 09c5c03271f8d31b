"""Subgraphs: an If is followed into its branches; loops are not."""

from __future__ import annotations

import onnx

from batchproof.validate.independence.call import Call
from batchproof.validate.independence.domain import Lost, mixed, unknown
from batchproof.validate.independence.registry import Result, rule
from batchproof.validate.independence.tensor import Tensor


@rule("If")
def if_(call: Call) -> Result:
    """The branch that is taken, or, when the condition is open, what both branches agree on."""
    condition = call.operand(0)
    if condition.batched:
        raise mixed("which branch runs for all frames is decided by the content of the frames")
    taken = condition.value.polys()[0].whole if condition.value is not None else None
    if taken is not None:
        return call.subgraph(_branch(call, "then_branch" if taken else "else_branch"))
    if not condition.steady:
        raise unknown("which branch runs depends on the size of the batch")
    branches = [call.subgraph(_branch(call, name)) for name in ("then_branch", "else_branch")]
    return tuple(_joined(*pair) for pair in zip(*branches, strict=True))


def _branch(call: Call, name: str) -> onnx.GraphProto:
    branch: onnx.GraphProto = call.attributes[name]
    return branch


def _joined(first: Tensor, second: Tensor) -> Tensor:
    for tensor in (first, second):
        if isinstance(tensor.layout, Lost):
            return tensor
    if first.layout != second.layout or first.shape != second.shape:
        raise unknown("its branches put the batch, or the size of the result, differently")
    return Tensor(first.layout, first.shape)


@rule("Loop", "Scan", "SequenceMap")
def loop(call: Call) -> Result:
    """Not followed: what a body carries from one turn to the next would need a fixed point."""
    raise unknown("the rules do not follow loops; unroll it, or express it without one")
