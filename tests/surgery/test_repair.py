from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest

from batchproof.errors import StepFailedError
from batchproof.surgery.repair import explain, repair
from batchproof.verdict import Status
from batchproof.zoo.recognise import recognise
from tests.surgery.real_models import REAL_MODELS, read
from tests.surgery.tiny_graphs import Tail, detector, embedder, graph, node, weights

PASSES = [
    "RequireFiniteWeights",
    "DropInitializerInputs",
    "FreeResize",
    "ThawReshape",
    "UnflattenBatch",
    "SeparateFrames",
    "OpenBatch",
    "NameOutputs",
]


def _inexact_resize() -> onnx.ModelProto:
    model = detector("kept", fixed_resize=True)
    sizes = next(tensor for tensor in model.graph.initializer if tensor.name == "sizes")
    # 2 x 3 cells to 4 x 7: a detector that no scale describes.
    sizes.CopyFrom(onnx.numpy_helper.from_array(np.array([1, 8, 4, 7]), "sizes"))
    lateral = next(each for each in model.graph.node if each.name == "Add_p16")
    lateral.input[0] = "up"
    return model


@pytest.mark.parametrize("tail", ["interleaved", "frozen", "kept"])
@pytest.mark.parametrize("fixed_resize", [False, True])
def test_every_tiny_detector_is_repaired(tail: Tail, fixed_resize: bool) -> None:
    model = detector(tail, fixed_resize=fixed_resize)
    repaired = repair(model, recognise(model))
    assert [report.name for report in repaired.passes] == PASSES
    assert [output.name for output in repaired.model.graph.output][:2] == ["score_8", "score_16"]
    assert not repaired.model.graph.value_info


def test_the_original_stays_and_the_bytes_are_the_same_each_time() -> None:
    model = detector(fixed_resize=True)
    for value in (*model.graph.initializer, *(each for each in model.graph.node)):
        value.name = "input" if value.name == "w8" else value.name
    model.graph.node[0].input[1] = "input"  # a weight whose name must make way
    before, recognition = model.SerializeToString(), recognise(model)
    first, second = repair(model, recognition), repair(model, recognition)
    assert model.SerializeToString() == before
    assert first.model.SerializeToString() == second.model.SerializeToString()


def test_a_repaired_model_is_recognised_and_not_changed_again() -> None:
    model = embedder()
    repaired = repair(model, recognise(model)).model
    again = repair(repaired, recognise(repaired))
    assert not any(report.modified for report in again.passes)
    assert again.model == repaired


def test_a_node_that_cannot_be_repaired_is_named() -> None:
    model = _inexact_resize()
    with pytest.raises(StepFailedError, match="the proof still refutes it: Resize 'Resize_up': "):
        repair(model, recognise(model))


def test_an_explanation_ends_with_what_the_proof_says() -> None:
    model = _inexact_resize()
    reports = explain(model, recognise(model))
    assert [report.name for report in reports] == [*PASSES, "Proof"]
    assert "not exact in float32" in reports[2].reasons[0].sentence
    assert reports[-1].reasons[0].subject == "Resize_up"
    assert reports[-1].reasons[0].sentence.startswith("the repaired graph is refuted: Resize 'Resize_up': ")


def test_an_explanation_is_that_of_the_repair() -> None:
    model = detector()
    recognition = recognise(model)
    assert explain(model, recognition)[:-1] == repair(model, recognition).passes


def test_what_the_proof_cannot_follow_is_repaired_and_said_to_be_unknown() -> None:
    nodes = [
        node("Conv", ["image", "w"], "x", strides=[28, 28]),
        node("Reshape", ["x", "target"], "rows"),
        node("Gelu", ["rows"], "out", domain="com.microsoft"),
    ]
    held = {"w": weights((16, 3, 28, 28)), "target": [1, -1]}
    model = graph(nodes, {"out": [1, 256]}, held, image=(1, 3, 112, 112))
    model.opset_import.append(onnx.helper.make_opsetid("com.microsoft", 1))
    proof = repair(model, recognise(model)).proof
    assert proof.status is Status.UNKNOWN
    assert "no rule for the operator Gelu of the domain 'com.microsoft'" in proof.reason


def test_a_recognition_of_another_model_is_refused() -> None:
    other = detector()
    other.graph.output[0].name = "elsewhere"
    other.graph.node[-1].output[0] = other.graph.output[-1].name
    with pytest.raises(StepFailedError, match="'elsewhere'"):
        repair(detector(), recognise(other))


def test_an_invalid_graph_is_refused() -> None:
    nodes = [
        node("Conv", ["image", "w"], "x", strides=[28, 28]),
        node("Relu", ["x"], "y"),
        node("Mul", ["y", "v"], "out"),
    ]
    model = graph(nodes, {"out": [1, 256]}, {"w": weights((16, 3, 28, 28)), "v": [1, 2, 3]}, image=(1, 3, 112, 112))
    with pytest.raises(StepFailedError, match="not valid ONNX"):
        repair(model, recognise(model))


@pytest.mark.parametrize("name", REAL_MODELS)
def test_real_files_are_repaired(name: str, test_data: Path) -> None:
    model = read(test_data, name)
    recognition = recognise(model)
    repaired = repair(model, recognition).model
    assert [node.name for node in repaired.graph.node] == [node.name for node in model.graph.node]
    assert repaired.ir_version == model.ir_version
    assert [entry.version for entry in repaired.opset_import] == [entry.version for entry in model.opset_import]
    assert [output.name for output in repaired.graph.output] == [output.name for output in recognition.spec.outputs]
    assert not repaired.graph.value_info
    assert repaired.graph.input[0].type.tensor_type.shape.dim[0].dim_param == "N"
