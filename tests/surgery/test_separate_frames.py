from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import onnx
import onnx_ir as ir
import pytest

from batchproof.runtime import OnnxRuntimeRunner
from batchproof.surgery.repair import repair
from batchproof.surgery.separate_frames import SeparateFrames
from batchproof.validate.independence import prove
from batchproof.verdict import Status
from batchproof.zoo.recognise import recognise
from tests.surgery.tiny_graphs import Dims, detector, graph, node, pictures, tensor, to_ir, weights


def _embedder(*after: onnx.NodeProto, image: Dims = (1, 3, 112, 112), **constants: Sequence[int]) -> onnx.ModelProto:
    """Features [N, 16, 4, 4], and what comes after them."""
    nodes = [node("Conv", ["image", "w"], "features", strides=[28, 28]), *after]
    return graph(
        nodes, {nodes[-1].output[0]: [1, 256]}, {"w": weights((16, 3, 28, 28)), **constants}, image=image, opset=13
    )


def _separated(model: onnx.ModelProto) -> tuple[onnx.ModelProto, str]:
    work = to_ir(onnx.ModelProto.FromString(model.SerializeToString()))
    result = SeparateFrames(recognise(model))(work)
    separated = ir.serde.serialize_model(work)
    del separated.graph.value_info[:]
    separated.graph.input[0].type.tensor_type.shape.dim[0].dim_param = "N"
    separated.graph.output[0].type.tensor_type.ClearField("shape")
    return separated, result.reasons[0].sentence


def _rows(model: onnx.ModelProto, frames: np.ndarray) -> np.ndarray:
    runner = OnnxRuntimeRunner(model.SerializeToString(), optimised=False)
    return np.asarray(next(iter(runner.infer(frames).values())))


TRANSPOSED = node("Transpose", ["features"], "t", perm=[2, 3, 0, 1])


@pytest.mark.parametrize(
    ("after", "target", "shape"),
    [
        ([TRANSPOSED, node("Reshape", ["t", "target"], "out")], [-1, 16], (3, 16, 16)),
        ([TRANSPOSED, node("Reshape", ["t", "target"], "out")], [-1, 8], (3, 32, 8)),
        ([TRANSPOSED, node("Reshape", ["t", "target"], "out")], [-1], (3, 256)),
        ([node("Transpose", ["features"], "out", perm=[1, 2, 3, 0])], [], (3, 16, 4, 4)),
        ([node("Reshape", ["features", "target"], "out")], [-1, 4], (3, 64, 4)),
        (
            [TRANSPOSED, node("Reshape", ["t", "target"], "r"), node("Softmax", ["r"], "out", axis=1)],
            [-1, 8],
            (3, 32, 8),
        ),
    ],
)
def test_every_output_that_holds_the_frames_apart_is_sorted(
    after: list[onnx.NodeProto], target: list[int], shape: tuple[int, ...]
) -> None:
    model = _embedder(*after, target=target)
    separated, sentence = _separated(model)
    assert prove(separated).status is Status.PROVEN
    assert not sentence.startswith("not changed")
    assert separated.graph.output[0].name == model.graph.output[0].name
    frames = np.random.default_rng(0).normal(0, 1, (3, 3, 112, 112)).astype(np.float32)
    rows = _rows(separated, frames)
    assert rows.shape == shape
    for index in range(3):
        alone = _rows(model, frames[index : index + 1])
        np.testing.assert_array_equal(rows[index].ravel(), alone.ravel())


def test_what_is_filed_by_frame_is_left() -> None:
    separated, sentence = _separated(_embedder(node("Flatten", ["features"], "out")))
    assert sentence == "not changed because its rows are filed by frame already, [N, 256]"
    assert [each.op_type for each in separated.graph.node] == ["Conv", "Flatten"]


def test_what_is_mixed_is_left_with_the_culprit() -> None:
    _, sentence = _separated(_embedder(node("Softmax", ["features"], "s", axis=0), node("Flatten", ["s"], "out")))
    assert "the batch is lost before it, at Softmax 'Softmax_s'" in sentence


def test_two_lengths_that_follow_the_image_are_left() -> None:
    model = detector(image=(1, 3, "H", "W"))
    for each in model.graph.node:  # [W, H, N, C] to rows of W: the batch lies between two lengths that nobody knows
        if each.op_type == "Transpose":
            each.attribute[0].CopyFrom(onnx.helper.make_attribute("perm", [2, 0, 3, 1]))
        if each.op_type == "Reshape":
            each.input[1] = "flat"
    model.graph.initializer.append(onnx.numpy_helper.from_array(np.array([-1]), "flat"))
    _, sentence = _separated_detector(model)
    assert sentence == "not changed because both sides of the batch in [?] follow the size of the image"


def _separated_detector(model: onnx.ModelProto) -> tuple[ir.Model, str]:
    recognition = recognise(detector(image=(1, 3, "H", "W")))
    work = to_ir(model)
    return work, SeparateFrames(recognition)(work).reasons[0].sentence


def test_a_detector_that_no_pattern_fits_is_repaired_all_the_same() -> None:
    """Something else reads the transposed maps, so that their order of axes has to stay."""
    model = detector()
    model.graph.node.append(node("Relu", ["out_score_8_t"], "seen"))
    model.graph.node.append(node("ReduceMax", ["seen"], "largest", axes=[0, 1, 3], keepdims=0))
    del model.graph.output[0].type.tensor_type.shape.dim[:]
    model.graph.output[0].CopyFrom(tensor("out_score_8", [None, 1]))
    repaired = repair(model, recognise(detector()))
    assert repaired.proof.status is Status.PROVEN
    assert {report.name: report.modified for report in repaired.passes}["SeparateFrames"]
    frames = pictures(3)
    runner = OnnxRuntimeRunner(repaired.model.SerializeToString(), optimised=False)
    original = OnnxRuntimeRunner(model.SerializeToString(), optimised=False)
    together = runner.infer(frames)
    for index in range(3):
        alone = original.infer(frames[index : index + 1])
        np.testing.assert_allclose(together["score_8"][index], alone["out_score_8"], atol=1e-6)
