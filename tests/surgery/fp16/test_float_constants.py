from __future__ import annotations

import numpy as np
import onnx_ir as ir

from batchproof.surgery import constants
from batchproof.surgery.fp16.float_constants import FloatConstants
from tests.surgery.tiny_graphs import constant, graph, node, to_ir

THIRD = np.float32(1 / 3)


def _graph(dtype: type[np.floating]) -> ir.Graph:
    """Two nodes read one initialiser, and one of them a Constant node as well."""
    nodes = [
        constant("shift", dtype(THIRD)),
        node("Mul", ["image", "factor"], "x"),
        node("Mul", ["x", "factor"], "y"),
        node("Add", ["y", "shift"], "out"),
    ]
    return to_ir(graph(nodes, {"out": ("N", 3, 64, 96)}, {"factor": dtype(THIRD)})).graph


def _node(halved: ir.Graph, name: str) -> ir.Node:
    return next(each for each in halved if each.name == name)


def _restored(*inputs: tuple[str, int]) -> ir.Graph:
    halved = _graph(np.float16)
    exact = FloatConstants(halved, _graph(np.float32))
    for name, index in inputs:
        exact.restore(_node(halved, name), index)
    return halved


def _read(halved: ir.Graph, name: str) -> float:
    content = constants.read(_node(halved, name).inputs[1])
    assert content is not None
    return float(content.item())


def test_one_reader_gets_float_and_the_other_keeps_its_half() -> None:
    halved = _restored(("Mul_x", 1))
    assert _read(halved, "Mul_x") == THIRD
    assert _read(halved, "Mul_y") == np.float16(THIRD) != THIRD
    assert sorted(halved.initializers) == ["factor", "factor_float"]


def test_two_readers_share_one_float_and_the_half_goes_with_the_last() -> None:
    halved = _restored(("Mul_x", 1), ("Mul_y", 1))
    assert list(halved.initializers) == ["factor_float"]
    assert _read(halved, "Mul_x") == _read(halved, "Mul_y") == THIRD


def test_a_constant_node_goes_with_its_last_reader() -> None:
    halved = _restored(("Add_out", 1))
    assert _read(halved, "Add_out") == THIRD
    assert [each.op_type for each in halved] == ["Mul", "Mul", "Add"]


def test_what_is_computed_or_absent_stays() -> None:
    halved = _restored(("Mul_y", 0), ("Mul_y", 7))
    assert [str(value.name) for value in _node(halved, "Mul_y").inputs if value] == ["x", "factor"]
    assert list(halved.initializers) == ["factor"]
