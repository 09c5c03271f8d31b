"""Subgraphs: an If is followed into its branches; loops are not."""

from __future__ import annotations

import onnx

from batchproof.validate.independence.call import Call
from batchproof.validate.independence.domain import mixed, unknown
from batchproof.validate.independence.registry import Result, rule


@rule("If")
def if_(call: Call) -> Result:
    """The branch that is taken, where the condition is a constant; what only one branch assumes may not leave it."""
    condition = call.operand(0)
    if condition.batched:
        raise mixed("which branch runs for all frames is decided by the content of the frames")
    taken = condition.value.polys()[0].whole if condition.value is not None else None
    if taken is not None:
        return call.subgraph(_branch(call, "then_branch" if taken else "else_branch"))
    raise unknown("which branch runs is not known before it runs, and may depend on the size of the batch")


def _branch(call: Call, name: str) -> onnx.GraphProto:
    branch: onnx.GraphProto = call.attributes[name]
    return branch


@rule("Loop", "Scan", "SequenceMap")
def loop(call: Call) -> Result:
    """Not followed: what a body carries from one turn to the next would need a fixed point."""
    raise unknown("the rules do not follow loops; unroll it, or express it without one")
