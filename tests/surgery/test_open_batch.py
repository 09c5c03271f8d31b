from __future__ import annotations

import onnx
import onnx_ir as ir

from batchproof.surgery.open_batch import OpenBatch
from batchproof.surgery.passes import PassResult
from batchproof.zoo.recognise import recognise
from tests.surgery.tiny_graphs import detector, embedder, tensor, to_ir


def _opened(proto: onnx.ModelProto) -> tuple[ir.Model, PassResult]:
    model = to_ir(proto)
    return model, OpenBatch(recognise(proto))(model)


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
    again = OpenBatch(recognise(proto))(model)
    assert not again.modified
    assert all(reason.sentence.startswith("not changed because") for reason in again.reasons)
