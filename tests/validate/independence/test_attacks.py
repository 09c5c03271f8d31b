"""Graphs that were once proven and are not safe: shape arithmetic that machines do in another way than algebra."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from batchproof.validate.independence import prove
from batchproof.verdict import Status


class Attack:
    """Frames go on untouched when `condition` holds, and are added up over the batch when it does not."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def constant(self, value: object, dtype: type = np.int64) -> str:
        name = f"k{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.array(value, dtype=dtype), name))
        return name

    def node(self, operator: str, *inputs: str, **attributes: Any) -> str:
        name = f"t{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, inputs, [name], name=name, **attributes))
        return name

    def batch(self) -> str:
        return self.node("Gather", self.node("Shape", "x"), self.constant(0))

    def model(self, condition: str) -> onnx.ModelProto:
        branches = {
            "then_branch": helper.make_node("Identity", ["x"], ["kept"]),
            "else_branch": helper.make_node("CumSum", ["x", self.constant(0)], ["summed"]),
        }
        graphs = {
            name: helper.make_graph(
                [node], name, [], [helper.make_tensor_value_info(node.output[0], TensorProto.FLOAT, None)]
            )
            for name, node in branches.items()
        }
        self.nodes.append(helper.make_node("If", [condition], ["y"], **graphs))
        values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", 3, 4]) for name in ("x", "y")]
        graph = helper.make_graph(self.nodes, "attack", values[:1], values[1:], self.constants)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)


def float_rounding(a: Attack) -> str:
    n, large = a.node("Cast", a.batch(), to=TensorProto.FLOAT), a.constant(2**25, np.float32)
    return a.node("Equal", n, a.node("Sub", a.node("Add", n, large), large))


def integer_overflow(a: Attack) -> str:
    large = a.constant(2**32)
    return a.node("Greater", a.node("Mul", a.node("Mul", a.batch(), large), large), a.constant(0))


def unsigned_wrap(a: Attack) -> str:
    return a.node("Less", a.node("Sub", a.constant(1, np.uint64), a.constant(2, np.uint64)), a.constant(1, np.uint64))


def empty_range(a: Attack) -> str:
    counted = a.node("Range", a.constant(3), a.batch(), a.constant(1))
    length = a.node("Gather", a.node("Shape", counted), a.constant(0))
    return a.node("Equal", a.node("Add", length, a.constant(3)), a.batch())


@pytest.mark.parametrize("condition", [float_rounding, integer_overflow, unsigned_wrap, empty_range])
def test_a_condition_that_only_algebra_decides_is_not_followed(condition: Callable[[Attack], str]) -> None:
    attack = Attack()
    assert prove(attack.model(condition(attack))).status is not Status.PROVEN


def test_a_squeeze_with_empty_axes_squeezes_like_one_without() -> None:
    attack = Attack()
    squeezed = attack.node("Squeeze", attack.node("Unsqueeze", "x", attack.constant([0])), attack.constant([]))
    summed = attack.node("CumSum", squeezed, attack.constant(0))
    model = attack.model(attack.constant(True, np.bool_))
    model.graph.node[-1].CopyFrom(helper.make_node("Reshape", [summed, attack.node("Shape", "x")], ["y"]))
    model.graph.node.insert(len(model.graph.node) - 1, attack.nodes[-1])
    assert prove(model).status is not Status.PROVEN


def test_two_versions_of_the_standard_operators_are_unknown() -> None:
    attack = Attack()
    model = attack.model(attack.constant(True, np.bool_))
    model.opset_import.append(helper.make_opsetid("ai.onnx", 11))
    assert prove(model).status is Status.UNKNOWN


@pytest.mark.parametrize("operator", ["Range", "ConstantOfShape"])
def test_a_constant_too_large_to_follow_takes_no_memory(operator: str) -> None:
    attack = Attack()
    if operator == "Range":
        attack.node("Range", attack.constant(0), attack.constant(10**9), attack.constant(1))
    else:
        attack.node("ConstantOfShape", attack.constant([40_000, 40_000]))
    assert prove(attack.model(attack.constant(True, np.bool_))).status is Status.PROVEN
