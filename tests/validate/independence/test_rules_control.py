"""Subgraphs and chance; and the promise that every operator with a rule is in one of the tables."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from batchproof.validate.independence.rules import RULES
from tests.validate.independence.elementwise_cases import ELEMENTWISE
from tests.validate.independence.rule_cases import Case, mixes, undecided
from tests.validate.independence.small_graphs import node
from tests.validate.independence.test_rules import CONTENT, LAYOUT, PROVEN, UNKNOWN
from tests.validate.independence.test_rules_layers import LAYERS
from tests.validate.independence.test_rules_selection import SELECTION
from tests.validate.independence.test_rules_space import SPACE


def _branch(op: str, inputs: str = "image", **attributes: int) -> onnx.GraphProto:
    result = helper.make_tensor_value_info("y", TensorProto.FLOAT, None)
    return helper.make_graph([node(op, inputs, "y", **attributes)], op, [], [result])


def _choice(then: onnx.GraphProto, otherwise: onnx.GraphProto) -> onnx.NodeProto:
    return node("If", "c", then_branch=then, else_branch=otherwise)


def _nested() -> onnx.GraphProto:
    inner = helper.make_tensor_value_info("z", TensorProto.FLOAT, None)
    chosen = helper.make_node("If", ["c"], ["z"], then_branch=_branch("Relu"), else_branch=_branch("Neg"))
    return helper.make_graph([chosen], "nested", [], [inner])


def _loop_body() -> onnx.GraphProto:
    values = [
        helper.make_tensor_value_info(name, kind, shape)
        for name, kind, shape in (
            ("turn", TensorProto.INT64, []),
            ("go", TensorProto.BOOL, []),
            ("x", TensorProto.FLOAT, None),
            ("go_on", TensorProto.BOOL, []),
            ("y", TensorProto.FLOAT, None),
        )
    ]
    return helper.make_graph([node("Identity", "go", "go_on"), node("Relu", "x", "y")], "body", values[:3], values[3:])


def _scan_body() -> onnx.GraphProto:
    x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in "xy")
    return helper.make_graph([node("Relu", "x", "y")], "body", [x], [y])


_TRUE = np.array(True)
_CHANNELS_ARE_ONE = [node("Shape", "image", "s"), node("Gather", "s one", "n"), node("Equal", "n one", "c")]
_BATCH_IS_ONE = [node("Shape", "image", "s"), node("Gather", "s zero", "n"), node("Equal", "n one", "c")]

CONTROL: dict[str, Case] = {
    "constant choice": Case([_choice(_branch("Relu"), _branch("CumSum", "image zero"))], {"c": _TRUE, "zero": 0}),
    "constant choice of what mixes": mixes(
        [_choice(_branch("CumSum", "image zero"), _branch("Relu"))], {"c": _TRUE, "zero": 0}
    ),
    "choice within a choice": Case([_choice(_nested(), _branch("Exp"))], {"c": _TRUE}),
    # Not run: ONNX Runtime refuses the branch that does not fit when it loads the file.
    "torch's squeeze: is the axis one?": Case(
        [*_CHANNELS_ARE_ONE, _choice(_branch("Squeeze", "image axis"), _branch("Identity"))],
        {"one": 1, "axis": [1]},
        runs=False,
    ),
    "choice by the size of the batch": undecided(
        [*_BATCH_IS_ONE, _choice(_branch("Relu"), _branch("CumSum", "image zero"))], {"one": 1, "zero": 0}
    ),
    "choice by content": mixes(
        [node("ReduceMax", "image", "m", keepdims=0), node("Greater", "m level", "c"),
         _choice(_branch("Relu"), _branch("Neg"))],
        {"level": np.float32(3)},
    ),
    "loop": undecided([node("Loop", "turns go image", body=_loop_body())], {"turns": 2, "go": _TRUE}),
    "scan": undecided([node("Scan", "image", num_scan_inputs=1, body=_scan_body())]),
    "map over a sequence": undecided([node("SequenceMap", "image", body=_scan_body())], runs=False),
    **{
        f"{op} noise": undecided([node(op, "image", "r"), node("Add", "image r")], runs=False)
        for op in ("Bernoulli", "Multinomial", "RandomNormalLike", "RandomUniformLike")
    },
    **{
        f"{op} noise": undecided([node(op, "", "r", shape=[8]), node("Add", "image r")], runs=False)
        for op in ("RandomNormal", "RandomUniform")
    },
}  # fmt: skip

# What no graph can be proven with as long as its result is used: chance, loops, and lists as long as content says.
NEVER_PROVEN = {
    "Bernoulli", "DynamicQuantizeLinear", "Loop", "Multinomial", "NonMaxSuppression", "RandomNormal",
    "RandomNormalLike", "RandomUniform", "RandomUniformLike", "Scan", "SequenceMap", "Unique",
}  # fmt: skip


@pytest.mark.parametrize("name", CONTROL)
def test_control_flow(name: str) -> None:
    CONTROL[name].check()


def test_every_rule_is_in_a_proven_graph_and_in_another() -> None:
    cases = [*ELEMENTWISE.values(), *SELECTION.values(), *LAYERS.values(), *SPACE.values(), *CONTROL.values()]
    proven = {op for case in cases if case.status.value == "proven" for op in case.operators}
    others = {op for case in cases if case.status.value != "proven" for op in case.operators}
    proven |= {each.op_type for nodes, _ in PROVEN.values() for each in nodes}
    others |= {each.op_type for table in (CONTENT, LAYOUT, UNKNOWN) for nodes, _ in table.values() for each in nodes}
    assert set(RULES) - proven == NEVER_PROVEN
    assert set(RULES) - others == set()
