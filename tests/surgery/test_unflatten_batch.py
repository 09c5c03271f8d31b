from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import onnx
import onnx_ir as ir
import pytest

from batchproof.surgery.passes import Reason
from batchproof.surgery.unflatten_batch import UnflattenBatch
from tests.surgery.tiny_graphs import graph, node, node_of, target_of, to_ir, weights


def _repaired(proto: onnx.ModelProto) -> tuple[ir.Model, dict[str, Reason]]:
    model = to_ir(proto)
    result = UnflattenBatch()(model)
    return model, {reason.subject: reason for reason in result.reasons}


def _rows(perm: Sequence[int], target: Sequence[int], *after: onnx.NodeProto, **constants: Any) -> onnx.ModelProto:
    nodes = [
        node("Transpose", ["image"], "t", perm=perm),
        node("Reshape", ["t", "target"], "rows"),
        *after,
    ]
    return graph(nodes, {nodes[-1].output[0]: None}, {"target": target, **constants})


@pytest.mark.parametrize("target", [[-1, 3], [1, -1, 3], [64 * 96, 3], [1, 64 * 96, 3]])
def test_cells_before_the_batch_are_put_after_it(target: list[int]) -> None:
    model, reasons = _repaired(_rows([2, 3, 0, 1], target))
    assert target_of(model, "Reshape_rows") == [0, -1, 3]
    assert list(node_of(model, "Transpose_t").attributes.get_ints("perm", ())) == [0, 2, 3, 1]
    assert reasons["Reshape_rows"].changed


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ([-1, 3], [0, -1, 3]),
        ([6144, 3], [0, -1, 3]),
    ],
)
def test_rows_strung_together_get_their_frames_back(target: list[int], expected: list[int]) -> None:
    model, reasons = _repaired(_rows([0, 2, 3, 1], target))
    assert target_of(model, "Reshape_rows") == expected
    assert reasons["Reshape_rows"].changed


def test_one_target_of_many_rows_is_changed_once() -> None:
    nodes = [
        node("Transpose", ["image"], "t", perm=[2, 3, 0, 1]),
        node("Reshape", ["t", "target"], "first"),
        node("Transpose", ["image"], "u", perm=[2, 3, 0, 1]),
        node("Reshape", ["u", "target"], "second"),
    ]
    model, _ = _repaired(graph(nodes, {"first": None, "second": None}, {"target": [-1, 3]}))
    assert list(model.graph.initializers) == ["target"]
    assert target_of(model, "Reshape_first") == target_of(model, "Reshape_second") == [0, -1, 3]


def test_a_transpose_with_another_reader_is_left() -> None:
    nodes = [
        node("Transpose", ["image"], "t", perm=[2, 3, 0, 1]),
        node("Reshape", ["t", "target"], "rows"),
        node("Relu", ["t"], "other"),
    ]
    model, reasons = _repaired(graph(nodes, {"rows": None, "other": None}, {"target": [-1, 3]}))
    assert target_of(model, "Reshape_rows") == [-1, 3]
    assert "Relu 'Relu_other' also reads 'Transpose_t'" in reasons["Reshape_rows"].sentence


@pytest.mark.parametrize("perm", [[2, 3, 0, 1], [0, 2, 3, 1]])
def test_a_reader_that_counts_axes_is_respected(perm: list[int]) -> None:
    model, reasons = _repaired(_rows(perm, [-1, 3], node("Softmax", ["rows"], "soft", axis=1)))
    assert target_of(model, "Reshape_rows") == [-1, 3]
    assert "Softmax 'Softmax_soft' would read its rows along another axis" in reasons["Reshape_rows"].sentence


def test_elementwise_readers_are_no_obstacle() -> None:
    after = (node("Sigmoid", ["rows"], "s"), node("Mul", ["s", "factor"], "m"), node("Relu", ["m"], "out"))
    model, _ = _repaired(_rows([2, 3, 0, 1], [-1, 3], *after, factor=weights((3,))))
    assert target_of(model, "Reshape_rows") == [0, -1, 3]


def test_two_computed_operands_are_an_obstacle() -> None:
    after = (node("Relu", ["rows"], "r"), node("Mul", ["r", "rows"], "out"))
    model, reasons = _repaired(_rows([2, 3, 0, 1], [-1, 3], *after))
    assert target_of(model, "Reshape_rows") == [-1, 3]
    assert "Mul 'Mul_out'" in reasons["Reshape_rows"].sentence


def test_a_constant_of_more_axes_is_an_obstacle() -> None:
    after = node("Add", ["rows", "anchors"], "out")
    model, reasons = _repaired(_rows([2, 3, 0, 1], [-1, 3], after, anchors=weights((2, 1, 3))))
    assert target_of(model, "Reshape_rows") == [-1, 3]
    assert "Add 'Add_out' would read its rows along another axis" in reasons["Reshape_rows"].sentence


def test_cells_last_are_not_taken_for_cells_first() -> None:
    nodes = [
        node("Transpose", ["image"], "cells_first", perm=[2, 3, 0, 1]),
        node("Transpose", ["cells_first"], "t", perm=[2, 3, 0, 1]),
        node("Reshape", ["t", "target"], "rows"),
    ]
    model, reasons = _repaired(graph(nodes, {"rows": None}, {"target": [-1, 96]}))
    assert target_of(model, "Reshape_rows") == [-1, 96]
    assert "the batch is not the first axis of its input 'cells_first'" in reasons["Reshape_rows"].sentence


@pytest.mark.parametrize(
    ("perm", "target", "sentence"),
    [
        ([0, 2, 3, 1], [0, -1, 3], "its target [0, -1, 3] copies the first axis"),
        ([0, 2, 3, 1], [-1, 3 * 64 * 96], "its target [-1, 18432] gives one row to each frame"),
        ([0, 2, 3, 1], [2, 18432], "its target [2, 18432] strings no rows together"),
        ([0, 2, 3, 1], [3, -1], "its target [3, -1] strings no rows together"),
        ([1, 0, 2, 3], [1, -1], "the batch is not the first axis of its input 't' [3, N, 64, 96]"),
    ],
)
def test_what_fits_no_pattern_is_left(perm: list[int], target: list[int], sentence: str) -> None:
    model, reasons = _repaired(_rows(perm, target))
    assert target_of(model, "Reshape_rows") == target
    assert reasons["Reshape_rows"].sentence == f"not changed because {sentence}"


def test_a_computed_target_is_left() -> None:
    nodes = [node("Shape", ["image"], "shape"), node("Reshape", ["image", "shape"], "out")]
    _, reasons = _repaired(graph(nodes, {"out": None}))
    assert reasons["Reshape_out"].sentence == "not changed because its target is computed in the graph"


def test_a_zero_that_is_a_length_is_left() -> None:
    nodes = [node("Reshape", ["image", "target"], "rows", allowzero=1)]
    model, reasons = _repaired(graph(nodes, {"rows": None}, {"target": [1, 0]}, opset=14))
    assert target_of(model, "Reshape_rows") == [1, 0]
    assert "with allowzero the 0 in its target [1, 0] is a length" in reasons["Reshape_rows"].sentence


def test_an_input_of_unknown_shape_is_left() -> None:
    nodes = [
        node("Shape", ["image"], "shape"),
        node("Mul", ["shape", "ones"], "same"),
        node("Reshape", ["image", "same"], "x"),
        node("NonZero", ["x"], "places"),
        node("Cast", ["places"], "floats", to=1),
        node("Reshape", ["floats", "target"], "rows"),
    ]
    _, reasons = _repaired(graph(nodes, {"rows": None}, {"ones": [1, 1, 1, 1], "target": [1, -1]}))
    assert "the batch is lost before it, at NonZero 'NonZero_places'" in reasons["Reshape_rows"].sentence


def test_a_graph_without_reshape_says_so() -> None:
    _, reasons = _repaired(graph([node("Relu", ["image"], "out")], {"out": None}))
    assert reasons["tiny"].sentence == "not changed because the graph has no Reshape"
