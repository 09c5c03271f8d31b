from __future__ import annotations

import onnx
import onnx_ir as ir
import pytest

from batchproof.surgery.open_batch import OpenBatch
from batchproof.surgery.passes import PassResult
from batchproof.zoo.recognise import recognise
from tests.surgery.tiny_graphs import SIZE, detector, embedder, graph, node, tensor, to_ir, weights


def _opened(proto: onnx.ModelProto) -> tuple[ir.Model, PassResult]:
    model = to_ir(proto)
    return model, OpenBatch(recognise(proto), SIZE)(model)


def test_a_detector_is_free_in_batch_height_and_width() -> None:
    model, _ = _opened(detector("kept"))
    assert str(model.graph.inputs[0].shape) == "[N,3,H,W]"
    assert [str(output.shape) for output in model.graph.outputs[:3]] == [
        "[N,rows_8,1]",
        "[N,rows_16,1]",
        "[N,rows_32,1]",
    ]


def test_an_embedder_is_free_in_the_batch_only() -> None:
    proto = embedder(target=(0, -1))
    model, _ = _opened(proto)
    assert str(model.graph.inputs[0].shape) == "[N,3,112,112]"
    assert str(model.graph.outputs[0].shape) == "[N,256]"


def test_stale_shapes_inside_are_dropped_and_counted() -> None:
    proto = detector("kept")
    proto.graph.value_info.extend([tensor("c8", [1, 8, 8, 12]), tensor("c16", [1, 8, 4, 6])])
    model, result = _opened(proto)
    assert model.graph[0].outputs[0].shape is None
    assert "the shapes recorded inside the graph (2), made for one batch, are dropped" in [
        reason.sentence for reason in result.reasons
    ]


def test_versions_stay() -> None:
    model, _ = _opened(detector("kept"))
    assert (model.ir_version, model.opset_imports[""]) == (6, 11)


def test_a_second_time_changes_nothing() -> None:
    proto = detector("kept")
    model, _ = _opened(proto)
    again = OpenBatch(recognise(proto), SIZE)(model)
    assert not again.modified
    assert all(reason.sentence.startswith("not changed because") for reason in again.reasons)


@pytest.mark.parametrize(
    ("tail", "blamed"), [("interleaved", "Transpose_out_score_8_t"), ("frozen", "Reshape_out_score_8_r")]
)
def test_a_graph_that_loses_the_batch_is_refused_with_the_node(tail: str, blamed: str) -> None:
    proto = detector("interleaved" if tail == "interleaved" else "frozen")
    with pytest.raises(
        ir.passes.PostconditionError, match=f"'out_score_8' the batch leaves the first axis at .*'{blamed}'"
    ):
        _opened(proto)


def test_an_output_that_inference_cannot_follow_says_so() -> None:
    nodes = [
        node("Conv", ["image", "w"], "x", strides=[28, 28]),
        node("ReduceMax", ["x"], "largest", keepdims=0),
        node("Cast", ["largest"], "number", to=onnx.TensorProto.INT64),
        node("Unsqueeze", ["number"], "number_1", axes=[0]),
        node("Concat", ["number_1", "rest"], "target", axis=0),
        node("Reshape", ["x", "target"], "out"),
    ]
    held = {"w": weights((16, 3, 28, 28)), "rest": [-1]}
    _, result = _opened(graph(nodes, {"out": [1, 256]}, held, image=(1, 3, 112, 112)))
    assert "only running a batch shows that this holds" in next(
        r.sentence for r in result.reasons if r.subject == "out"
    )
