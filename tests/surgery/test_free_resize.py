from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import onnx_ir as ir
import pytest

from batchproof.runtime import OnnxRuntimeRunner
from batchproof.surgery import constants
from batchproof.surgery.free_resize import FreeResize
from tests.surgery.tiny_graphs import SIZE, Dims, constant, graph, node, node_of, pictures, to_ir


def _resize(
    sizes: list[int] | None = None, *, opset: int = 11, image: Dims = (1, 3, 64, 96), extra: str = "", **attributes: Any
) -> onnx.ModelProto:
    nodes = [node("Relu", ["image"], "x"), node("Resize", ["x", "roi", "roi", "sizes"], "out", **attributes)]
    outputs: dict[str, Dims | None] = {"out": None}
    if extra:
        nodes.append(node("Identity", ["sizes"], extra))
        nodes.append(node("Cast", [extra], "copy", to=1))
        outputs["copy"] = None
    held: dict[str, Any] = {"roi": np.zeros(0, np.float32), "sizes": sizes or [1, 3, 128, 192]}
    return graph(nodes, outputs, held, opset=opset, image=image)


def _freed(proto: onnx.ModelProto) -> tuple[ir.Node, str]:
    model = to_ir(proto)
    result = FreeResize(SIZE).call(model)
    return node_of(model, "Resize_out"), result.reasons[0].sentence


def _scales(resize: ir.Node) -> list[float] | None:
    content = constants.read(constants.input_of(resize, 2))
    return None if content is None else content.tolist()


@pytest.mark.parametrize("opset", [11, 13, 18, 19])
def test_fixed_sizes_become_scales(opset: int) -> None:
    resize, sentence = _freed(_resize(opset=opset))
    assert _scales(resize) == [1, 1, 2, 2]
    assert len(resize.inputs) == 3
    assert "becomes scales [1, 1, 2, 2]" in sentence


def test_roi_that_shares_the_empty_tensor_stays_empty() -> None:
    resize, _ = _freed(_resize())
    roi = constants.read(constants.input_of(resize, 1))
    assert roi is not None
    assert roi.size == 0


def test_sizes_in_a_constant_node_are_freed_too() -> None:
    nodes = [constant("sizes", [1, 3, 32, 48]), node("Resize", ["image", "roi", "roi", "sizes"], "out")]
    resize, _ = _freed(graph(nodes, {"out": None}, {"roi": np.zeros(0, np.float32)}))
    assert _scales(resize) == [1, 1, 0.5, 0.5]


def test_another_reader_of_the_sizes_keeps_them() -> None:
    model = to_ir(_resize(extra="others"))
    FreeResize(SIZE)(model)
    kept = constants.read(node_of(model, "Identity_others").inputs[0])
    assert kept is not None
    assert kept.tolist() == [1, 3, 128, 192]
    assert _scales(node_of(model, "Resize_out")) == [1, 1, 2, 2]


def test_only_the_named_axes_are_scaled() -> None:
    resize, _ = _freed(_resize([128, 96], opset=18, axes=[2, 3]))
    assert _scales(resize) == [2, 1]


def test_sizes_are_taken_over_for_one_frame_exactly() -> None:
    proto = _resize(mode="nearest", coordinate_transformation_mode="asymmetric", nearest_mode="floor")
    model = to_ir(proto)
    expected = OnnxRuntimeRunner(proto.SerializeToString()).infer(pictures(1))["out"]
    FreeResize(SIZE)(model)
    freed = ir.serde.serialize_model(model).SerializeToString()
    assert np.array_equal(OnnxRuntimeRunner(freed).infer(pictures(1))["out"], expected)


def test_a_ratio_that_float32_cannot_hold_is_left() -> None:
    _, sentence = _freed(_resize([1, 3, 100, 96]))
    assert "becomes scales [1, 1, 25/16, 1]" in sentence
    _, sentence = _freed(_resize([1, 3, 64, 70]))
    assert sentence.startswith("not changed because its scales [1, 1, 1, 35/48] are not exact in float32")


def test_computed_sizes_are_left() -> None:
    nodes = [
        node("Shape", ["image"], "shape"),
        node("Mul", ["shape", "factors"], "sizes"),
        node("Resize", ["image", "roi", "roi", "sizes"], "out"),
    ]
    held = {"roi": np.zeros(0, np.float32), "factors": [1, 1, 2, 2]}
    resize, sentence = _freed(graph(nodes, {"out": None}, held, opset=13))
    assert sentence == "not changed because its target size is computed in the graph, not fixed"
    assert resize.inputs[3] is not None


def test_scales_are_left() -> None:
    nodes = [node("Resize", ["image", "scales"], "out")]
    held = {"scales": np.array([1, 1, 2, 2], np.float32)}
    resize, sentence = _freed(graph(nodes, {"out": None}, held, opset=10))
    assert sentence.startswith("not changed because it is given scales")
    assert len(resize.inputs) == 2


def test_a_cropping_resize_is_left() -> None:
    _, sentence = _freed(_resize(coordinate_transformation_mode="tf_crop_and_resize"))
    assert "tf_crop_and_resize" in sentence
    assert sentence.startswith("not changed")


def test_a_resize_that_keeps_the_aspect_ratio_is_left() -> None:
    _, sentence = _freed(_resize(opset=18, keep_aspect_ratio_policy="not_larger"))
    assert "keep_aspect_ratio_policy" in sentence


def test_an_input_of_unknown_size_is_left() -> None:
    nodes = [
        node("NonZero", ["image"], "places"),
        node("Cast", ["places"], "floats", to=1),
        node("Resize", ["floats", "roi", "roi", "sizes"], "out"),
    ]
    _, sentence = _freed(graph(nodes, {"out": None}, {"roi": np.zeros(0, np.float32), "sizes": [4, 10]}))
    assert "the scale is unknown" in sentence


def test_a_graph_without_resize_says_so() -> None:
    result = FreeResize(SIZE)(to_ir(graph([node("Relu", ["image"], "out")], {"out": None})))
    assert not result.modified
    assert result.reasons[0].sentence == "not changed because the graph has no Resize"
