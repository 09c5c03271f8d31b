from __future__ import annotations

import onnx

from batchproof.surgery.fp16.input_views import input_views
from batchproof.surgery.fp16.summary import half_nodes
from batchproof.surgery.fp16.to_fp16 import to_fp16
from tests.surgery.tiny_graphs import graph, node

DIMS = ("N", 3, 64, 96)


def _viewed() -> onnx.ModelProto:
    """The image, cut and reshaped to the shape of what is cut; then the same once more behind a Relu."""
    nodes = [
        node("Slice", ["image", "from", "to"], "cut", name="cut"),
        node("Shape", ["cut"], "shape", name="shape"),
        node("Reshape", ["cut", "shape"], "same", name="same"),
        node("Relu", ["same"], "x", name="relu"),
        node("Reshape", ["x", "shape"], "again", name="again"),
        node("Abs", ["again"], "out", name="abs"),
    ]
    return graph(nodes, {"out": DIMS}, {"from": [0], "to": [2**31 - 1]}, image=DIMS)


def test_only_what_stands_before_all_computation_is_a_view_of_the_input() -> None:
    assert input_views(_viewed().graph) == {"cut", "same"}


def test_constants_among_the_inputs_are_no_images() -> None:
    model = graph([node("Reshape", ["table", "to"], "out", name="table")], {"out": None}, {"table": [1.0], "to": [1]})
    model.graph.input.append(onnx.helper.make_tensor_value_info("table", onnx.TensorProto.FLOAT, [1]))
    assert not input_views(model.graph)


def test_views_stay_in_front_of_the_inputs_cast_and_are_not_counted() -> None:
    converted, summary = to_fp16(_viewed())
    ops = [each.op_type for each in converted.graph.node]
    assert ops == ["Slice", "Shape", "Reshape", "Cast", "Relu", "Reshape", "Abs", "Cast"]
    assert (summary.casts, summary.half_nodes, summary.float_nodes) == (2, 3, 0)
    assert half_nodes(converted) == ("relu", "again", "abs")


def test_the_first_layer_in_fp32_reads_them_directly() -> None:
    converted, summary = to_fp16(_viewed(), ("relu",))
    ops = [each.op_type for each in converted.graph.node]
    assert ops == ["Slice", "Shape", "Reshape", "Relu", "Cast", "Reshape", "Abs", "Cast"]
    assert (summary.casts, summary.float_nodes) == (2, 1)
