"""Building graphs that look safe to algebra and are not, and asking ONNX Runtime whether they really are not."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from batchproof.validate.independence import prove
from batchproof.verdict import Status
from tests.validate.independence.execution import influence, violation


class Attack:
    """A graph under construction between `x`, [N, *frame], and one output. Lengths of the frame may be names."""

    def __init__(self, *frame: int | str, opset: int = 17) -> None:
        self.frame, self.opset = frame, opset
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def constant(self, value: object, dtype: type = np.int64) -> str:
        name = f"k{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.array(value, dtype=dtype), name))
        return name

    def floats(self, value: object) -> str:
        return self.constant(value, np.float32)

    def node(self, operator: str, *inputs: str, **attributes: Any) -> str:
        name = f"t{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, inputs, [name], name=name, **attributes))
        return name

    def length(self, tensor: str, axis: int) -> str:
        """A single number."""
        return self.node("Gather", self.node("Shape", tensor), self.constant(axis))

    def lengths(self, tensor: str, axis: int) -> str:
        """A list of one number."""
        return self.node("Gather", self.node("Shape", tensor), self.constant([axis]))

    def batch(self) -> str:
        return self.length("x", 0)

    def untouched_if(self, condition: str) -> str:
        """The frames as they are when `condition` holds, added up over the batch when it does not."""
        branches = {
            "then_branch": helper.make_node("Identity", ["x"], [f"{condition}_kept"]),
            "else_branch": helper.make_node("CumSum", ["x", self.constant(0)], [f"{condition}_summed"]),
        }
        return self.node("If", condition, **{name: branch(node) for name, node in branches.items()})

    def regrouped(self, rows: str, first: str, second: str) -> str:
        """Sums along rows of `second` elements where there are `first`: safe where the two lengths are one."""
        grouped = self.node("Reshape", rows, self.node("Concat", self.constant([-1]), second, axis=0))
        summed = self.node("CumSum", grouped, self.constant(1))
        return self.node("Reshape", summed, self.node("Concat", self.constant([-1]), first, axis=0))

    def model(self, output: str) -> onnx.ModelProto:
        values = [
            helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", *self.frame]),
            helper.make_tensor_value_info(output, TensorProto.FLOAT, None),
        ]
        graph = helper.make_graph(self.nodes, "attack", values[:1], values[1:], self.constants)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", self.opset)], ir_version=9)


def branch(*nodes: onnx.NodeProto) -> onnx.GraphProto:
    """A subgraph of an If, whose output is that of its last node."""
    name = nodes[-1].output[0]
    return helper.make_graph(nodes, name, [], [helper.make_tensor_value_info(name, TensorProto.FLOAT, None)])


def assert_caught(model: onnx.ModelProto, *frame: int) -> None:
    """The attack is real, ONNX Runtime shows it on frames of the size `frame`; and the proof does not fall for it."""
    assert violation(model, frame) is not None
    assert prove(model).status is not Status.PROVEN


def assert_caught_in_batches_of(size: int, model: onnx.ModelProto, *frame: int) -> None:
    """As `assert_caught`, for a graph that refuses a batch of one."""
    assert influence(model, frame, size) is not None
    assert prove(model).status is not Status.PROVEN
